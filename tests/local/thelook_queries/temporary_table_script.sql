CREATE TEMP TABLE order_totals AS
SELECT order_id, ANY_VALUE(user_id) AS user_id, SUM(sale_price) AS total
FROM `bigquery-public-data.thelook_ecommerce.order_items`
GROUP BY order_id;

DELETE FROM order_totals WHERE total < 50;

CREATE TEMP TABLE big_spenders (user_id INT64, total FLOAT64);
INSERT INTO big_spenders SELECT user_id, SUM(total) FROM order_totals GROUP BY user_id;

SELECT b.user_id, u.country, b.total
FROM big_spenders b
JOIN `bigquery-public-data.thelook_ecommerce.users` u ON u.id = b.user_id
ORDER BY b.total DESC, b.user_id
LIMIT 10;
