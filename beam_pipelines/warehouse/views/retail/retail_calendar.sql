-- The National Retail Federation's 4-5-4 calendar, a row for every day of the fiscal years 2018 to 2039. A year begins
-- on the Sunday after the Saturday closest to 31 January; its quarters have months of 4, 5 and 4 weeks, and a 53rd
-- week, where there is one, belongs to the last month. Month 1 is February, the spring season ends with month 6, and
-- the first day of the week is Sunday.
WITH days AS (
  SELECT
    day,
    EXTRACT(YEAR FROM DATE_SUB(DATE_TRUNC(day, WEEK), INTERVAL 28 DAY)) AS fiscal_year
  FROM UNNEST(GENERATE_DATE_ARRAY(DATE '2018-02-04', DATE '2040-01-28')) AS day
),
weeks AS (
  SELECT
    *,
    DATE_DIFF(day, DATE_TRUNC(DATE(fiscal_year, 2, 4), WEEK), WEEK) + 1 AS week
  FROM days
),
quarters AS (
  SELECT
    *,
    LEAST(DIV(week - 1, 13) + 1, 4) AS quarter
  FROM weeks
),
months AS (
  SELECT
    *,
    CASE
      WHEN week - 13 * (quarter - 1) <= 4 THEN 1
      WHEN week - 13 * (quarter - 1) <= 9 THEN 2
      ELSE 3
    END AS month_of_quarter
  FROM quarters
)
SELECT
  day,
  fiscal_year,
  IF(quarter <= 2, 'Spring', 'Fall') AS season,
  quarter,
  3 * (quarter - 1) + month_of_quarter AS month,
  week,
  week - 13 * (quarter - 1) - CASE month_of_quarter WHEN 1 THEN 0 WHEN 2 THEN 4 ELSE 9 END AS week_of_month,
  EXTRACT(DAYOFWEEK FROM day) AS day_of_week
FROM months
