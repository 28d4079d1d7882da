-- theLook's users: every customer as of now, without the GEOGRAPHY column.
SELECT
  customer_id AS id,
  first_name,
  last_name,
  email,
  age,
  gender,
  state,
  street_address,
  postal_code,
  city,
  country,
  latitude,
  longitude,
  traffic_source,
  created_at
FROM retail.current_customers
