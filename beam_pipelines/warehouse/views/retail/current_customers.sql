-- The newest version of every customer.
SELECT *
FROM retail.customers
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY customer_id ORDER BY version DESC) = 1
