SELECT
  u.id,
  dc.name,
  ROUND(ST_DISTANCE(u.user_geom, dc.distribution_center_geom) / 1000) AS kilometres
FROM `bigquery-public-data.thelook_ecommerce.users` u
CROSS JOIN `bigquery-public-data.thelook_ecommerce.distribution_centers` dc
QUALIFY ROW_NUMBER() OVER (PARTITION BY u.id ORDER BY ST_DISTANCE(u.user_geom, dc.distribution_center_geom)) = 1
ORDER BY u.id
