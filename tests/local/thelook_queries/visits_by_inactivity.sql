WITH gaps AS (
  SELECT
    session_id, id, created_at,
    IF(TIMESTAMP_DIFF(created_at, LAG(created_at) OVER (PARTITION BY session_id ORDER BY created_at, id), MINUTE) >= 15, 1, 0) AS is_new
  FROM `bigquery-public-data.thelook_ecommerce.events`
), numbered AS (
  SELECT *, SUM(is_new) OVER (PARTITION BY session_id ORDER BY created_at, id) AS visit FROM gaps
)
SELECT session_id, visit, COUNT(*) AS events, MIN(created_at) AS started_at
FROM numbered
GROUP BY session_id, visit
HAVING visit > 0
ORDER BY session_id, visit
