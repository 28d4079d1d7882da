SELECT latest.* EXCEPT (shipped_at, delivered_at, returned_at)
FROM (
  SELECT ARRAY_AGG(o ORDER BY o.created_at DESC LIMIT 1)[OFFSET(0)] AS latest
  FROM `bigquery-public-data.thelook_ecommerce.orders` o
  GROUP BY o.user_id
)
ORDER BY latest.order_id
