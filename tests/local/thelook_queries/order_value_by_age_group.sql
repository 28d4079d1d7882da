SELECT
  CASE
    WHEN age < 20 THEN 'under 20'
    WHEN age BETWEEN 20 AND 39 THEN '20-39'
    WHEN age BETWEEN 40 AND 59 THEN '40-59'
    ELSE '60+'
  END AS age_group,
  gender,
  COUNT(DISTINCT u.id) AS buyers,
  ROUND(SUM(sale_price) / COUNT(DISTINCT order_id), 2) AS aov
FROM `bigquery-public-data.thelook_ecommerce.users` u, `bigquery-public-data.thelook_ecommerce.order_items` oi
WHERE u.id = oi.user_id
GROUP BY age_group, gender
ORDER BY age_group, gender
