SELECT
  country,
  APPROX_TOP_COUNT(traffic_source, 1)[OFFSET(0)].count AS users_from_top_source,
  GREATEST(MAX(age), 18) AS oldest,
  CORR(age, id) AS correlation,
  ROUND(VARIANCE(age), 6) AS variance
FROM `bigquery-public-data.thelook_ecommerce.users`
GROUP BY country
ORDER BY country
