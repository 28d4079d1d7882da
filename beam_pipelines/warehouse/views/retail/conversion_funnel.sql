-- Sessions of every UTC day by what brought the visitor: how many looked at a product, put one into the cart and
-- bought, and which share of all sessions (conversion_rate) and of the step before went on.
SELECT
  day,
  traffic_source,
  sessions,
  with_product_view,
  with_cart,
  with_purchase,
  ROUND(with_product_view / sessions, 4) AS product_view_rate,
  ROUND(SAFE_DIVIDE(with_cart, with_product_view), 4) AS cart_rate,
  ROUND(SAFE_DIVIDE(with_purchase, with_cart), 4) AS purchase_rate,
  ROUND(with_purchase / sessions, 4) AS conversion_rate
FROM (
  SELECT
    DATE(started_at) AS day,
    traffic_source,
    COUNT(*) AS sessions,
    COUNTIF(product_views > 0) AS with_product_view,
    COUNTIF(carted) AS with_cart,
    COUNTIF(purchased) AS with_purchase
  FROM retail.sessions
  GROUP BY day, traffic_source
)
