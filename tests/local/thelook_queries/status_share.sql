SELECT
  status,
  COUNT(*) AS orders,
  ROUND(COUNT(*) * 100.0 / SUM(COUNT(*)) OVER (), 2) AS percentage,
  CONCAT(CAST(ROUND(COUNT(*) * 100.0 / SUM(COUNT(*)) OVER (), 1) AS STRING), '%') AS label
FROM bigquery-public-data.thelook_ecommerce.orders
GROUP BY status
ORDER BY orders DESC, status
