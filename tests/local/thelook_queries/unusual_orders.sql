WITH totals AS (
  SELECT order_id, SUM(sale_price) AS total
  FROM `bigquery-public-data.thelook_ecommerce.order_items`
  GROUP BY order_id
)
SELECT order_id, total, ROUND((total - mean) / deviation, 3) AS z_score
FROM (SELECT *, AVG(total) OVER () AS mean, STDDEV(total) OVER () AS deviation FROM totals)
WHERE ABS((total - mean) / deviation) > 1.5
ORDER BY z_score DESC, order_id
