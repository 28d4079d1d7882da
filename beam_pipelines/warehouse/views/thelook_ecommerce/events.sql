-- theLook's events: every event of a web session; user_id is null until the visitor signs in.
SELECT
  event_id AS id,
  customer_id AS user_id,
  sequence_number,
  session_id,
  occurred_at AS created_at,
  ip_address,
  city,
  state,
  postal_code,
  browser,
  traffic_source,
  uri,
  event_type
FROM retail.web_events
