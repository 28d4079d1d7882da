-- What every product sold: units, revenue and margin, and its rank by revenue in its category. A product whose every
-- row was refused has neither name nor category.
SELECT
  product_id,
  product.name AS product_name,
  product.brand AS brand,
  product.category AS category,
  product.department AS department,
  units,
  orders,
  revenue,
  margin,
  ROUND(SAFE_DIVIDE(margin, revenue), 4) AS margin_rate,
  RANK() OVER (PARTITION BY product.category ORDER BY revenue DESC, product_id) AS category_rank
FROM (
  SELECT
    product_id,
    COUNT(*) AS units,
    COUNT(DISTINCT order_id) AS orders,
    SUM(sale_price) AS revenue,
    SUM(margin) AS margin
  FROM retail.order_items
  GROUP BY product_id
)
LEFT JOIN retail.current_products AS product USING (product_id)
