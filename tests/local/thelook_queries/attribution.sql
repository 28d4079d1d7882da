SELECT DISTINCT
  user_id,
  FIRST_VALUE(traffic_source) OVER visits AS first_touch,
  LAST_VALUE(traffic_source) OVER (visits ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS last_touch,
  COUNT(*) OVER (PARTITION BY user_id) AS events
FROM `bigquery-public-data.thelook_ecommerce.events`
WHERE user_id IS NOT NULL
WINDOW visits AS (PARTITION BY user_id ORDER BY created_at, id)
ORDER BY user_id
