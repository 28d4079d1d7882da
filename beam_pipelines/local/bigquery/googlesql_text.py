"""Functions of text with GoogleSQL's meaning."""

from __future__ import annotations

import re

from sqlglot import exp
from sqlglot.dialects.bigquery import BigQuery

from beam_pipelines.local.bigquery.errors import invalid_query, unsupported
from beam_pipelines.local.bigquery.googlesql_types import Rule, call, concatenated, typed_call

_SPECIFIER = re.compile(r"%(?P<flags>[-+ 0#']*)(?P<width>\d*)(?P<precision>\.\d+)?(?P<kind>[a-zA-Z%*])")
_NUMBERS = frozenset("dioxXfFeEgG")


def _format(node: exp.Expr) -> exp.Expr:
    """FORMAT: the pieces between the specifiers, and each value as its specifier says."""
    pattern = node.this
    if not pattern.is_string:
        raise unsupported("FORMAT with a format that is not a literal")
    values, end = list(node.expressions), 0
    parts: list[exp.Expr] = []
    for found in _SPECIFIER.finditer(pattern.name):
        parts.append(exp.Literal.string(pattern.name[end : found.start()]))
        end = found.end()
        if found["kind"] == "%":
            parts.append(exp.Literal.string("%"))
            continue
        if not values:
            raise invalid_query(f"Too few arguments to FORMAT for pattern {pattern.name!r}")
        parts.append(_formatted_value(found, values.pop(0)))
    if values:
        raise invalid_query(f"Too many arguments to FORMAT for pattern {pattern.name!r}")
    parts.append(exp.Literal.string(pattern.name[end:]))
    kept = [part for part in parts if not (part.is_string and not part.name)] or [exp.Literal.string("")]
    return concatenated(kept)


def _formatted_value(specifier: re.Match[str], value: exp.Expr) -> exp.Expr:
    flags, width, precision, kind = (specifier[part] or "" for part in ("flags", "width", "precision", "kind"))
    if kind == "t" and not (flags or width or precision):
        return exp.Coalesce(this=typed_call("text", [value]), expressions=[exp.Literal.string("NULL")])
    if kind != "s" and kind not in _NUMBERS:
        raise unsupported(f"Format specifier {specifier[0]}")
    if kind in "fFeEgG":
        value = exp.cast(value, "double", dialect="duckdb")
    if "'" not in flags:
        return exp.Anonymous(this="printf", expressions=[exp.Literal.string(specifier[0]), value])
    if kind not in "dif" or "-" in flags or " " in flags:
        raise unsupported(f"Format specifier {specifier[0]}")
    sign, zero = ("+" if "+" in flags else ""), ("0" if "0" in flags else "")
    python = f"{{:{sign}{zero}{width},{(precision or '.6') if kind == 'f' else ''}{'f' if kind == 'f' else 'd'}}}"
    return exp.Anonymous(this="format", expressions=[exp.Literal.string(python), value])


def _initcap(node: exp.Expr) -> exp.Expr:
    if node.expression.name != BigQuery.INITCAP_DEFAULT_DELIMITER_CHARS:  # which SQLGlot puts where there are none
        raise unsupported("INITCAP with delimiters of one's own")
    return call("capitalized", node.this)


def _position(node: exp.Expr) -> exp.Expr:
    """STRPOS, and INSTR without its last two arguments."""
    if node.args.get("position") is not None or node.args.get("occurrence") is not None:
        raise unsupported("INSTR with a position or an occurrence")
    return exp.Anonymous(this="strpos", expressions=[node.this, node.args["substr"]])


def _substring(node: exp.Expr) -> exp.Expr:
    """A start before the text is its first character; DuckDB counts from where it would be."""
    start = node.args["start"]
    if not (start.is_int and int(start.name) > 0):
        node.set("start", call("first_character", node.this.copy(), start))
    return node


def _logarithm(node: exp.Expr) -> exp.Expr:
    """Of a number that is not positive it is an error."""
    name = "this" if isinstance(node, exp.Ln) else "expression"
    node.set(name, call("positive", node.args[name]))
    return node


def _string(node: exp.Expr) -> exp.Expr:
    if node.args.get("zone") is not None:
        raise unsupported("STRING with a time zone")
    return typed_call("text", [node.this])


def _json(node: exp.Expr) -> exp.Expr:
    if node.args.get("options") is not None:
        raise unsupported("TO_JSON_STRING with pretty_print")
    return node


def _json_value(node: exp.Expr) -> exp.Expr:
    return exp.Anonymous(this="json_extract_string", expressions=[node.this, _json_path(node)])


def _json_query(node: exp.Expr) -> exp.Expr:
    found = exp.Anonymous(this="json_extract", expressions=[node.this, _json_path(node)])
    return exp.cast(found, "text", dialect="duckdb")


def _json_path(node: exp.Expr) -> exp.Expr:
    path = node.args.get("path") or node.args.get("expression") or exp.Literal.string("$")
    return exp.Literal.string(path.sql(dialect="bigquery").strip("'\""))


TEXT_RULES: dict[type[exp.Expr], Rule] = {
    exp.Format: _format,
    exp.Initcap: _initcap,
    exp.StrPosition: _position,
    exp.Substring: _substring,
    exp.ByteLength: lambda node: typed_call("byte_length", [node.this]),
    exp.Ln: _logarithm,
    exp.Log: _logarithm,
    exp.String: _string,
    exp.JSONFormat: _json,
    exp.JSONValue: _json_value,
    exp.JSONExtractScalar: _json_value,
    exp.JSONExtract: _json_query,
    exp.SessionUser: lambda node: exp.Literal.string("nobody@localhost"),
}
