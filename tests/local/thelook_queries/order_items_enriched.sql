SELECT
  oi.* EXCEPT (inventory_item_id, shipped_at, delivered_at, returned_at, created_at)
  REPLACE (ROUND(oi.sale_price, 1) AS sale_price),
  p.* EXCEPT (id, sku, name),
  oi.sale_price < p.retail_price AS discounted,
  1 - oi.sale_price / p.retail_price AS discount,
FROM `bigquery-public-data.thelook_ecommerce.order_items` oi
JOIN `bigquery-public-data.thelook_ecommerce.products` p ON p.id = oi.product_id
WHERE DATE(oi.created_at) BETWEEN DATE_SUB('2023-12-31', INTERVAL 2 WEEK) AND '2023-12-31'
ORDER BY oi.id
