-- The newest version of every product.
SELECT *
FROM retail.products
WHERE TRUE
QUALIFY ROW_NUMBER() OVER (PARTITION BY product_id ORDER BY version DESC) = 1
