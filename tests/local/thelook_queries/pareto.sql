WITH revenue AS (
  SELECT product_id, SUM(sale_price) AS revenue
  FROM `bigquery-public-data.thelook_ecommerce.order_items`
  GROUP BY product_id
), ranked AS (
  SELECT
    product_id,
    revenue,
    SUM(revenue) OVER (ORDER BY revenue DESC, product_id) / SUM(revenue) OVER () AS cumulative_share,
    PERCENT_RANK() OVER (ORDER BY revenue DESC, product_id) AS percent_rank
  FROM revenue
)
SELECT product_id, revenue, ROUND(cumulative_share, 4) AS cumulative_share, ROUND(percent_rank, 4) AS percent_rank
FROM ranked
WHERE cumulative_share <= 0.8
ORDER BY revenue DESC, product_id
