SELECT
  p.category,
  COUNT(*) AS units,
  SUM(oi.sale_price) AS gmv,
  SUM(oi.sale_price - p.cost) AS margin,
  SAFE_DIVIDE(SUM(oi.sale_price - p.cost), NULLIF(SUM(oi.sale_price), 0)) AS margin_pct
FROM `bigquery-public-data.thelook_ecommerce.order_items` AS oi
JOIN `bigquery-public-data.thelook_ecommerce.products`    AS p
  ON oi.product_id = p.id
WHERE oi.status != "Cancelled"
GROUP BY p.category
ORDER BY gmv DESC, category;
