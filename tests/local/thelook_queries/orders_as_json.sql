SELECT TO_JSON_STRING(STRUCT(order_id AS id, status, num_of_item AS items, shipped_at IS NULL AS waiting)) AS json
FROM `bigquery-public-data.thelook_ecommerce.orders`
WHERE status = 'Processing'
ORDER BY order_id
LIMIT 5
