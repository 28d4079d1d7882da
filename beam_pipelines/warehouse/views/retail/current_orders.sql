-- Every order with what has become of it: theLook's status, when it was shipped, delivered, cancelled or returned, who
-- carried it, and what was refunded.
SELECT
  *,
  CASE
    WHEN returned_at IS NOT NULL THEN 'Returned'
    WHEN delivered_at IS NOT NULL THEN 'Complete'
    WHEN cancelled_at IS NOT NULL THEN 'Cancelled'
    WHEN shipped_at IS NOT NULL THEN 'Shipped'
    ELSE 'Processing'
  END AS status
FROM retail.orders
LEFT JOIN (
  SELECT
    order_id,
    MIN(IF(event_type = 'shipped', occurred_at, NULL)) AS shipped_at,
    MIN(IF(event_type = 'delivered', occurred_at, NULL)) AS delivered_at,
    MIN(IF(event_type = 'cancelled', occurred_at, NULL)) AS cancelled_at,
    MIN(IF(event_type = 'returned', occurred_at, NULL)) AS returned_at,
    MAX(carrier) AS carrier,
    SUM(refund) AS refund
  FROM retail.order_events
  GROUP BY order_id
) USING (order_id)
