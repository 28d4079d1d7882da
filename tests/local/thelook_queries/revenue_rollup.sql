SELECT
  IFNULL(p.department, 'All departments') AS department,
  IFNULL(p.category, 'All categories') AS category,
  SUM(oi.sale_price) AS revenue
FROM `bigquery-public-data.thelook_ecommerce.order_items` AS oi
JOIN `bigquery-public-data.thelook_ecommerce.products` AS p ON p.id = oi.product_id
GROUP BY ROLLUP (p.department, p.category)
ORDER BY p.department, p.category
