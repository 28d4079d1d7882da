-- theLook's distribution_centers.
SELECT
  distribution_center_id AS id,
  name,
  latitude,
  longitude,
  ST_GEOGPOINT(longitude, latitude) AS distribution_center_geom
FROM retail.distribution_centers
