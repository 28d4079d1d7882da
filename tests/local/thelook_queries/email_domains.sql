SELECT
  REGEXP_EXTRACT(email, r'@(.+)') AS domain,
  COUNT(*) AS users,
  COUNTIF(REGEXP_CONTAINS(email, r'^(smith|jones)\d+@')) AS smiths_and_joneses,
  MAX(LENGTH(SPLIT(email, '@')[OFFSET(0)])) AS longest,
  MIN(LPAD(CAST(id AS STRING), 5, '0')) AS first_number
FROM `bigquery-public-data.thelook_ecommerce.users`
GROUP BY domain
ORDER BY users DESC, domain
