-- Of every partition of the period: rows in = loaded + refused + deduplicated + unreadable, money to the cent, a dead
-- letter for what was refused, and no more refused than a run allows.
WITH lines AS (
  SELECT *, CONCAT(table_name, IF(partition_id = '', '', '$'), partition_id) AS name
  FROM ops.partition_loads
  WHERE partition_id = ''
    OR partition_date BETWEEN IF(LENGTH(partition_id) = 6, DATE_TRUNC(@start_date, MONTH), @start_date) AND @end_date
),
letters AS (
  SELECT table_name, partition_date, COUNT(*) AS dead_letters
  FROM ops.dead_letters
  WHERE partition_date = DATE '1970-01-01'
    OR partition_date BETWEEN DATE_TRUNC(@start_date, MONTH) AND @end_date
  GROUP BY table_name, partition_date
),
problems AS (
  SELECT
    CONCAT(
      name, ': rows in ', rows_in, ', loaded ', rows_loaded, ', refused ', rows_refused,
      ', deduplicated ', rows_deduplicated, ', unreadable ', rows_unreadable
    ) AS problem
  FROM lines
  WHERE rows_in != rows_loaded + rows_refused + rows_deduplicated + rows_unreadable
  UNION ALL
  SELECT
    CONCAT(
      name, '.', amount.column_name, ': in ', amount.amount_in, ', loaded ', amount.amount_loaded,
      ', refused ', amount.amount_refused, ', deduplicated ', amount.amount_deduplicated
    )
  FROM lines CROSS JOIN UNNEST(lines.amounts) AS amount
  WHERE amount.amount_in != amount.amount_loaded + amount.amount_refused + amount.amount_deduplicated
  UNION ALL
  SELECT
    CONCAT(
      name, ': expected ', lines.dead_letters, ' dead letters, ops.dead_letters holds ',
      COALESCE(letters.dead_letters, 0)
    )
  FROM lines LEFT JOIN letters USING (table_name, partition_date)
  WHERE lines.dead_letters != COALESCE(letters.dead_letters, 0)
  UNION ALL
  SELECT
    CONCAT(
      name, ': expected at most ', @max_refused_share, ' of the rows refused or unreadable, got ',
      rows_refused + rows_unreadable, ' of ', rows_in
    )
  FROM lines
  WHERE rows_refused + rows_unreadable > @max_refused_share * rows_in
)
SELECT
  IF(
    COUNT(*) = 0,
    'ok',
    ERROR(CONCAT(COUNT(*), ' sums do not add up: ', STRING_AGG(problem, '; ' ORDER BY problem LIMIT 10)))
  ) AS outcome
FROM problems
