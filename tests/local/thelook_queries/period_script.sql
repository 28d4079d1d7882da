DECLARE start_date DATE DEFAULT DATE '2023-07-01';
DECLARE end_date DATE;
DECLARE min_orders INT64 DEFAULT 2;

SET end_date = DATE_ADD(start_date, INTERVAL 6 MONTH);

SELECT
  traffic_source,
  COUNT(DISTINCT o.user_id) AS customers,
  COUNT(*) AS orders,
  start_date AS period_start
FROM `bigquery-public-data.thelook_ecommerce.orders` o
JOIN `bigquery-public-data.thelook_ecommerce.users` u ON u.id = o.user_id
WHERE DATE(o.created_at) BETWEEN start_date AND end_date
GROUP BY traffic_source
HAVING COUNT(*) >= min_orders
ORDER BY orders DESC, traffic_source;
