SELECT
  DATE_TRUNC(DATE(created_at), WEEK) AS week_from_sunday,
  DATE_TRUNC(DATE(created_at), WEEK(MONDAY)) AS week_from_monday,
  EXTRACT(ISOWEEK FROM created_at) AS iso_week,
  EXTRACT(WEEK FROM CAST(created_at AS DATE)) AS week,
  DATE_DIFF(DATE(created_at), DATE '2023-01-01', WEEK) AS sundays,
  DATE_DIFF(DATE(created_at), DATE '2023-01-01', WEEK(MONDAY)) AS mondays,
  COUNT(*) AS orders
FROM `bigquery-public-data.thelook_ecommerce.orders`
GROUP BY 1, 2, 3, 4, 5, 6
ORDER BY 1, 2
