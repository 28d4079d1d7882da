WITH gaps AS (
  SELECT
    user_id,
    order_id,
    created_at,
    LAG(created_at) OVER (PARTITION BY user_id ORDER BY created_at) AS previous_order
  FROM `bigquery-public-data.thelook_ecommerce.orders`
)
SELECT
  user_id,
  COUNT(*) AS repeat_orders,
  AVG(DATE_DIFF(DATE(created_at), DATE(previous_order), DAY)) AS avg_calendar_days,
  MIN(TIMESTAMP_DIFF(created_at, previous_order, DAY)) AS min_full_days,
  MAX(DATE_DIFF(created_at, previous_order, DAY)) AS max_full_days
FROM gaps
WHERE previous_order IS NOT NULL
GROUP BY user_id
ORDER BY avg_calendar_days, user_id
