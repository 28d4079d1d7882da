WITH rfm AS (
  SELECT
    user_id,
    DATE_DIFF(DATE '2024-12-31', DATE(MAX(created_at)), DAY) AS recency,
    COUNT(DISTINCT order_id) AS frequency,
    ROUND(SUM(sale_price), 2) AS monetary
  FROM `bigquery-public-data.thelook_ecommerce.order_items`
  WHERE status = 'Complete'
  GROUP BY user_id
), scores AS (
  SELECT
    *,
    NTILE(4) OVER (ORDER BY recency DESC, user_id) AS r,
    NTILE(4) OVER (ORDER BY frequency, user_id) AS f,
    NTILE(4) OVER (ORDER BY monetary, user_id) AS m
  FROM rfm
)
SELECT
  user_id, recency, frequency, monetary,
  CONCAT(CAST(r AS STRING), CAST(f AS STRING), CAST(m AS STRING)) AS rfm_cell,
  CASE
    WHEN r = 4 AND f >= 3 AND m >= 3 THEN 'Champions'
    WHEN r >= 3 AND f >= 2 THEN 'Loyal'
    WHEN r <= 2 AND f >= 3 THEN 'At risk'
    WHEN r = 1 THEN 'Lost'
    ELSE 'Others'
  END AS segment
FROM scores
ORDER BY user_id
