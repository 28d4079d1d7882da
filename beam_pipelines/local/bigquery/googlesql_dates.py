"""Functions of dates and times with GoogleSQL's meaning."""

from __future__ import annotations

import re

from sqlglot import exp

from beam_pipelines.local.bigquery.errors import invalid_query, unsupported
from beam_pipelines.local.bigquery.googlesql_types import Rule, call, concatenated, typed_call

_DAYS = ("MONDAY", "TUESDAY", "WEDNESDAY", "THURSDAY", "FRIDAY", "SATURDAY", "SUNDAY")
_MICROSECONDS = {
    "MICROSECOND": 1,
    "MILLISECOND": 1_000,
    "SECOND": 1_000_000,
    "MINUTE": 60_000_000,
    "HOUR": 3_600_000_000,
    "DAY": 86_400_000_000,
}
_MONTHS = {"MONTH": 1, "QUARTER": 3, "YEAR": 12}
_OF_TIMESTAMPS = (exp.TimestampAdd, exp.TimestampSub, exp.TimestampTrunc, exp.TimestampDiff)
_OF_DATETIMES = (exp.DatetimeAdd, exp.DatetimeSub, exp.DatetimeTrunc, exp.DatetimeDiff)


def _unit(node: exp.Expr | None) -> tuple[str, int]:
    """The name of a date part, and for weeks the day that they begin on (Monday is 0)."""
    if node is None:
        return "DAY", 0
    if isinstance(node, exp.WeekStart):
        return "WEEK", _DAYS.index(node.this.name.upper())
    name = node.name.upper()
    if name == "ISOWEEK":
        return "WEEK", 0
    return name, 6 if name == "WEEK" else 0


def _moment(node: exp.Expr, value: exp.Expr) -> exp.Expr:
    """A string literal as what the function is about; of DATE_ and its like the overloads see to it."""
    if isinstance(node, _OF_TIMESTAMPS) and value.is_string:
        return exp.cast(value, "timestamptz", dialect="duckdb")
    if isinstance(node, _OF_DATETIMES) and value.is_string:
        return exp.cast(value, "timestamp", dialect="duckdb")
    return value


def _in_utc(value: exp.Expr) -> exp.Expr:
    """A TIMESTAMP as a DATETIME in UTC; a value of another type as it is."""
    return value if value.is_string else typed_call("in_utc", [value])


def _in_zone(value: exp.Expr, zone: exp.Expr) -> exp.Expr:
    """A TIMESTAMP as a DATETIME in the time zone, or the other way round."""
    return exp.Anonymous(this="timezone", expressions=[zone, value])


def _truncated(node: exp.Expr) -> exp.Expr:
    unit, first_day = _unit(node.args.get("unit"))
    zone = node.args.get("zone")
    value = _moment(node, node.this)
    if zone is not None:
        shortened = typed_call("truncated", [_in_zone(value, zone)], unit.lower(), first_day)
        return _in_zone(shortened, zone.copy())
    return typed_call("truncated", [value], unit.lower(), first_day)


def _extracted(node: exp.Expr) -> exp.Expr:
    value = _in_utc(node.expression)
    unit, first_day = _unit(node.this)
    if unit == "WEEK" and node.this.name.upper() != "ISOWEEK":
        if first_day not in (0, 6):
            raise unsupported(f"EXTRACT({node.this.sql(dialect='bigquery')})")
        return call("week_of_year", value, "%U" if first_day == 6 else "%W")
    casts = {"DATE": "DATE", "DATETIME": "TIMESTAMP", "TIME": "TIME"}
    if unit in casts:
        return exp.cast(value, casts[unit], dialect="duckdb")
    parts = {"DAYOFWEEK": "day_of_week", "MILLISECOND": "millisecond_of_second", "MICROSECOND": "microsecond_of_second"}
    if unit in parts:
        return call(parts[unit], value)
    names = {"WEEK": "week", "DAYOFYEAR": "doy", "ISOYEAR": "isoyear"}
    return exp.Anonymous(this="date_part", expressions=[exp.Literal.string(names.get(unit, unit.lower())), value])


def _elapsed(node: exp.Expr) -> exp.Expr:
    """TIMESTAMP_DIFF: whole units between two moments."""
    unit, _ = _unit(node.args.get("unit"))
    if unit not in _MICROSECONDS:
        raise invalid_query(f"TIMESTAMP_DIFF does not support the {unit} date part")
    return call("elapsed", node.this, node.expression, _MICROSECONDS[unit])


def _boundaries(node: exp.Expr) -> exp.Expr:
    """DATE_DIFF and DATETIME_DIFF: how often a unit begins between two dates; of TIMESTAMPs, the whole units."""
    unit, first_day = _unit(node.args.get("unit"))
    ends = [_moment(node, end) for end in (node.this, node.expression)]
    if unit == "WEEK":
        return typed_call("weeks_between", ends, first_day)
    return typed_call("units_between", ends, unit.lower(), _MICROSECONDS.get(unit, 0))


