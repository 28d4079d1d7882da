-- theLook's order_items: every order line, with its order's status; of a return, only the lines that came back are
-- returned, and the others complete.
SELECT
  line.order_item_id AS id,
  line.order_id,
  line.customer_id AS user_id,
  line.product_id,
  line.inventory_item_id,
  CASE
    WHEN back.returned_at IS NOT NULL THEN 'Returned'
    WHEN placed.status = 'Returned' THEN 'Complete'
    ELSE placed.status
  END AS status,
  line.created_at,
  placed.shipped_at,
  placed.delivered_at,
  back.returned_at,
  CAST(line.sale_price AS FLOAT64) AS sale_price
FROM retail.order_items AS line
JOIN retail.current_orders AS placed USING (order_id)
LEFT JOIN (
  SELECT order_item_id, MIN(occurred_at) AS returned_at
  FROM retail.order_events
  CROSS JOIN UNNEST(order_item_ids) AS order_item_id
  WHERE event_type = 'returned'
  GROUP BY order_item_id
) AS back USING (order_item_id)
