SELECT users.id, CONCAT(first_name, " ", last_name) AS full_name, count(orders) AS order_count
FROM `bigquery-public-data.thelook_ecommerce.users` as users
LEFT JOIN `bigquery-public-data.thelook_ecommerce.orders` AS orders
ON users.id=orders.user_id
GROUP BY users.id, full_name
ORDER BY order_count DESC, users.id
LIMIT 12