def _shifted(sign: int) -> Rule:
    def shifted(node: exp.Expr) -> exp.Expr:
        unit, _ = _unit(node.args.get("unit"))
        amount = node.expression
        if isinstance(amount, exp.Interval):
            unit, amount = _unit(amount.args.get("unit"))[0], amount.this
        if isinstance(node, _OF_TIMESTAMPS) and unit not in _MICROSECONDS:
            name = "TIMESTAMP_ADD" if sign > 0 else "TIMESTAMP_SUB"
            raise invalid_query(f"{name} does not support the {unit} date part")
        if amount.is_string:
            amount = exp.Literal.number(amount.name)
        if sign < 0:
            amount = exp.Neg(this=exp.paren(amount))
        amount = exp.paren(amount)
        if unit in _MONTHS:
            name, factor, kind = "to_months", _MONTHS[unit], "int"
        elif unit in ("DAY", "WEEK"):
            name, factor, kind = "to_days", 1 if unit == "DAY" else 7, "int"
        elif unit in _MICROSECONDS:
            name, factor, kind, amount = "to_microseconds", _MICROSECONDS[unit], "bigint", exp.cast(amount, "bigint")
        else:
            raise unsupported(f"INTERVAL of {unit}")
        count = exp.cast(exp.Mul(this=amount, expression=exp.Literal.number(factor)), kind)
        return typed_call("shifted", [_moment(node, node.this)], exp.Anonymous(this=name, expressions=[count]))

    return shifted


_FORMAT_CODES = {
    "%F": "%Y-%m-%d",
    "%T": "%H:%M:%S",
    "%R": "%H:%M",
    "%D": "%m/%d/%y",
    "%h": "%b",
    "%E4Y": "%Y",
    "%E3S": "%S.%g",
    "%E6S": "%S.%f",
    "%E*S": "%S.%f",
    "%Z": "UTC",
    "%z": "+0000",
    "%Ez": "+00:00",
    "%n": "\n",
    "%t": "\t",
}
_COMPUTED_CODES = {
    "%Q": "quarter_text",
    "%-d": "day_text",  # which SQLGlot writes for %e
    "%k": "hour_text",
    "%l": "half_day_hour_text",
    "%s": "epoch_text",
    "%C": "century_text",
    "%P": "half_day_text",
}
_CODE = re.compile(r"(%E[4*36]?[YSz]|%-?.)", re.DOTALL)


def _formatted(node: exp.Expr) -> exp.Expr:
    """FORMAT_DATE, FORMAT_DATETIME and FORMAT_TIMESTAMP."""
    value, pattern, zone = node.this, node.args["format"], node.args.get("zone")
    if isinstance(value, exp.TsOrDsToTime):
        clock = exp.cast(value.this, "time", dialect="duckdb")
        value = exp.Add(this=exp.cast(exp.Literal.string("1970-01-01"), "date", dialect="duckdb"), expression=clock)
    if isinstance(value, exp.TsOrDsToTimestamp | exp.TsOrDsToDatetime | exp.TsOrDsToDate):
        kind = "date" if isinstance(value, exp.TsOrDsToDate) else "timestamp"
        value = value.this
    else:
        kind = "timestamp"
    value = _in_utc(value) if zone is None else _in_zone(exp.cast(value, "timestamptz"), zone)
    value = exp.cast(value, kind, dialect="duckdb")
    if not pattern.is_string:
        return exp.Anonymous(this="strftime", expressions=[value, pattern])
    parts: list[exp.Expr] = []
    plain = ""
    for piece in _CODE.split(pattern.name):
        if piece not in _COMPUTED_CODES:
            plain += _known_code(piece, zoned=zone is not None)
            continue
        if plain:
            parts.append(_strftime(value, plain))
        parts.append(call(_COMPUTED_CODES[piece], value.copy()))
        plain = ""
    if plain or not parts:
        parts.append(_strftime(value, plain))
    return concatenated(parts)


def _known_code(piece: str, *, zoned: bool = False) -> str:
    if zoned and piece in ("%Z", "%z", "%Ez"):
        raise unsupported(f"Format code {piece} with a time zone")
    if piece in _FORMAT_CODES:
        return _FORMAT_CODES[piece]
    if piece.startswith("%") and piece[1:] not in set("YymdHIMSpjaAbBUWVGuwxXc%"):
        raise unsupported(f"Format code {piece}")
    return piece


def _strftime(value: exp.Expr, pattern: str) -> exp.Expr:
    return exp.Anonymous(this="strftime", expressions=[value.copy(), exp.Literal.string(pattern)])


_PARSE_CODES = {"%z": "%z", "%Z": "%Z", "%-d": "%d", "%k": "%H", "%l": "%I", "%h": "%b"}


