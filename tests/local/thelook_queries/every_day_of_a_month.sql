WITH days AS (
  SELECT day FROM UNNEST(GENERATE_DATE_ARRAY('2023-11-01', LAST_DAY(DATE '2023-11-01'), INTERVAL 1 DAY)) AS day
), sales AS (
  SELECT DATE(created_at) AS day, COUNT(*) AS orders FROM `bigquery-public-data.thelook_ecommerce.orders` GROUP BY day
)
SELECT day, FORMAT_DATE('%a %d %b', day) AS label, IFNULL(orders, 0) AS orders
FROM days
LEFT JOIN sales USING (day)
ORDER BY day
