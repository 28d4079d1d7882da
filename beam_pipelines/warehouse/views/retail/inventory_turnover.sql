-- How fast the stock of every category turns over, from the first day with orders on record to the last: units in stock
-- before, received, sold and in stock after; the cost of those sold, the average over the days of what the stock at the
-- end of the day had cost, how many times the one is the other, and for how many days of sales the stock lasts. A unit
-- leaves the stock when it is ordered, and does not come back when the order is cancelled or returned.
WITH period AS (
  SELECT
    DATE(MIN(created_at)) AS first_day,
    DATE_ADD(DATE(MAX(created_at)), INTERVAL 1 DAY) AS next_day
  FROM retail.order_items
),
movements AS (
  SELECT
    category,
    day,
    is_sale,
    COUNT(*) AS units,
    SUM(movement.cost) AS cost
  FROM (
    SELECT
      product_id,
      DATE(created_at) AS day,
      FALSE AS is_sale,
      cost
    FROM retail.inventory_items
    UNION ALL
    SELECT
      product_id,
      DATE(created_at),
      TRUE,
      cost
    FROM retail.order_items
  ) AS movement
  LEFT JOIN retail.current_products USING (product_id)
  GROUP BY category, day, is_sale
),
of_categories AS (
  SELECT
    category,
    SUM(IF(NOT is_sale AND day < first_day, units, 0)) AS units_before,
    SUM(IF(NOT is_sale AND day >= first_day, units, 0)) AS units_received,
    SUM(IF(is_sale, units, 0)) AS units_sold,
    SUM(IF(is_sale, cost, 0)) AS cost_of_goods_sold,
    SUM(IF(is_sale, -cost, cost) * DATE_DIFF(next_day, GREATEST(day, first_day), DAY)) AS cost_days
  FROM movements
  CROSS JOIN period
  WHERE day < next_day
  GROUP BY category
)
SELECT
  category,
  units_before,
  units_received,
  units_sold,
  units_before + units_received - units_sold AS units_in_stock,
  cost_of_goods_sold,
  ROUND(cost_days / DATE_DIFF(next_day, first_day, DAY), 2) AS average_inventory,
  ROUND(SAFE_DIVIDE(cost_of_goods_sold * DATE_DIFF(next_day, first_day, DAY), cost_days), 4) AS turnover,
  ROUND(SAFE_DIVIDE(cost_days, cost_of_goods_sold), 1) AS days_of_inventory
FROM of_categories
CROSS JOIN period
