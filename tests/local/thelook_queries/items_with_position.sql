SELECT o.order_id, pos + 1 AS line, item.product_id, item.sale_price
FROM (
  SELECT order_id, ARRAY_AGG(STRUCT(product_id, sale_price) ORDER BY id) AS items
  FROM thelook_ecommerce.order_items
  GROUP BY order_id
) AS o
CROSS JOIN UNNEST(o.items) AS item WITH OFFSET AS pos
WHERE pos >= 2
ORDER BY 1, 2
