SELECT * FROM (
  SELECT
    FORMAT_DATE('Q%Q', DATE(created_at)) AS quarter,
    EXTRACT(YEAR FROM created_at) AS year,
    sale_price
  FROM `bigquery-public-data.thelook_ecommerce.order_items`
)
PIVOT(SUM(sale_price) AS revenue, COUNT(*) AS items FOR year IN (2023, 2024))
ORDER BY quarter