def _parsed(kind: str) -> Rule:
    def parsed(node: exp.Expr) -> exp.Expr:
        pattern = node.args["format"]
        if not pattern.is_string:
            raise unsupported("Parsing a date with a format that is not a literal")
        codes = "".join(_PARSE_CODES.get(piece) or _known_code(piece) for piece in _CODE.split(pattern.name))
        if not re.search(r"%[YyGcx]", codes):
            raise unsupported("Parsing a date without its year")
        found: exp.Expr = exp.Anonymous(this="strptime", expressions=[node.this, exp.Literal.string(codes)])
        if zone := node.args.get("zone"):
            found = _in_zone(found, zone)
        return exp.cast(found, kind, dialect="duckdb")

    return parsed


def _from_unix(node: exp.Expr) -> exp.Expr:
    scale = node.args.get("scale")
    factor = 10 ** (6 - (int(scale.name) if scale is not None else 0))
    micros = exp.Mul(this=exp.cast(node.this, "bigint"), expression=exp.Literal.number(factor))
    return call("timestamp_of_micros", micros)


def _at_zone(node: exp.Expr) -> exp.Expr:
    """DATE(timestamp, zone) and TIMESTAMP(text or datetime, zone)."""
    zone = node.args.get("zone")
    if isinstance(node, exp.Timestamp):
        if zone is None:
            return exp.cast(node.this, "timestamptz", dialect="duckdb")
        return _in_zone(exp.cast(node.this, "timestamp", dialect="duckdb"), zone)
    if zone is None:
        return exp.cast(_in_utc(node.this), "date", dialect="duckdb")
    return exp.cast(_in_zone(exp.cast(node.this, "timestamptz", dialect="duckdb"), zone), "date", dialect="duckdb")


def _datetime(node: exp.Expr) -> exp.Expr:
    """DATETIME(timestamp, zone) and DATETIME(date, time): which it is, the types tell unless the zone is a literal."""
    zone = node.args.get("expression")
    if zone is None:
        value = _in_utc(node.this)
    elif zone.is_string:
        value = _in_zone(exp.cast(node.this, "timestamptz", dialect="duckdb"), zone)
    else:
        value = typed_call("datetime_of", [node.this, zone])
    return exp.cast(value, "timestamp", dialect="duckdb")


def _now(kind: str) -> Rule:
    """CURRENT_DATETIME and CURRENT_TIME, in UTC unless a time zone is given."""

    def now(node: exp.Expr) -> exp.Expr:
        zone = node.this if isinstance(node.this, exp.Expr) else exp.Literal.string("UTC")
        return exp.cast(_in_zone(exp.Anonymous(this="now", expressions=[]), zone), kind, dialect="duckdb")

    return now


def _time(node: exp.Expr) -> exp.Expr:
    """TIME of a TIMESTAMP, perhaps in a time zone, or of a DATETIME."""
    if isinstance(node.parent, exp.TimeToStr):  # FORMAT_TIME sees to it
        return node
    value: exp.Expr = exp.cast(node.this, "timestamptz" if node.args.get("zone") else "timestamp", dialect="duckdb")
    if zone := node.args.get("zone"):
        value = _in_zone(value, zone)
    return exp.cast(value, "time", dialect="duckdb")


def _timestamp_array(node: exp.Expr) -> exp.Expr:
    for end in ("start", "end"):
        if node.args[end].is_string:
            node.set(end, exp.cast(node.args[end], "timestamptz", dialect="duckdb"))
    return node


def _epoch(name: str) -> Rule:
    return lambda node: call(name, node.this)


DATE_RULES: dict[type[exp.Expr], Rule] = {
    exp.DateTrunc: _truncated,
    exp.TimestampTrunc: _truncated,
    exp.DatetimeTrunc: _truncated,
    exp.Extract: _extracted,
    exp.TimestampDiff: _elapsed,
    exp.DateDiff: _boundaries,
    exp.DatetimeDiff: _boundaries,
    exp.DateAdd: _shifted(1),
    exp.DateSub: _shifted(-1),
    exp.TimestampAdd: _shifted(1),
    exp.TimestampSub: _shifted(-1),
    exp.DatetimeAdd: _shifted(1),
    exp.DatetimeSub: _shifted(-1),
    exp.TimeToStr: _formatted,
    exp.StrToDate: _parsed("date"),
    exp.StrToTime: _parsed("timestamptz"),
    exp.ParseDatetime: _parsed("timestamp"),
    exp.UnixToTime: _from_unix,
    exp.UnixSeconds: _epoch("unix_seconds"),
    exp.UnixMillis: _epoch("unix_millis"),
    exp.UnixMicros: _epoch("unix_micros"),
    exp.Date: _at_zone,
    exp.Datetime: _datetime,
    exp.Timestamp: _at_zone,
    exp.DateFromUnixDate: lambda node: exp.cast(node.copy(), "date", dialect="duckdb"),
    exp.GenerateTimestampArray: _timestamp_array,
    exp.Time: _time,
    exp.TsOrDsToTime: _time,
    exp.CurrentDatetime: _now("timestamp"),
    exp.CurrentTime: _now("time"),
}
