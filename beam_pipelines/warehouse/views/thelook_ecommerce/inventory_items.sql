-- theLook's inventory_items: every unit, when it was sold, null for in stock, and its product as it is now.
SELECT
  unit.inventory_item_id AS id,
  unit.product_id,
  unit.created_at,
  sold.sold_at,
  CAST(unit.cost AS FLOAT64) AS cost,
  product.category AS product_category,
  product.name AS product_name,
  product.brand AS product_brand,
  CAST(product.retail_price AS FLOAT64) AS product_retail_price,
  product.department AS product_department,
  product.sku AS product_sku,
  unit.distribution_center_id AS product_distribution_center_id
FROM retail.inventory_items AS unit
LEFT JOIN retail.current_products AS product USING (product_id)
LEFT JOIN (
  SELECT inventory_item_id, MIN(created_at) AS sold_at
  FROM retail.order_items
  GROUP BY inventory_item_id
) AS sold USING (inventory_item_id)
