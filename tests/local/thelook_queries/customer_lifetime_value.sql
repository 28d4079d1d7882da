SELECT
  u.id AS customer_id,
  u.country,
  COUNT(DISTINCT oi.order_id) AS orders,
  SUM(oi.sale_price) AS lifetime_value,
  ROUND(SUM(oi.sale_price) / COUNT(DISTINCT oi.order_id), 2) AS average_order_value,
  DATE_DIFF(DATE(MAX(oi.created_at)), DATE(MIN(oi.created_at)), DAY) AS lifespan_days,
  RANK() OVER (PARTITION BY u.country ORDER BY SUM(oi.sale_price) DESC) AS country_rank
FROM `bigquery-public-data.thelook_ecommerce.users` AS u
INNER JOIN `bigquery-public-data.thelook_ecommerce.order_items` AS oi ON u.id = oi.user_id
WHERE oi.status NOT IN ('Cancelled', 'Returned')
GROUP BY u.id, u.country
HAVING COUNT(DISTINCT oi.order_id) > 1
ORDER BY lifetime_value DESC, customer_id
LIMIT 20
