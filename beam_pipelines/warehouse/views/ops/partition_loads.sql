-- The newest load of every partition, whichever table it is of.
SELECT * FROM ops.partition_loads_distribution_centers
UNION ALL
SELECT * FROM ops.partition_loads_products
UNION ALL
SELECT * FROM ops.partition_loads_customers
UNION ALL
SELECT * FROM ops.partition_loads_orders
UNION ALL
SELECT * FROM ops.partition_loads_inventory_items
UNION ALL
SELECT * FROM ops.partition_loads_order_events
UNION ALL
SELECT * FROM ops.partition_loads_web_events
