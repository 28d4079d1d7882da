SELECT
  EXTRACT(YEAR FROM o.created_at) AS year,
  EXTRACT(MONTH FROM o.created_at) AS month,
  COUNT(DISTINCT CASE WHEN o.created_at = f.first_order THEN o.user_id END) AS new_customers,
  COUNT(DISTINCT CASE WHEN o.created_at > f.first_order THEN o.user_id END) AS returning_customers
FROM bigquery-public-data.thelook_ecommerce.orders o
JOIN (
  SELECT user_id, MIN(created_at) AS first_order
  FROM bigquery-public-data.thelook_ecommerce.orders
  GROUP BY user_id
) f ON f.user_id = o.user_id
GROUP BY year, month
ORDER BY year, month
