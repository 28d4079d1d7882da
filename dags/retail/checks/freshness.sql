-- The newest order and the newest page view lie close to the end of the period.
WITH newest AS (
  SELECT 'orders' AS name, MAX(created_at) AS moment
  FROM retail.orders
  WHERE created_at >= TIMESTAMP(@end_date) AND created_at < TIMESTAMP(DATE_ADD(@end_date, INTERVAL 1 DAY))
  UNION ALL
  SELECT 'web_events', MAX(occurred_at)
  FROM retail.web_events
  WHERE occurred_at >= TIMESTAMP(@end_date) AND occurred_at < TIMESTAMP(DATE_ADD(@end_date, INTERVAL 1 DAY))
),
problems AS (
  SELECT
    CONCAT(
      'retail.', name, ': expected a row in the last ', @max_staleness_hours, ' hours of ', CAST(@end_date AS STRING),
      ', ', COALESCE(CONCAT('the newest is of ', FORMAT_TIMESTAMP('%H:%M:%S', moment)), 'there is none')
    ) AS problem
  FROM newest
  WHERE name IN UNNEST(SPLIT(@tables, ','))
    AND (
      moment IS NULL
      OR moment < TIMESTAMP_SUB(TIMESTAMP(DATE_ADD(@end_date, INTERVAL 1 DAY)), INTERVAL @max_staleness_hours HOUR)
    )
)
SELECT IF(COUNT(*) = 0, 'ok', ERROR(STRING_AGG(problem, '; ' ORDER BY problem))) AS outcome
FROM problems
