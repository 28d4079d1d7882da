-- theLook's distribution_centers, without the GEOGRAPHY column.
SELECT
  distribution_center_id AS id,
  name,
  latitude,
  longitude
FROM retail.distribution_centers
