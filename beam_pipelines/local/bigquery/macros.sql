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

-- An error that DuckDB does not take for volatile as it does error(): a window may be partitioned and ordered by it.
CREATE OR REPLACE MACRO _googlesql.zero_division(b) AS 'division by zero' || left(CAST(b AS VARCHAR), 0);

CREATE OR REPLACE MACRO _googlesql.quotient
  (v DECIMAL(38, 9), w DECIMAL(38, 9), a, b) AS
    CASE
      WHEN (b) = 0 THEN CAST(_googlesql.zero_division(b) AS DECIMAL(38, 9))
      ELSE _googlesql.numeric_quotient(a, b)
    END,
  (v BIGINT, w BIGINT, a, b) AS
    CASE
      WHEN (b) = 0 THEN CAST(_googlesql.zero_division(b) AS DOUBLE)
      ELSE CAST(a AS DOUBLE) / CAST(b AS DOUBLE)
    END,
  (v DOUBLE, w DOUBLE, a, b) AS
    CASE
      WHEN (b) = 0 THEN CAST(_googlesql.zero_division(b) AS DOUBLE)
      ELSE CAST(a AS DOUBLE) / CAST(b AS DOUBLE)
    END;

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

-- Constants of the types of quotients, products and rounded numbers.
CREATE OR REPLACE MACRO _googlesql.kind_of_quotient
  (v DECIMAL(38, 9), w DECIMAL(38, 9)) AS CAST(0 AS DECIMAL(38, 9)),
  (v BIGINT, w BIGINT) AS CAST(0 AS DOUBLE),
  (v DOUBLE, w DOUBLE) AS CAST(0 AS DOUBLE);

CREATE OR REPLACE MACRO _googlesql.kind_of_product
  (v DECIMAL(38, 9), w DECIMAL(38, 9)) AS CAST(0 AS DECIMAL(38, 9)),
  (v BIGINT, w BIGINT) AS CAST(0 AS BIGINT),
  (v HUGEINT, w HUGEINT) AS CAST(0 AS BIGINT),
  (v DOUBLE, w DOUBLE) AS CAST(0 AS DOUBLE),
  (v, w) AS (v) * (w);

CREATE OR REPLACE MACRO _googlesql.kind_of_rounded
  (v DECIMAL(38, 9)) AS CAST(0 AS DECIMAL(38, 9)),
  (v BIGINT) AS CAST(0 AS DOUBLE),
  (v HUGEINT) AS CAST(0 AS DOUBLE),
  (v DOUBLE) AS CAST(0 AS DOUBLE);

CREATE OR REPLACE MACRO _googlesql.whole_quotient(a, b) AS
  CASE WHEN (b) = 0 THEN CAST(_googlesql.zero_division(b) AS TINYINT) ELSE (a) // (b) END;

CREATE OR REPLACE MACRO _googlesql.remainder(a, b) AS
  CASE WHEN (b) = 0 THEN CAST(_googlesql.zero_division(b) AS TINYINT) ELSE (a) % (b) END;

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

-- As many digits of a second as it has, in threes.
CREATE OR REPLACE MACRO _googlesql.moment_text(x) AS
  CASE
    WHEN epoch_us(x) % 1000000 = 0 THEN strftime(x, '%Y-%m-%d %H:%M:%S')
    WHEN epoch_us(x) % 1000 = 0 THEN strftime(x, '%Y-%m-%d %H:%M:%S.%g')
    ELSE strftime(x, '%Y-%m-%d %H:%M:%S.%f')
  END;

CREATE OR REPLACE MACRO _googlesql.text
  (v TIMESTAMP WITH TIME ZONE, x) AS
    _googlesql.moment_text(make_timestamp(epoch_us(x))) || '+00',
  (v TIMESTAMP, x) AS _googlesql.moment_text(CAST(x AS TIMESTAMP)),
  (v DATE, x) AS CAST(x AS VARCHAR),
  (v VARCHAR, x) AS x,
  (v DECIMAL(38, 9), x) AS _googlesql.decimal_text(CAST(x AS VARCHAR)),
  (v DOUBLE, x) AS _googlesql.decimal_text(CAST(x AS VARCHAR)),
  (v BIGINT, x) AS CAST(x AS VARCHAR),
  (v HUGEINT, x) AS CAST(x AS VARCHAR),
  (v BLOB, x) AS decode(x),
  (v GEOMETRY, x) AS error('Invalid cast from GEOGRAPHY to STRING'),
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

-- A TIMESTAMP as the date and the clock in UTC, whatever time zone DuckDB's session is in; other types as they are.
-- DuckDB's own casts of it ask a library of time zones for every row and take ten times as long.
CREATE OR REPLACE MACRO _googlesql.in_utc
  (v TIMESTAMP WITH TIME ZONE, x) AS make_timestamp(epoch_us(x)),
  (v TIMESTAMP, x) AS x,
  (v DATE, x) AS x,
  (v TIME, x) AS x,
  (v INTERVAL, x) AS x,
  (v VARCHAR, x) AS x;

