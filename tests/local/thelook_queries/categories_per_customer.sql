SELECT
  oi.user_id,
  STRING_AGG(DISTINCT p.category, ', ' ORDER BY p.category) AS categories,
  COUNT(DISTINCT p.category) AS different
FROM `bigquery-public-data.thelook_ecommerce.order_items` AS oi
JOIN `bigquery-public-data.thelook_ecommerce.products` AS p ON p.id = oi.product_id
GROUP BY oi.user_id
HAVING COUNT(DISTINCT p.category) > 3
ORDER BY different DESC, user_id
