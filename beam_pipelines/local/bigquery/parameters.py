"""Query parameters: put into the query's tree as typed constants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlglot import exp
from sqlglot.dialects.bigquery import BigQuery
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import TokenType

from beam_pipelines.local.bigquery.errors import invalid, invalid_query, unsupported
from beam_pipelines.local.bigquery.googlesql_types import call

Parameter = Mapping[str, Any]

_POSITIONAL = "_positional_"
_TYPES = {
    "INT64": "BIGINT",
    "INTEGER": "BIGINT",
    "FLOAT64": "DOUBLE",
    "FLOAT": "DOUBLE",
    "NUMERIC": "DECIMAL(38, 9)",
    "DECIMAL": "DECIMAL(38, 9)",
    "BOOL": "BOOLEAN",
    "BOOLEAN": "BOOLEAN",
    "STRING": "TEXT",
    "DATE": "DATE",
    "DATETIME": "TIMESTAMP",
    "TIMESTAMP": "TIMESTAMPTZ",
    "TIME": "TIME",
    "JSON": "JSON",
    "GEOGRAPHY": "GEOMETRY",
}


def named_placeholders(sql: str) -> str:
    """The query with a name in place of every ``?``: in the tree, their order is lost.

    >>> named_placeholders("SELECT '?', ?")
    "SELECT '?', @_positional_0"
    """
    if "?" not in sql:
        return sql
    try:
        found = [token for token in BigQuery().tokenize(sql) if token.token_type is TokenType.PLACEHOLDER]
    except SqlglotError:
        return sql  # the parser will say what is wrong with it
    for index, token in reversed(list(enumerate(found))):
        sql = f"{sql[: token.start]}@{_POSITIONAL}{index}{sql[token.end + 1 :]}"
    return sql


def bind(tree: exp.Expr, parameters: Sequence[Parameter]) -> exp.Expr:
    """The tree with each parameter's value in its place."""
    given = {
        (parameter.get("name") or f"{_POSITIONAL}{index}").lower(): parameter
        for index, parameter in enumerate(parameters)
    }
    for node in list(tree.find_all(exp.Parameter)):
        if not node.name:
            raise unsupported("A system variable (@@...)")
        found = given.get(node.name.lower())
        if found is None:
            missing = "Positional parameters" if node.name.startswith(_POSITIONAL) else f"Query parameter '{node.name}'"
            raise invalid_query(f"{missing} not found")
        constant = _constant(found["parameterType"], found.get("parameterValue") or {})
        if node is tree:
            return constant
        node.replace(constant)
    return tree


def _constant(kind: Mapping[str, Any], value: Mapping[str, Any]) -> exp.Expr:
    name = str(kind.get("type", "")).upper()
    if name == "ARRAY":
        items = [_constant(kind["arrayType"], item) for item in value.get("arrayValues") or ()]
        return exp.cast(exp.Array(expressions=items), f"{_duckdb_type(kind['arrayType'])}[]", dialect="duckdb")
    if name in ("STRUCT", "RECORD"):
        values = value.get("structValues") or {}
        fields = [
            exp.PropertyEQ(
                this=exp.to_identifier(field["name"]),
                expression=_constant(field["type"], values.get(field["name"], {})),
            )
            for field in kind["structTypes"]
        ]
        return exp.Struct(expressions=fields)
    text = value.get("value")
    if name == "BYTES" and text is not None:
        return exp.Anonymous(this="from_base64", expressions=[exp.Literal.string(text)])
    literal = exp.null() if text is None else exp.Literal.string(str(text))
    if name == "GEOGRAPHY":
        return call("point_of_text", literal)
    return exp.cast(literal, _duckdb_type(kind), dialect="duckdb")


def _duckdb_type(kind: Mapping[str, Any]) -> str:
    name = str(kind.get("type", "")).upper()
    if name in ("STRUCT", "RECORD"):
        return "STRUCT(" + ", ".join(f'"{f["name"]}" {_duckdb_type(f["type"])}' for f in kind["structTypes"]) + ")"
    if name == "BYTES":
        return "BLOB"
    if name not in _TYPES:
        raise unsupported(f"A query parameter of type {name}") if name else invalid("A query parameter has no type")
    return _TYPES[name]
