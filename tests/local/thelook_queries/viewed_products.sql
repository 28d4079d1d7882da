SELECT
  CAST(REGEXP_EXTRACT(e.uri, r'^/product/(\d+)$') AS INT64) AS product_id,
  p.name,
  COUNT(*) AS views,
  COUNT(DISTINCT e.session_id) AS sessions
FROM `bigquery-public-data.thelook_ecommerce.events` e
JOIN `bigquery-public-data.thelook_ecommerce.products` p
  ON p.id = CAST(REGEXP_EXTRACT(e.uri, r'^/product/(\d+)$') AS INT64)
WHERE e.event_type = 'product' AND STARTS_WITH(e.uri, '/product/')
GROUP BY 1, 2
ORDER BY views DESC, product_id
