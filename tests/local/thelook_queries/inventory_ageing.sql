WITH stock AS (
  SELECT
    dc.name AS distribution_center,
    ii.cost,
    DATE_DIFF(DATE '2024-09-30', DATE(ii.created_at), DAY) AS age_days
  FROM `bigquery-public-data.thelook_ecommerce.inventory_items` ii
  JOIN `bigquery-public-data.thelook_ecommerce.distribution_centers` dc
    ON dc.id = ii.product_distribution_center_id
  WHERE ii.sold_at IS NULL
)
SELECT
  distribution_center,
  CASE
    WHEN age_days BETWEEN 0 AND 120 THEN '0-120'
    WHEN age_days BETWEEN 121 AND 360 THEN '121-360'
    ELSE '360+'
  END AS age_bucket,
  COUNT(*) AS units,
  SUM(cost) AS tied_up,
  ROUND(AVG(age_days), 1) AS average_age
FROM stock
GROUP BY 1, 2
ORDER BY 1, 2