-- DATETIME of a moment in a time zone, or of a date and a time.
CREATE OR REPLACE MACRO _googlesql.datetime_of
  (v TIMESTAMP WITH TIME ZONE, w VARCHAR, x, y) AS timezone(y, x),
  (v DATE, w TIME, x, y) AS (x) + (y);

-- The week that holds x begins on the day `first_day` (Monday is 0) at or before it; other units know no such day.
CREATE OR REPLACE MACRO _googlesql.truncated
  (v DATE, x, unit, first_day) AS
    CAST(date_trunc(unit, x - to_days(first_day)) + to_days(first_day) AS DATE),
  (v TIMESTAMP WITH TIME ZONE, x, unit, first_day) AS
    make_timestamptz(epoch_us(
      date_trunc(unit, make_timestamp(epoch_us(x)) - to_days(first_day)) + to_days(first_day)
    )),
  (v TIMESTAMP, x, unit, first_day) AS
    date_trunc(unit, x - to_days(first_day)) + to_days(first_day),
  (v VARCHAR, x, unit, first_day) AS
    CAST(date_trunc(unit, CAST(x AS DATE) - to_days(first_day)) + to_days(first_day) AS DATE);

CREATE OR REPLACE MACRO _googlesql.shifted
  (v DATE, x, step) AS CAST((x) + (step) AS DATE),
  (v TIMESTAMP WITH TIME ZONE, x, step) AS make_timestamptz(epoch_us(make_timestamp(epoch_us(x)) + (step))),
  (v TIMESTAMP, x, step) AS (x) + (step),
  (v VARCHAR, x, step) AS CAST(CAST(x AS DATE) + (step) AS DATE);

CREATE OR REPLACE MACRO _googlesql.elapsed(later, earlier, unit) AS
  (epoch_us(CAST(later AS TIMESTAMP WITH TIME ZONE)) - epoch_us(CAST(earlier AS TIMESTAMP WITH TIME ZONE))) // unit;

-- DATE_DIFF: of dates, how many times a unit begins between them; of TIMESTAMPs, how many whole units fit.
CREATE OR REPLACE MACRO _googlesql.mixed_times() AS
  error('No matching signature for function DATE_DIFF for argument types: DATE, TIMESTAMP, DATE_TIME_PART');

CREATE OR REPLACE MACRO _googlesql.whole_units(later, earlier, unit, micros) AS
  CASE
    WHEN micros = 0
      THEN error('DATE_DIFF does not support the ' || upper(unit) || ' date part when the argument is TIMESTAMP type')
    ELSE _googlesql.elapsed(later, earlier, nullif(micros, 0))
  END;

CREATE OR REPLACE MACRO _googlesql.units_between
  (v DATE, w DATE, a, b, unit, micros) AS date_diff(unit, b, a),
  (v VARCHAR, w VARCHAR, a, b, unit, micros) AS date_diff(unit, CAST(b AS DATE), CAST(a AS DATE)),
  (v VARCHAR, w DATE, a, b, unit, micros) AS date_diff(unit, b, CAST(a AS DATE)),
  (v DATE, w VARCHAR, a, b, unit, micros) AS date_diff(unit, CAST(b AS DATE), a),
  (v TIMESTAMP, w TIMESTAMP, a, b, unit, micros) AS date_diff(unit, b, a),
  (v TIMESTAMP WITH TIME ZONE, w TIMESTAMP WITH TIME ZONE, a, b, unit, micros) AS
    _googlesql.whole_units(a, b, unit, micros),
  (v VARCHAR, w TIMESTAMP WITH TIME ZONE, a, b, unit, micros) AS _googlesql.whole_units(a, b, unit, micros),
  (v TIMESTAMP WITH TIME ZONE, w VARCHAR, a, b, unit, micros) AS _googlesql.whole_units(a, b, unit, micros),
  (v TIMESTAMP WITH TIME ZONE, w DATE, a, b, unit, micros) AS CAST(_googlesql.mixed_times() AS BIGINT),
  (v DATE, w TIMESTAMP WITH TIME ZONE, a, b, unit, micros) AS CAST(_googlesql.mixed_times() AS BIGINT);

CREATE OR REPLACE MACRO _googlesql.date_weeks(later, earlier, first_day) AS
  date_diff(
    'day',
    date_trunc('week', CAST(earlier AS DATE) - to_days(first_day)),
    date_trunc('week', CAST(later AS DATE) - to_days(first_day))
  ) // 7;

