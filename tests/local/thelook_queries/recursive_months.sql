WITH RECURSIVE months AS (
  SELECT DATE '2023-02-01' AS month
  UNION ALL
  SELECT DATE_ADD(month, INTERVAL 1 MONTH) FROM months WHERE month < '2024-02-01'
)
SELECT
  m.month,
  COUNT(DISTINCT u.id) AS sign_ups,
  SUM(COUNT(DISTINCT u.id)) OVER (ORDER BY m.month) AS total_sign_ups
FROM months m
LEFT JOIN `bigquery-public-data.thelook_ecommerce.users` u ON DATE_TRUNC(DATE(u.created_at), MONTH) = m.month
GROUP BY m.month
ORDER BY m.month
