WITH t1 AS (
  SELECT user_id, COUNT(DISTINCT order_id) AS frequency, SUM(sale_price) AS monetary
  FROM `bigquery-public-data.thelook_ecommerce`.order_items
  GROUP BY user_id
),
t2 AS (
  SELECT
    a.*,
    b.percentiles[OFFSET(25)] AS m25, b.percentiles[OFFSET(50)] AS m50, b.percentiles[OFFSET(75)] AS m75,
    b.percentiles[OFFSET(100)] AS m100
  FROM t1 a, (SELECT APPROX_QUANTILES(monetary, 100) percentiles FROM t1) b
)
SELECT
  user_id,
  CASE
    WHEN monetary <= m25 THEN 1
    WHEN monetary <= m50 AND monetary > m25 THEN 2
    WHEN monetary <= m75 AND monetary > m50 THEN 3
    WHEN monetary <= m100 AND monetary > m75 THEN 4
  END AS m_score
FROM t2
ORDER BY user_id
