-- GoogleSQL in DuckDB. The overloads of a macro are told apart by its first parameters, the witnesses (see
-- googlesql_types.py): only their types count. INT64 is BIGINT, or HUGEINT where DuckDB has summed.

CREATE OR REPLACE MACRO _googlesql.numeric_quotient(dividend, divisor) AS
  CAST(
    sign(dividend) * sign(divisor) * (
      (2 * CAST(abs(CAST(dividend AS DECIMAL(38, 9))) * 1000000000 * 1000000000 AS HUGEINT)
        + CAST(abs(CAST(divisor AS DECIMAL(38, 9))) * 1000000000 AS HUGEINT))
      // nullif(2 * CAST(abs(CAST(divisor AS DECIMAL(38, 9))) * 1000000000 AS HUGEINT), 0)
    ) AS DECIMAL(38, 0)
  ) * 0.000000001;

CREATE OR REPLACE MACRO _googlesql.quotient
  (v DECIMAL(38, 9), w DECIMAL(38, 9), a, b) AS
    CASE WHEN (b) = 0 THEN error('division by zero') ELSE _googlesql.numeric_quotient(a, b) END,
  (v BIGINT, w BIGINT, a, b) AS
    CASE WHEN (b) = 0 THEN error('division by zero') ELSE CAST(a AS DOUBLE) / CAST(b AS DOUBLE) END,
  (v DOUBLE, w DOUBLE, a, b) AS
    CASE WHEN (b) = 0 THEN error('division by zero') ELSE CAST(a AS DOUBLE) / CAST(b AS DOUBLE) END;

CREATE OR REPLACE MACRO _googlesql.quotient_or_null
  (v DECIMAL(38, 9), w DECIMAL(38, 9), a, b) AS _googlesql.numeric_quotient(a, b),
  (v BIGINT, w BIGINT, a, b) AS CASE WHEN (b) = 0 THEN NULL ELSE CAST(a AS DOUBLE) / CAST(b AS DOUBLE) END,
  (v DOUBLE, w DOUBLE, a, b) AS CASE WHEN (b) = 0 THEN NULL ELSE CAST(a AS DOUBLE) / CAST(b AS DOUBLE) END;

CREATE OR REPLACE MACRO _googlesql.product
  (v DECIMAL(38, 9), w DECIMAL(38, 9), a, b) AS
    CAST(CAST(a AS DECIMAL(38, 9)) * CAST(b AS DECIMAL(38, 9)) AS DECIMAL(38, 9)),
  (v BIGINT, w BIGINT, a, b) AS CAST((a) * (b) AS BIGINT),
  (v HUGEINT, w HUGEINT, a, b) AS CAST((a) * (b) AS BIGINT),
  (v DOUBLE, w DOUBLE, a, b) AS (a) * (b),
  (v, w, a, b) AS (a) * (b);

CREATE OR REPLACE MACRO _googlesql.whole_quotient(a, b) AS
  CASE WHEN (b) = 0 THEN error('division by zero') ELSE (a) // (b) END;

CREATE OR REPLACE MACRO _googlesql.remainder(a, b) AS
  CASE WHEN (b) = 0 THEN error('division by zero') ELSE (a) % (b) END;

CREATE OR REPLACE MACRO _googlesql.average
  (v DECIMAL(38, 9), mean, total, number) AS _googlesql.numeric_quotient(total, number),
  (v BIGINT, mean, total, number) AS mean,
  (v HUGEINT, mean, total, number) AS mean,
  (v DOUBLE, mean, total, number) AS mean;

-- A literal like 0.5 is NUMERIC beside a NUMERIC and FLOAT64 beside anything else.
CREATE OR REPLACE MACRO _googlesql.literal
  (v DECIMAL(38, 9), value) AS value,
  (v BIGINT, value) AS CAST(value AS DOUBLE),
  (v HUGEINT, value) AS CAST(value AS DOUBLE),
  (v DOUBLE, value) AS CAST(value AS DOUBLE);

CREATE OR REPLACE MACRO _googlesql.rounded
  (v DECIMAL(38, 9), x, digits) AS round(CAST(x AS DECIMAL(38, 9)), digits),
  (v BIGINT, x, digits) AS round(CAST(x AS DOUBLE), digits),
  (v HUGEINT, x, digits) AS round(CAST(x AS DOUBLE), digits),
  (v DOUBLE, x, digits) AS round(CAST(x AS DOUBLE), digits);

CREATE OR REPLACE MACRO _googlesql.decimal_text(x) AS
  CASE WHEN contains(x, '.') AND NOT contains(x, 'e') THEN rtrim(rtrim(x, '0'), '.') ELSE x END;

CREATE OR REPLACE MACRO _googlesql.text
  (v DECIMAL(38, 9), x) AS _googlesql.decimal_text(CAST(x AS VARCHAR)),
  (v DOUBLE, x) AS _googlesql.decimal_text(CAST(x AS VARCHAR)),
  (v BIGINT, x) AS CAST(x AS VARCHAR),
  (v HUGEINT, x) AS CAST(x AS VARCHAR),
  (v BLOB, x) AS decode(x),
  (v, x) AS CAST(x AS VARCHAR);

