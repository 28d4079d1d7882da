-- The newest version of every customer.
SELECT customer.*
FROM retail.customers AS customer
LEFT JOIN (
  SELECT
    customer_id,
    MAX(version) AS newest
  FROM retail.customers
  WHERE version > 1 /* others have the first only */
  GROUP BY customer_id
) USING (customer_id)
WHERE version = COALESCE(newest, 1)
