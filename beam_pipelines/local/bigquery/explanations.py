"""What DuckDB says of a query, as BigQuery would say it."""

from __future__ import annotations

import re
from collections.abc import Callable

import duckdb

from beam_pipelines.local.bigquery.errors import ApiError, invalid_query, position_at, unsupported

_TYPES = (
    (r"TIMESTAMP(?:_TZ)? WITH TIME ZONE|TIMESTAMPTZ", "TIMESTAMP"),
    (r"TIMESTAMP(?:_S|_MS|_NS)?", "DATETIME"),
    (r"INTEGER_LITERAL|U?(?:TINY|SMALL|BIG|HUGE)?INT(?:EGER)?(?:8|16|32|64|128)?", "INT64"),
    (r"DOUBLE|FLOAT", "FLOAT64"),
    (r"DECIMAL\(\d+, ?\d+\)", "NUMERIC"),
    (r"VARCHAR|STRING_LITERAL", "STRING"),
    (r"BOOLEAN", "BOOL"),
    (r"BLOB", "BYTES"),
    (r'"?NULL"?', "INT64"),
)
_ARRAY = re.compile(r"([A-Z_]+(?:\(\d+, ?\d+\))?|ARRAY<.+>)\[\]")
_OPERATORS = frozenset(["+", "-", "*", "/", "%", "||", "=", "<", ">", "<=", ">=", "<>", "!="])


def explained(error: duckdb.Error, sql: str) -> ApiError:
    """The error that BigQuery gives for what DuckDB says of the query ``sql``."""
    text = re.sub(r"^[A-Za-z ]+ Error: ", "", str(error).partition("\n")[0])
    for pattern, explain in _EXPLANATIONS:
        if found := pattern.search(text):
            return explain(found, sql)
    if isinstance(error, duckdb.InvalidInputException):  # the query's own ERROR, or one of this server's macros
        return invalid_query(text)
    if isinstance(error, duckdb.ParserException):
        return unsupported(f"A part of the query, in the local database's words: {text},")
    return invalid_query(googlesql_types(text))


def googlesql_types(text: str) -> str:
    """The text with GoogleSQL's names of types in place of DuckDB's.

    >>> googlesql_types("+(VARCHAR, TIMESTAMP WITH TIME ZONE)")
    '+(STRING, TIMESTAMP)'
    """
    words = "|".join(f"({pattern})" for pattern, _ in _TYPES)
    while _ARRAY.search(text):  # once more for every level of arrays
        text = _ARRAY.sub(r"ARRAY<\1>", text)
    return re.sub(rf"(?<!\w)(?:{words})(?!\w)", lambda found: _TYPES[(found.lastindex or 1) - 1][1], text)


def position_of(name: str, sql: str) -> str:
    """Where a name first stands in the query, as BigQuery puts it: `` at [line:column]``."""
    found = re.search(rf"(?<!\w){re.escape(name)}(?!\w)", sql, re.IGNORECASE)
    return position_at(sql, found.start()) if found else ""


def _unrecognized(found: re.Match[str], sql: str) -> ApiError:
    return invalid_query(f"Unrecognized name: {found[1]}{position_of(found[1], sql)}")


def _missing_field(found: re.Match[str], sql: str) -> ApiError:
    return invalid_query(f"Name {found[2]} not found inside {found[1]}{position_of(f'{found[1]}.{found[2]}', sql)}")


def _no_signature(found: re.Match[str], sql: str) -> ApiError:
    """The name is told if the query has it: what a function was translated to, nobody asked for."""
    name, types = found[1].strip('"'), googlesql_types(found[2])
    if name in _OPERATORS:
        return invalid_query(f"No matching signature for operator {name} for argument types: {types}")
    if re.search(rf"(?<!\w){re.escape(name)}\s*\(", sql, re.IGNORECASE):
        where = position_of(name, sql)
        return invalid_query(f"No matching signature for function {name.upper()} for argument types: {types}{where}")
    return invalid_query(f"No matching signature for a function of the query for argument types: {types}")


