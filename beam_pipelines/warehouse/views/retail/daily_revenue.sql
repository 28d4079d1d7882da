-- Orders, units and revenue of every UTC day, with the average order and the average of the last seven days on record.
SELECT
  day,
  orders,
  customers,
  units,
  revenue,
  discount,
  ROUND(revenue / orders, 2) AS average_order,
  ROUND(AVG(revenue) OVER (ORDER BY day ROWS BETWEEN 6 PRECEDING AND CURRENT ROW), 2) AS revenue_7_days
FROM (
  SELECT
    DATE(created_at) AS day,
    COUNT(*) AS orders,
    COUNT(DISTINCT customer_id) AS customers,
    SUM(ARRAY_LENGTH(items)) AS units,
    SUM(subtotal - discount) AS revenue,
    SUM(discount) AS discount
  FROM retail.orders
  GROUP BY day
)
