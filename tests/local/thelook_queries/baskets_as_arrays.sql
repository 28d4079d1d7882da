WITH baskets AS (
  SELECT
    order_id,
    ARRAY_AGG(STRUCT(product_id, sale_price) ORDER BY sale_price DESC, product_id) AS items
  FROM `bigquery-public-data.thelook_ecommerce.order_items`
  GROUP BY order_id
)
SELECT
  b.order_id,
  ARRAY_LENGTH(b.items) AS n,
  b.items[OFFSET(0)].product_id AS dearest,
  (SELECT SUM(i.sale_price) FROM UNNEST(b.items) AS i) AS total,
  ARRAY(SELECT i.product_id FROM UNNEST(b.items) AS i WITH OFFSET AS pos WHERE pos > 0 ORDER BY pos) AS others
FROM baskets AS b
WHERE ARRAY_LENGTH(b.items) >= 3
ORDER BY b.order_id
