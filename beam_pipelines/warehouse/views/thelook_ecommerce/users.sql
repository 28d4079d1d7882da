-- theLook's users: every customer as of now; created_at is when they signed up.
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
  created_at,
  ST_GEOGPOINT(longitude, latitude) AS user_geom
FROM retail.current_customers