CREATE OR REPLACE MACRO _googlesql.weeks_between
  (v TIMESTAMP WITH TIME ZONE, w, a, b, first_day) AS _googlesql.whole_units(a, b, 'week', 0),
  (v DATE, w, a, b, first_day) AS _googlesql.date_weeks(a, b, first_day),
  (v TIMESTAMP, w, a, b, first_day) AS _googlesql.date_weeks(a, b, first_day),
  (v VARCHAR, w, a, b, first_day) AS _googlesql.date_weeks(a, b, first_day);

-- Of dates the difference is an INTERVAL of days, of moments one of hours.
CREATE OR REPLACE MACRO _googlesql.difference
  (v DATE, w DATE, a, b) AS to_days(CAST((a) - (b) AS INTEGER)),
  (v TIMESTAMP WITH TIME ZONE, w TIMESTAMP WITH TIME ZONE, a, b) AS to_microseconds(epoch_us(a) - epoch_us(b)),
  (v TIMESTAMP, w TIMESTAMP, a, b) AS to_microseconds(epoch_us(a) - epoch_us(b)),
  (v, w, a, b) AS (a) - (b);

CREATE OR REPLACE MACRO _googlesql.week_of_year(x, code) AS CAST(strftime(x, code) AS BIGINT);
CREATE OR REPLACE MACRO _googlesql.day_of_week(x) AS date_part('dayofweek', x) + 1;
CREATE OR REPLACE MACRO _googlesql.millisecond_of_second(x) AS date_part('millisecond', x) % 1000;
CREATE OR REPLACE MACRO _googlesql.microsecond_of_second(x) AS date_part('microsecond', x) % 1000000;
CREATE OR REPLACE MACRO _googlesql.quarter_text(x) AS CAST(date_part('quarter', x) AS VARCHAR);
CREATE OR REPLACE MACRO _googlesql.day_text(x) AS lpad(CAST(date_part('day', x) AS VARCHAR), 2, ' ');
CREATE OR REPLACE MACRO _googlesql.hour_text(x) AS lpad(CAST(date_part('hour', x) AS VARCHAR), 2, ' ');
CREATE OR REPLACE MACRO _googlesql.half_day_hour_text(x) AS lpad(ltrim(strftime(x, '%I'), '0'), 2, ' ');
CREATE OR REPLACE MACRO _googlesql.half_day_text(x) AS lower(strftime(x, '%p'));
CREATE OR REPLACE MACRO _googlesql.century_text(x) AS CAST(date_part('year', x) // 100 AS VARCHAR);
CREATE OR REPLACE MACRO _googlesql.epoch_text(x) AS CAST(epoch_us(CAST(x AS TIMESTAMP)) // 1000000 AS VARCHAR);
CREATE OR REPLACE MACRO _googlesql.unix_seconds(x) AS CAST(floor(epoch_us(x) / 1000000) AS BIGINT);
CREATE OR REPLACE MACRO _googlesql.unix_millis(x) AS CAST(floor(epoch_us(x) / 1000) AS BIGINT);
CREATE OR REPLACE MACRO _googlesql.unix_micros(x) AS epoch_us(x);
CREATE OR REPLACE MACRO _googlesql.timestamp_of_micros(x) AS make_timestamptz(x);

-- A GEOGRAPHY is a GEOMETRY that is a point. Well-known binary, here with the high byte first, is made many times as
-- fast as text. SAFE. takes what ends in _or_null: TRY refuses whatever may call error().
CREATE OR REPLACE MACRO _googlesql.turned(longitude) AS
  CASE WHEN longitude BETWEEN -180 AND 180 THEN longitude ELSE longitude - 360 * round(longitude / 360) END;

CREATE OR REPLACE MACRO _googlesql.point_of_doubles(longitude, latitude) AS
  CASE
    WHEN latitude BETWEEN -90 AND 90 AND isfinite(longitude)
      THEN ST_GeomFromWKB('\x00\x00\x00\x00\x01'::BLOB || longitude::BIT::BLOB || latitude::BIT::BLOB)
  END;

CREATE OR REPLACE MACRO _googlesql.point_or_null(longitude, latitude) AS
  _googlesql.point_of_doubles(_googlesql.turned(CAST(longitude AS DOUBLE)), CAST(latitude AS DOUBLE));

CREATE OR REPLACE MACRO _googlesql.point(longitude, latitude) AS
  CASE
    WHEN NOT CAST(latitude AS DOUBLE) BETWEEN -90 AND 90
      THEN error('ST_GEOGPOINT: latitude must be between -90 and 90 degrees, got ' || latitude)
    WHEN NOT isfinite(CAST(longitude AS DOUBLE))
      THEN error('ST_GEOGPOINT: longitude must be a finite number of degrees, got ' || longitude)
    ELSE _googlesql.point_or_null(longitude, latitude)
  END;

CREATE OR REPLACE MACRO _googlesql.longitude(point) AS vertex_extract(point, 'x');
CREATE OR REPLACE MACRO _googlesql.latitude(point) AS vertex_extract(point, 'y');

-- The number in a point's text, 1 for the longitude and 2 for the latitude; null if the text is of something else.
CREATE OR REPLACE MACRO _googlesql.degrees_in_text(wkt, number) AS
  TRY_CAST(
    regexp_extract(wkt, '(?i)^\s*point\s*[(]\s*([-+.e0-9]+)\s+([-+.e0-9]+)\s*[)]\s*$', number) AS DOUBLE
  );

CREATE OR REPLACE MACRO _googlesql.point_of_text_or_null(wkt) AS
  _googlesql.point_or_null(_googlesql.degrees_in_text(wkt, 1), _googlesql.degrees_in_text(wkt, 2));

CREATE OR REPLACE MACRO _googlesql.point_of_text(wkt) AS
  CASE
    WHEN wkt IS NOT NULL AND _googlesql.degrees_in_text(wkt, 1) + _googlesql.degrees_in_text(wkt, 2) IS NULL
      THEN error('ST_GEOGFROMTEXT: only POINT(longitude latitude) is supported by the local BigQuery, got ' || wkt)
    ELSE _googlesql.point(_googlesql.degrees_in_text(wkt, 1), _googlesql.degrees_in_text(wkt, 2))
  END;

CREATE OR REPLACE MACRO _googlesql.text_of_point(point) AS replace(ST_AsText(point), 'POINT (', 'POINT(');

-- The haversine formula, in metres, with the radius that BigQuery's own distances have.
CREATE OR REPLACE MACRO _googlesql.distance(a, b) AS
  2 * 6371010 * asin(sqrt(least(
    1.0::DOUBLE,
    sin(radians(vertex_extract(b, 'y') - vertex_extract(a, 'y')) / 2) ** 2
      + cos(radians(vertex_extract(a, 'y'))) * cos(radians(vertex_extract(b, 'y')))
      * sin(radians(vertex_extract(b, 'x') - vertex_extract(a, 'x')) / 2) ** 2
  )));

CREATE OR REPLACE MACRO _googlesql.is_within(a, b, metres) AS _googlesql.distance(a, b) <= metres;

-- Text, arrays and counts.
CREATE OR REPLACE MACRO _googlesql.first_character(x, start) AS
  CASE WHEN (start) = 0 OR (start) < -length(x) THEN 1 ELSE start END;

CREATE OR REPLACE MACRO _googlesql.byte_length
  (v VARCHAR, x) AS strlen(x),
  (v BLOB, x) AS octet_length(x);

CREATE OR REPLACE MACRO _googlesql.positive(x) AS
  CASE
    WHEN (x) <= 0 THEN CAST('logarithm of a number that is not positive' || left(CAST(x AS VARCHAR), 0) AS DOUBLE)
    ELSE CAST(x AS DOUBLE)
  END;

CREATE OR REPLACE MACRO _googlesql.capitalized(x) AS
  array_to_string(
    list_transform(
      regexp_extract_all(lower(x), '[^\s\[\](){}/|!?@"^#$&~_,.:;*%+-]+|[\s\[\](){}/|!?@"^#$&~_,.:;*%+-]+'),
      lambda word: upper(word[1]) || word[2:]
    ),
    ''
  );

CREATE OR REPLACE MACRO _googlesql.range_bucket(point, bounds) AS
  len(list_filter(bounds, lambda bound: bound <= point));

CREATE OR REPLACE MACRO _googlesql.series(first, last, step) AS
  list_transform(
    range(0, CAST(floor((CAST(last AS DOUBLE) - first) / step) AS BIGINT) + 1),
    lambda position: CAST(first + position * step AS DOUBLE)
  );

CREATE OR REPLACE MACRO _googlesql.top_counts(counts, nulls, number) AS
  list_transform(
    list_sort(
      list_transform(map_entries(counts), lambda entry: {'fewer': -CAST(entry.value AS BIGINT), 'it': entry.key})
      || CASE WHEN nulls = 0 THEN [] ELSE [{'fewer': -CAST(nulls AS BIGINT), 'it': NULL}] END
    )[:number],
    lambda entry: {'value': entry.it, 'count': -entry.fewer}
  );

-- An element by its number from 0. Beyond the ends there is an error, or null.
CREATE OR REPLACE MACRO _googlesql.out_of_bounds(number) AS
  error('Array index ' || number || ' is out of bounds');

CREATE OR REPLACE MACRO _googlesql.element(items, number) AS
  CASE
    WHEN number < 0 OR number >= len(items) THEN _googlesql.out_of_bounds(number)
    ELSE items[number + 1]
  END;

CREATE OR REPLACE MACRO _googlesql.element_or_null(items, number) AS
  CASE WHEN number >= 0 THEN items[number + 1] END;
