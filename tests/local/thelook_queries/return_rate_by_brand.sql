SELECT
  p.brand,
  p.department,
  COUNT(*) AS items_sold,
  COUNTIF(oi.status = 'Returned') AS items_returned,
  ROUND(COUNTIF(oi.status = 'Returned') / COUNT(*) * 100, 1) AS return_rate
FROM `bigquery-public-data.thelook_ecommerce.order_items` oi
LEFT JOIN `bigquery-public-data.thelook_ecommerce.products` p ON p.id = oi.product_id
WHERE oi.status IN ('Complete', 'Returned')
GROUP BY ALL
HAVING items_sold >= 10
ORDER BY return_rate DESC, brand, department
