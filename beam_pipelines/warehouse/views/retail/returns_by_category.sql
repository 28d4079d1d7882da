-- Units sold in every month by category, how many of them have come back since, whenever that was, and what was
-- refunded for them. Returns of the last months are not complete yet: they arrive weeks after the order.
SELECT
  DATE_TRUNC(DATE(created_at), MONTH) AS month,
  category,
  COUNT(*) AS units_sold,
  COUNT(returned.order_item_id) AS units_returned,
  ROUND(COUNT(returned.order_item_id) / COUNT(*), 4) AS return_rate,
  SUM(sale_price) AS revenue,
  SUM(IF(returned.order_item_id IS NULL, 0, sale_price)) AS refund
FROM retail.order_items AS sold
LEFT JOIN (
  SELECT DISTINCT order_item_id
  FROM retail.order_events
  CROSS JOIN UNNEST(order_item_ids) AS order_item_id
  WHERE event_type = 'returned'
) AS returned ON returned.order_item_id = sold.order_item_id
GROUP BY month, category