def _no_macro(found: re.Match[str], sql: str) -> ApiError:
    operators = {"quotient": "operator /", "product": "operator *", "difference": "operator -"}
    what = operators.get(found[1], f"a function of the query ({found[1].replace('_', ' ')})")
    return invalid_query(f"No matching signature for {what} for the types of its arguments")


def _bad_value(found: re.Match[str], sql: str) -> ApiError:
    kinds = {"INT": "int64", "UIN": "int64", "DOU": "double", "FLO": "double", "BOO": "bool", "DEC": "NUMERIC"}
    kind = kinds.get(found[2][:3].upper(), googlesql_types(found[2]))
    return invalid_query(f"Invalid NUMERIC value: {found[1]}" if kind == "NUMERIC" else f"Bad {kind} value: {found[1]}")


def _says(template: str) -> Callable[[re.Match[str], str], ApiError]:
    """The template, with the groups that were found and, for ``{where}``, the place of the first of them."""

    def explain(found: re.Match[str], sql: str) -> ApiError:
        where = position_of(found[1], sql) if found.groups() else ""
        return invalid_query(template.format(*(googlesql_types(group) for group in found.groups()), where=where))

    return explain


_EXPLANATIONS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], str], ApiError]], ...] = tuple(
    (re.compile(pattern), explain)
    for pattern, explain in (
        (r'Referenced column "([^"]+)" (?:was )?not found', _unrecognized),
        (r'Referenced table "([^"]+)" not found', _unrecognized),
        (r'"([^"]+)" does not have a column named "([^"]+)"', _missing_field),
        (r"Function with name (\S+) does not exist", _says("Function not found: {}{where} (in the local BigQuery)")),
        (r"given name and argument types '(.+?)\((.*)\)'", _no_signature),
        (r'for the function call "(.+?)\((.*)\)"', _no_signature),
        (r"Macro (\w+)\(\) does not support the supplied arguments", _no_macro),
        (r"Could not convert string ['\"]division by zero['\"]", _says("division by zero")),
        (r"Could not convert string ['\"](logarithm of .*)['\"]", _says("Floating point error: {}")),
        (r"Could not convert string ['\"](.*)['\"] to (\w+)", _bad_value),
        (
            r'Invalid type specifier "(\w)" for formatting a value of type (\w+)',
            lambda found, sql: invalid_query(f"FORMAT: %{found[1]} does not take a value of type {found[2]}"),
        ),
        (r'invalid date field format: "(.*?)"', _says("Invalid date: '{}'")),
        (r'invalid timestamp field format: "(.*?)"', _says("Invalid timestamp: '{}'")),
        (r'Could not parse string "(.*?)" according to format specifier', _says('Failed to parse input string "{}"')),
        (
            r'column "(.+?)" must appear in the GROUP BY',
            _says("SELECT list expression references column {} which is neither grouped nor aggregated{where}"),
        ),
        (r'Ambiguous reference to column name "(.+?)"', _says("Column name {} is ambiguous{where}")),
        (r"Unimplemented type for cast \((.+) -> (.+)\)", _says("Invalid cast from {} to {}")),
        (
            r"Cannot compare values of type (.+) and (?:type )?(.+?) -",
            _says("No matching signature for comparison of argument types: {}, {}"),
        ),
        (r"same number of result columns", _says("Queries in a set operation have mismatched column count")),
        (r"aggregate function calls cannot be nested", _says("Aggregations of aggregations are not allowed")),
        (r"WHERE clause cannot contain aggregates", _says("Aggregate function not allowed in WHERE clause")),
        (r"WHERE clause cannot contain window", _says("Analytic function not allowed in WHERE clause")),
        (r"More than one row returned by a subquery", _says("Scalar subquery produced more than one element")),
        (r"(GROUP|ORDER) (?:BY )?term out of range", _says("{} BY is out of SELECT column number range")),
        (r"Overflow in \w+ of INT64 \((.*)\)", _says("int64 overflow: {}")),
    )
)
