-- The newest version of every product.
SELECT product.*
FROM retail.products AS product
LEFT JOIN (
  SELECT
    product_id,
    MAX(version) AS newest
  FROM retail.products
  WHERE version > 1 /* others have the first only */
  GROUP BY product_id
) USING (product_id)
WHERE version = COALESCE(newest, 1)
