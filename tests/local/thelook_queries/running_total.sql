SELECT
  DATE(created_at) AS created_at,
  SUM(sale_price) AS sales,
  SUM(SUM(sale_price)) OVER (ORDER BY DATE(created_at) ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS running_total,
  AVG(SUM(sale_price)) OVER (ORDER BY DATE(created_at) ROWS BETWEEN 6 PRECEDING AND CURRENT ROW) AS moving_average
FROM `bigquery-public-data.thelook_ecommerce.order_items`
WHERE created_at >= '2023-06-01' AND created_at < '2024-01-01'
GROUP BY created_at
ORDER BY created_at
