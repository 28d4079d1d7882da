-- Every refused record, whichever table it was meant for.
SELECT * FROM ops.dead_letters_distribution_centers
UNION ALL
SELECT * FROM ops.dead_letters_products
UNION ALL
SELECT * FROM ops.dead_letters_customers
UNION ALL
SELECT * FROM ops.dead_letters_orders
