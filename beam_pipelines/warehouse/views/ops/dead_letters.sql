-- Every refused record, whichever table it was meant for.
SELECT * FROM ops.dead_letters_distribution_centers
UNION ALL
SELECT * FROM ops.dead_letters_products
UNION ALL
SELECT * FROM ops.dead_letters_customers
UNION ALL
SELECT * FROM ops.dead_letters_orders
UNION ALL
SELECT * FROM ops.dead_letters_inventory_items
UNION ALL
SELECT * FROM ops.dead_letters_order_events
UNION ALL
SELECT * FROM ops.dead_letters_web_events
