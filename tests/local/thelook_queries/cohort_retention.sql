WITH first_orders AS (
  SELECT user_id, DATE_TRUNC(MIN(DATE(created_at)), MONTH) AS cohort_month
  FROM `bigquery-public-data.thelook_ecommerce.orders`
  GROUP BY user_id
),
activity AS (
  SELECT
    f.cohort_month,
    DATE_DIFF(DATE_TRUNC(DATE(o.created_at), MONTH), f.cohort_month, MONTH) AS month_number,
    COUNT(DISTINCT o.user_id) AS active_users
  FROM `bigquery-public-data.thelook_ecommerce.orders` o
  JOIN first_orders f USING (user_id)
  GROUP BY 1, 2
)
SELECT
  cohort_month,
  month_number,
  active_users,
  FIRST_VALUE(active_users) OVER (PARTITION BY cohort_month ORDER BY month_number) AS cohort_size,
  ROUND(active_users / FIRST_VALUE(active_users) OVER (PARTITION BY cohort_month ORDER BY month_number), 4) AS retention
FROM activity
ORDER BY cohort_month, month_number
