SELECT
  dc.id,
  dc.name,
  COUNT(ii.id) AS received,
  COUNT(ii.sold_at) AS sold,
  COUNTIF(ii.sold_at IS NULL) AS in_stock,
  ROUND(COUNT(ii.sold_at) / COUNT(ii.id), 3) AS sell_through,
  ROUND(AVG(TIMESTAMP_DIFF(ii.sold_at, ii.created_at, HOUR)) / 24, 2) AS days_to_sell
FROM `bigquery-public-data.thelook_ecommerce.distribution_centers` AS dc
LEFT JOIN `bigquery-public-data.thelook_ecommerce.inventory_items` AS ii
  ON ii.product_distribution_center_id = dc.id
GROUP BY dc.id, dc.name
ORDER BY dc.id
