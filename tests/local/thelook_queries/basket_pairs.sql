SELECT
  a.product_id AS product_a,
  b.product_id AS product_b,
  ANY_VALUE(pa.name) AS name_a,
  ANY_VALUE(pb.name) AS name_b,
  COUNT(DISTINCT a.order_id) AS times_together
FROM `bigquery-public-data.thelook_ecommerce.order_items` a
JOIN `bigquery-public-data.thelook_ecommerce.order_items` b
  ON a.order_id = b.order_id AND a.product_id < b.product_id
JOIN `bigquery-public-data.thelook_ecommerce.products` pa ON pa.id = a.product_id
JOIN `bigquery-public-data.thelook_ecommerce.products` pb ON pb.id = b.product_id
GROUP BY product_a, product_b
HAVING times_together > 1
ORDER BY times_together DESC, 1, 2
