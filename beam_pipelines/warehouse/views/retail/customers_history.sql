-- Every version of every customer with the time for which it holds: from valid_from up to, but not including, valid_to,
-- which is null for the newest version, is_current.
SELECT
  customer.*,
  validity.valid_to,
  validity.valid_to IS NULL AS is_current
FROM retail.customers AS customer
LEFT JOIN (
  SELECT
    customer_id,
    version,
    LEAD(valid_from) OVER (PARTITION BY customer_id ORDER BY version) AS valid_to
  FROM retail.customers
  WHERE customer_id IN (SELECT customer_id FROM retail.customers WHERE version > 1) /* others have the first only */
) AS validity
  ON validity.customer_id = customer.customer_id AND validity.version = customer.version
