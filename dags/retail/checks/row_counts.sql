-- Every table of the run has a line in ops.partition_loads for each partition of the period, and each of these
-- partitions holds as many rows as its line says.
WITH loaded AS (
  SELECT name, granularity
  FROM (
    SELECT 'distribution_centers' AS name, 'distribution_centers' AS source, 'none' AS granularity
    UNION ALL SELECT 'products', 'products', 'month'
    UNION ALL SELECT 'customers', 'customers', 'month'
    UNION ALL SELECT 'inventory_items', 'inventory_items', 'day'
    UNION ALL SELECT 'orders', 'orders', 'day'
    UNION ALL SELECT 'order_items', 'orders', 'day'
    UNION ALL SELECT 'daily_sales', 'orders', 'day'
    UNION ALL SELECT 'order_events', 'order_events', 'day'
    UNION ALL SELECT 'web_events', 'web_events', 'day'
    UNION ALL SELECT 'sessions', 'web_events', 'day'
  )
  WHERE source IN UNNEST(SPLIT(@tables, ','))
),
expected AS (
  SELECT DISTINCT
    name,
    CASE granularity
      WHEN 'none' THEN DATE '1970-01-01'
      WHEN 'month' THEN DATE_TRUNC(day, MONTH)
      ELSE day
    END AS partition_date,
    CASE granularity
      WHEN 'none' THEN ''
      WHEN 'month' THEN FORMAT_DATE('%Y%m', day)
      ELSE FORMAT_DATE('%Y%m%d', day)
    END AS partition_id
  FROM loaded CROSS JOIN UNNEST(GENERATE_DATE_ARRAY(@start_date, @end_date)) AS day
),
compared AS (
  SELECT
    expected.name,
    expected.partition_id,
    lines.rows_loaded,
    COALESCE(partitions.total_rows, 0) AS held
  FROM expected
  LEFT JOIN ops.partition_loads AS lines
    ON lines.table_name = expected.name AND lines.partition_date = expected.partition_date
  LEFT JOIN retail.INFORMATION_SCHEMA.PARTITIONS AS partitions
    ON partitions.table_name = expected.name AND COALESCE(partitions.partition_id, '') = expected.partition_id
),
problems AS (
  SELECT
    CONCAT(
      'retail.', name, IF(partition_id = '', '', '$'), partition_id, ': ',
      IF(rows_loaded IS NULL, 'was not loaded', CONCAT('expected ', rows_loaded, ' rows, holds ', held))
    ) AS problem
  FROM compared
  WHERE rows_loaded IS NULL OR rows_loaded != held
)
SELECT
  IF(
    COUNT(*) = 0,
    'ok',
    ERROR(CONCAT(COUNT(*), ' partitions are not as loaded: ', STRING_AGG(problem, '; ' ORDER BY problem LIMIT 10)))
  ) AS outcome
FROM problems
