SELECT
COUNTIF(event_type = 'home') AS views,
COUNTIF(event_type = 'cart') AS add_to_carts,
COUNTIF(event_type = 'purchase') AS purchases,
SAFE_DIVIDE(COUNTIF(event_type = 'cart'), COUNTIF(event_type = 'home')) AS view_to_cart_rate,
SAFE_DIVIDE(COUNTIF(event_type = 'purchase'), COUNTIF(event_type = 'refund')) AS nothing_to_divide_by,
APPROX_COUNT_DISTINCT(user_id) AS users
FROM `bigquery-public-data.thelook_ecommerce.events`;
