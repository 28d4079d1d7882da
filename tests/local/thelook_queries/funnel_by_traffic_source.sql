SELECT
  traffic_source,
  COUNT(DISTINCT session_id) AS sessions,
  COUNT(DISTINCT IF(event_type = 'product', session_id, NULL)) AS product_sessions,
  COUNT(DISTINCT CASE WHEN event_type = 'cart' THEN session_id END) AS cart_sessions,
  COUNT(DISTINCT IF(event_type = 'purchase', session_id, NULL)) AS purchase_sessions,
  ROUND(100 * SAFE_DIVIDE(
    COUNT(DISTINCT IF(event_type = 'purchase', session_id, NULL)),
    COUNT(DISTINCT session_id)), 2) AS conversion_rate
FROM `bigquery-public-data.thelook_ecommerce.events`
GROUP BY traffic_source
ORDER BY conversion_rate DESC, traffic_source
