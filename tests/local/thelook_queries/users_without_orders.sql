SELECT id, email
FROM `bigquery-public-data.thelook_ecommerce.users` u
WHERE NOT EXISTS (
  SELECT 1 FROM `bigquery-public-data.thelook_ecommerce.orders` o WHERE o.user_id = u.id
)
AND u.id NOT IN (
  SELECT user_id
  FROM `bigquery-public-data.thelook_ecommerce.events`
  WHERE user_id IS NOT NULL AND event_type = 'purchase'
)
ORDER BY id
