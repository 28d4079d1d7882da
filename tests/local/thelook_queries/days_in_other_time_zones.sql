SELECT
  DATE(created_at, 'America/Los_Angeles') AS day_in_los_angeles,
  FORMAT_TIMESTAMP('%d.%m. %H Uhr', MIN(created_at), 'Europe/Berlin') AS first_in_berlin,
  DATETIME(MAX(created_at), 'Asia/Tokyo') AS last_in_tokyo,
  COUNT(*) AS orders
FROM `bigquery-public-data.thelook_ecommerce.orders`
GROUP BY 1
ORDER BY 1
LIMIT 40
