-- Of the customers who first ordered in a month, their cohort, how many ordered in each month since, and for how much:
-- a row for every cohort and month up to the newest on record, which may not be over yet. Orders are counted as they
-- were placed, also those that were cancelled or returned later.
WITH activity AS (
  SELECT
    cohort_month,
    month,
    COUNT(*) AS customers,
    SUM(orders) AS orders,
    SUM(revenue) AS revenue,
    MAX(month) OVER () AS newest_month
  FROM (
    SELECT
      customer_id,
      DATE_TRUNC(DATE(created_at), MONTH) AS month,
      COUNT(*) AS orders,
      SUM(subtotal - discount) AS revenue
    FROM retail.orders
    GROUP BY customer_id, month
  )
  JOIN (
    SELECT
      customer_id,
      DATE_TRUNC(DATE(MIN(created_at)), MONTH) AS cohort_month
    FROM retail.orders
    GROUP BY customer_id
  ) USING (customer_id)
  GROUP BY cohort_month, month
)
SELECT
  cohort_month,
  DATE_DIFF(month, cohort_month, MONTH) AS months_since,
  cohort.customers,
  COALESCE(active.customers, 0) AS active_customers,
  ROUND(COALESCE(active.customers, 0) / cohort.customers, 4) AS retention_rate,
  COALESCE(active.orders, 0) AS orders,
  COALESCE(active.revenue, 0) AS revenue
FROM (
  SELECT
    cohort_month,
    customers,
    newest_month
  FROM activity
  WHERE month = cohort_month
) AS cohort
CROSS JOIN UNNEST(GENERATE_DATE_ARRAY(cohort_month, newest_month, INTERVAL 1 MONTH)) AS month
LEFT JOIN activity AS active USING (cohort_month, month)
