EXECUTE IMMEDIATE FORMAT("""
  SELECT * FROM (
    SELECT browser, event_type, session_id FROM `bigquery-public-data.thelook_ecommerce.events`
  ) PIVOT(COUNT(DISTINCT session_id) FOR event_type IN (%s))
  ORDER BY browser
""", (
  SELECT STRING_AGG(CONCAT("'", event_type, "'") ORDER BY event_type)
  FROM (SELECT DISTINCT event_type FROM `bigquery-public-data.thelook_ecommerce.events`)
));
