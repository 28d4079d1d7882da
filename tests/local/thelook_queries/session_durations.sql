WITH sessions AS (
  SELECT
    session_id,
    ANY_VALUE(browser) AS browser,
    MIN(created_at) AS session_start,
    MAX(created_at) AS session_end,
    COUNT(*) AS events,
    LOGICAL_OR(event_type = 'purchase') AS converted
  FROM `bigquery-public-data.thelook_ecommerce.events`
  GROUP BY session_id
)
SELECT
  browser,
  COUNT(*) AS sessions,
  AVG(events) AS events_per_session,
  AVG(TIMESTAMP_DIFF(session_end, session_start, SECOND)) / 60 AS minutes,
  MAX(TIMESTAMP_DIFF(session_end, session_start, MINUTE)) AS longest_minutes,
  SUM(CAST(converted AS INT64)) AS conversions
FROM sessions
GROUP BY browser
HAVING sessions > 1
ORDER BY browser
