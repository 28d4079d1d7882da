SELECT
  INITCAP(SPLIT(uri, '/')[SAFE_OFFSET(2)]) AS department,
  REGEXP_REPLACE(REGEXP_EXTRACT(uri, r'/category/([^/]+)'), r'and', ' & ') AS category,
  UPPER(SUBSTR(SPLIT(uri, '/brand/')[OFFSET(1)], 1, 3)) AS brand_start,
  COUNT(*) AS visits
FROM `bigquery-public-data`.thelook_ecommerce.events
WHERE uri LIKE '/department/%'
GROUP BY department, category, brand_start
ORDER BY visits DESC, department, category, brand_start
