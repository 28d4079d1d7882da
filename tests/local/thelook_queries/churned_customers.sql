-- who has not ordered for a year
SELECT
  users.id,
  DATE_DIFF(CURRENT_DATE(), MAX(DATE(orders.created_at)), DAY) AS days_since_last_order,
  CURRENT_TIMESTAMP() > TIMESTAMP_ADD(MAX(orders.created_at), INTERVAL 365 DAY) AS churned
FROM `bigquery-public-data.thelook_ecommerce.users` users
JOIN `bigquery-public-data.thelook_ecommerce.orders` orders ON orders.user_id = users.id
GROUP BY users.id
ORDER BY 2 DESC, 1
