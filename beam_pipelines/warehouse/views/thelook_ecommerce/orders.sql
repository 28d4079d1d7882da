-- theLook's orders: every order with its status, when it got there, and its customer's gender.
SELECT
  placed.order_id,
  placed.customer_id AS user_id,
  placed.status,
  customer.gender,
  placed.created_at,
  placed.returned_at,
  placed.shipped_at,
  placed.delivered_at,
  ARRAY_LENGTH(placed.items) AS num_of_item
FROM retail.current_orders AS placed
LEFT JOIN retail.current_customers AS customer USING (customer_id)
