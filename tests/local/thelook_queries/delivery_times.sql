SELECT
  u.country,
  COUNT(*) AS delivered_orders,
  ROUND(AVG(TIMESTAMP_DIFF(o.shipped_at, o.created_at, MINUTE)) / 60, 2) AS hours_to_ship,
  APPROX_QUANTILES(TIMESTAMP_DIFF(o.delivered_at, o.shipped_at, HOUR), 100)[OFFSET(50)] AS median_transit,
  APPROX_QUANTILES(TIMESTAMP_DIFF(o.delivered_at, o.shipped_at, HOUR), 10)[SAFE_OFFSET(9)] AS p90_transit,
  MAX(DATETIME_DIFF(DATETIME(o.delivered_at), DATETIME(o.created_at), DAY)) AS slowest_days
FROM `bigquery-public-data.thelook_ecommerce.orders` o
JOIN `bigquery-public-data.thelook_ecommerce.users` u ON u.id = o.user_id
WHERE o.delivered_at IS NOT NULL
GROUP BY u.country
ORDER BY 1
