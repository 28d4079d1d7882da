SELECT
  user_id,
  ARRAY_AGG(status ORDER BY created_at LIMIT 1)[OFFSET(0)] AS first_status,
  ARRAY_AGG(o ORDER BY created_at DESC LIMIT 1)[OFFSET(0)].order_id AS last_order_id,
  ARRAY_AGG(returned_at IGNORE NULLS ORDER BY returned_at LIMIT 1)[SAFE_OFFSET(0)] AS first_return,
  MAX_BY(status, created_at) AS last_status
FROM `bigquery-public-data.thelook_ecommerce.orders` AS o
GROUP BY user_id
ORDER BY user_id
