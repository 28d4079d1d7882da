SELECT *
FROM (SELECT gender, status, order_id FROM `bigquery-public-data.thelook_ecommerce.orders`)
PIVOT (COUNT(order_id) FOR status IN ('Complete', 'Shipped', 'Processing', 'Cancelled', 'Returned'))
ORDER BY gender
