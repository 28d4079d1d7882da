-- theLook's products: every product as it is now.
SELECT
  product_id AS id,
  CAST(cost AS FLOAT64) AS cost,
  category,
  name,
  brand,
  CAST(retail_price AS FLOAT64) AS retail_price,
  department,
  sku,
  distribution_center_id
FROM retail.current_products
