"""Comparisons that GoogleSQL refuses for the types of their sides, where DuckDB would cast one side to the other's."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp

from beam_pipelines.local.bigquery.errors import ApiError, invalid_query

_OPERATORS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "!=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.LT: "<",
    exp.LTE: "<=",
}
_NUMBERS = frozenset(("INT64", "FLOAT64", "NUMERIC"))
_TIMES = frozenset(("DATE", "DATETIME", "TIMESTAMP", "TIME"))
_SCALARS = _NUMBERS | _TIMES | {"STRING", "BYTES", "BOOL"}
_LITERAL = "STRING literal"
_RESULTS: dict[type[exp.Expr], str] = {
    exp.Date: "DATE",
    exp.CurrentDate: "DATE",
    exp.LastDay: "DATE",
    exp.StrToDate: "DATE",
    exp.Timestamp: "TIMESTAMP",
    exp.CurrentTimestamp: "TIMESTAMP",
    exp.TimestampAdd: "TIMESTAMP",
    exp.TimestampSub: "TIMESTAMP",
    exp.TimestampTrunc: "TIMESTAMP",
    exp.StrToTime: "TIMESTAMP",
    exp.Datetime: "DATETIME",
    exp.CurrentDatetime: "DATETIME",
    exp.TimeToStr: "STRING",
    exp.Concat: "STRING",
    exp.Lower: "STRING",
    exp.Upper: "STRING",
    exp.Count: "INT64",
    exp.CountIf: "INT64",
    exp.DateDiff: "INT64",
    exp.TimestampDiff: "INT64",
}
_OF_ARGUMENT = (exp.Min, exp.Max, exp.AnyValue, exp.Lag, exp.Lead, exp.Paren, exp.DateTrunc, exp.Window)
_CAST_TYPES = {
    exp.DType.DATE: "DATE",
    exp.DType.TIMESTAMPTZ: "TIMESTAMP",
    exp.DType.TIMESTAMP: "DATETIME",
    exp.DType.DATETIME: "DATETIME",
    exp.DType.TEXT: "STRING",
    exp.DType.BIGINT: "INT64",
    exp.DType.DOUBLE: "FLOAT64",
    exp.DType.DECIMAL: "NUMERIC",
    exp.DType.BOOLEAN: "BOOL",
}


@dataclass(frozen=True)
class Types:
    """What is known of the types of a statement's columns: an unknown type compares with any other."""

    columns: Mapping[str, str]
    """By name in small letters: the type, of the columns that have one and the same in all tables of the statement."""
    tables: frozenset[str]
    """By what names, in small letters, columns of tables may be qualified."""
    unqualified: bool
    """Whether a name alone is a table's column for certain."""

    def of(self, node: exp.Expr) -> str:
        """The type of an expression in GoogleSQL; empty if it is not known."""
        if isinstance(node, exp.Literal):
            return _LITERAL if node.is_string else "INT64"
        if isinstance(node, exp.Boolean):
            return "BOOL"
        if isinstance(node, exp.Column):
            is_known = node.table.lower() in self.tables if node.table else self.unqualified
            return self.columns.get(node.name.lower(), "") if is_known and len(node.parts) < 3 else ""
        if isinstance(node, exp.Cast):
            return _CAST_TYPES.get(node.args["to"].this, "")
        if isinstance(node, _OF_ARGUMENT) and isinstance(node.this, exp.Expr):
            return self.of(node.this)
        return _RESULTS.get(type(node), "")


def refuse_comparisons(tree: exp.Expr, types: Types) -> None:
    """Raises an ApiError for the first comparison of two types that GoogleSQL does not compare."""
    for node in tree.find_all(*_OPERATORS, exp.Between):
        if isinstance(node, exp.Between):
            sides = [node.this, node.args["low"], node.args["high"]]
            kinds = [types.of(side) for side in sides]
            if not (_compare(kinds[0], kinds[1]) and _compare(kinds[0], kinds[2])):
                raise _refused("operator BETWEEN", kinds)
        else:
            kinds = [types.of(node.this), types.of(node.expression)]
            if not _compare(*kinds) and not isinstance(node.parent, exp.PropertyEQ | exp.SetItem | exp.Update):
                raise _refused(f"operator {_OPERATORS[type(node)]}", kinds)


def _refused(operator: str, kinds: list[str]) -> ApiError:
    names = ", ".join("STRING" if kind == _LITERAL else kind or "unknown" for kind in kinds)
    return invalid_query(f"No matching signature for {operator} for argument types: {names}")


def _compare(left: str, right: str) -> bool:
    if not left or not right or left == right or {left, right} <= _NUMBERS:
        return True
    if _LITERAL in (left, right):
        other = right if left == _LITERAL else left
        return other in _TIMES or other in ("STRING", "BYTES")
    return {left, right} == {"DATE", "DATETIME"}


def types_of(tree: exp.Expr, tables: list[Mapping[str, str]], given: set[str]) -> Types:
    """What is known of the statement's columns.

    Args:
        tree: the statement, the names of its tables resolved.
        tables: of each of its tables, the types of the columns by name in small letters.
        given: the names that the statement itself gives; what they mean is not known.
    """
    columns: dict[str, str] = {}
    for table in tables:
        for name, kind in table.items():
            columns[name] = kind if columns.get(name, kind) == kind else ""
    kept = {name: kind for name, kind in columns.items() if kind in _SCALARS and name not in given}
    resolved = [table for table in tree.find_all(exp.Table) if table.args.get("db")]
    qualifiers = frozenset(table.alias_or_name.lower() for table in resolved)
    return Types(kept, qualifiers, unqualified=tree.find(exp.Unnest) is None)
