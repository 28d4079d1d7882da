-- Every version of every product with the time for which it holds: from valid_from up to, but not including, valid_to,
-- which is null for the newest version, is_current.
SELECT
  product.*,
  validity.valid_to,
  validity.valid_to IS NULL AS is_current
FROM retail.products AS product
LEFT JOIN (
  SELECT
    product_id,
    version,
    LEAD(valid_from) OVER (PARTITION BY product_id ORDER BY version) AS valid_to
  FROM retail.products
  WHERE product_id IN (SELECT product_id FROM retail.products WHERE version > 1) /* others have the first only */
) AS validity
  ON validity.product_id = product.product_id AND validity.version = product.version
