-- Every customer who has ordered, by recency (days between the last order and the newest order on record), frequency
-- (orders) and monetary value (what was paid for goods). Each has a score from 1 to 5, the best fifth of the customers
-- being 5; of equal customers those who ordered later, then those of higher numbers, are better. The segments follow
-- from recency and from the sum of the other two.
WITH customers AS (
  SELECT
    customer_id,
    MIN(created_at) AS first_order_at,
    MAX(created_at) AS last_order_at,
    COUNT(*) AS frequency,
    SUM(subtotal - discount) AS monetary
  FROM retail.orders
  GROUP BY customer_id
),
scored AS (
  SELECT
    *,
    DATE_DIFF((SELECT DATE(MAX(created_at)) FROM retail.orders), DATE(last_order_at), DAY) AS recency_days,
    NTILE(5) OVER (ORDER BY last_order_at, customer_id) AS recency_score,
    NTILE(5) OVER (ORDER BY frequency, last_order_at, customer_id) AS frequency_score,
    NTILE(5) OVER (ORDER BY monetary, last_order_at, customer_id) AS monetary_score
  FROM customers
)
SELECT
  customer_id,
  first_order_at,
  last_order_at,
  recency_days,
  frequency,
  monetary,
  recency_score,
  frequency_score,
  monetary_score,
  CASE
    WHEN recency_score >= 4 AND frequency_score + monetary_score >= 8 THEN 'Champions'
    WHEN recency_score >= 3 AND frequency_score + monetary_score >= 6 THEN 'Loyal'
    WHEN recency_score = 5 AND frequency = 1 THEN 'New'
    WHEN recency_score >= 4 THEN 'Promising'
    WHEN recency_score = 3 THEN 'Needs attention'
    WHEN frequency_score + monetary_score >= 8 THEN 'Cannot lose'
    WHEN frequency_score + monetary_score >= 6 THEN 'At risk'
    WHEN recency_score = 2 THEN 'About to sleep'
    ELSE 'Lost'
  END AS segment
FROM scored
