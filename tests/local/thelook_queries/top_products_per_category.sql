#standardSQL
SELECT
  category,
  name,
  revenue,
  ROW_NUMBER() OVER (PARTITION BY category ORDER BY revenue DESC, name) AS position
FROM (
  SELECT products.category, products.name, SUM(order_items.sale_price) AS revenue
  FROM `bigquery-public-data`.`thelook_ecommerce`.`order_items` order_items
  INNER JOIN `bigquery-public-data`.`thelook_ecommerce`.`products` products ON products.id = order_items.product_id
  GROUP BY products.category, products.name
)
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY category ORDER BY revenue DESC, name) <= 3
ORDER BY category, position