CREATE OR REPLACE MACRO _googlesql.integer
  (v DECIMAL(38, 9), x) AS CAST(x AS BIGINT),
  (v DOUBLE, x) AS CAST(round(x) AS BIGINT),
  (v BIGINT, x) AS CAST(x AS BIGINT),
  (v HUGEINT, x) AS CAST(x AS BIGINT),
  (v BOOLEAN, x) AS CAST(x AS BIGINT),
  (v VARCHAR, x) AS CASE WHEN contains(x, '.') THEN error('Bad int64 value: ' || x) ELSE CAST(x AS BIGINT) END;

CREATE OR REPLACE MACRO _googlesql.integer_or_null
  (v DECIMAL(38, 9), x) AS TRY_CAST(x AS BIGINT),
  (v DOUBLE, x) AS TRY_CAST(round(x) AS BIGINT),
  (v BIGINT, x) AS TRY_CAST(x AS BIGINT),
  (v HUGEINT, x) AS TRY_CAST(x AS BIGINT),
  (v BOOLEAN, x) AS TRY_CAST(x AS BIGINT),
  (v VARCHAR, x) AS CASE WHEN contains(x, '.') THEN NULL ELSE TRY_CAST(x AS BIGINT) END;

-- The week that holds x begins on the day `first_day` (Monday is 0) at or before it; other units know no such day.
CREATE OR REPLACE MACRO _googlesql.truncated
  (v DATE, x, unit, first_day) AS
    CAST(date_trunc(unit, x - to_days(first_day)) + to_days(first_day) AS DATE),
  (v TIMESTAMP WITH TIME ZONE, x, unit, first_day) AS
    date_trunc(unit, x - to_days(first_day)) + to_days(first_day),
  (v TIMESTAMP, x, unit, first_day) AS
    date_trunc(unit, x - to_days(first_day)) + to_days(first_day),
  (v VARCHAR, x, unit, first_day) AS
    CAST(date_trunc(unit, CAST(x AS DATE) - to_days(first_day)) + to_days(first_day) AS DATE);

CREATE OR REPLACE MACRO _googlesql.shifted
  (v DATE, x, step) AS CAST((x) + (step) AS DATE),
  (v TIMESTAMP WITH TIME ZONE, x, step) AS (x) + (step),
  (v TIMESTAMP, x, step) AS (x) + (step),
  (v VARCHAR, x, step) AS CAST(CAST(x AS DATE) + (step) AS DATE);

CREATE OR REPLACE MACRO _googlesql.elapsed(later, earlier, unit) AS
  (epoch_us(CAST(later AS TIMESTAMP WITH TIME ZONE)) - epoch_us(CAST(earlier AS TIMESTAMP WITH TIME ZONE))) // unit;

CREATE OR REPLACE MACRO _googlesql.weeks_between(later, earlier, first_day) AS
  date_diff(
    'day',
    date_trunc('week', CAST(earlier AS DATE) - to_days(first_day)),
    date_trunc('week', CAST(later AS DATE) - to_days(first_day))
  ) // 7;

CREATE OR REPLACE MACRO _googlesql.week_of_year(x, code) AS CAST(strftime(x, code) AS BIGINT);
CREATE OR REPLACE MACRO _googlesql.day_of_week(x) AS date_part('dayofweek', x) + 1;
CREATE OR REPLACE MACRO _googlesql.millisecond_of_second(x) AS date_part('millisecond', x) % 1000;
CREATE OR REPLACE MACRO _googlesql.microsecond_of_second(x) AS date_part('microsecond', x) % 1000000;
CREATE OR REPLACE MACRO _googlesql.quarter_text(x) AS CAST(date_part('quarter', x) AS VARCHAR);
CREATE OR REPLACE MACRO _googlesql.day_text(x) AS lpad(CAST(date_part('day', x) AS VARCHAR), 2, ' ');
CREATE OR REPLACE MACRO _googlesql.hour_text(x) AS lpad(CAST(date_part('hour', x) AS VARCHAR), 2, ' ');
CREATE OR REPLACE MACRO _googlesql.epoch_text(x) AS CAST(epoch_us(CAST(x AS TIMESTAMP)) // 1000000 AS VARCHAR);
CREATE OR REPLACE MACRO _googlesql.unix_seconds(x) AS CAST(floor(epoch_us(x) / 1000000) AS BIGINT);
CREATE OR REPLACE MACRO _googlesql.unix_millis(x) AS CAST(floor(epoch_us(x) / 1000) AS BIGINT);
CREATE OR REPLACE MACRO _googlesql.unix_micros(x) AS epoch_us(x);
CREATE OR REPLACE MACRO _googlesql.timestamp_of_micros(x) AS timezone('UTC', make_timestamp(x));
