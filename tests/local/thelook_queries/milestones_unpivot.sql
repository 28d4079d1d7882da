SELECT milestone, COUNT(*) AS orders, MIN(DATE(happened_at)) AS first_day, MAX(DATE(happened_at)) AS last_day
FROM (
  SELECT order_id, shipped_at, delivered_at, returned_at
  FROM `bigquery-public-data.thelook_ecommerce.orders`
)
UNPIVOT(happened_at FOR milestone IN (shipped_at AS 'shipped', delivered_at AS 'delivered', returned_at AS 'returned'))
GROUP BY milestone
ORDER BY orders DESC
