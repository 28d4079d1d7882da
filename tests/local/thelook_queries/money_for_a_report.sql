SELECT
  p.department,
  FORMAT("$%'.2f", SUM(oi.sale_price)) AS revenue,
  FORMAT('%.1f%%', 100 * SUM(oi.sale_price - p.cost) / SUM(oi.sale_price)) AS margin,
  FORMAT('%s: %d items', p.department, COUNT(*)) AS text
FROM `bigquery-public-data.thelook_ecommerce.order_items` oi
JOIN `bigquery-public-data.thelook_ecommerce.products` p ON oi.product_id = p.id
GROUP BY p.department
ORDER BY p.department
