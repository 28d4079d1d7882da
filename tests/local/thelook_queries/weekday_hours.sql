SELECT
  EXTRACT(DAYOFWEEK FROM created_at) AS dow,
  FORMAT_DATE('%A', DATE(created_at)) AS day_name,
  COUNT(*) AS orders,
  COUNTIF(EXTRACT(HOUR FROM created_at) BETWEEN 9 AND 17) AS office_hours,
  ROUND(AVG(EXTRACT(HOUR FROM created_at AT TIME ZONE 'America/New_York')), 3) AS average_new_york_hour
FROM bigquery-public-data.thelook_ecommerce.orders
GROUP BY dow, day_name
ORDER BY dow
