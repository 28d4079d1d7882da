SELECT country, gender, COUNT(*) AS users, GROUPING(country) AS all_countries
FROM `bigquery-public-data.thelook_ecommerce.users`
GROUP BY GROUPING SETS ((country, gender), (country), ())
ORDER BY country, gender
