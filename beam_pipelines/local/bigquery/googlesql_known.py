"""Which of GoogleSQL's functions this server has: the others are refused by name before DuckDB sees them."""

from __future__ import annotations

import json
from importlib.resources import files

from sqlglot import exp

from beam_pipelines.local.bigquery.errors import ApiError, invalid_query, unsupported

_FUNCTIONS = json.loads(files(__package__).joinpath("functions.json").read_text(encoding="utf-8"))
_SUPPORTED = frozenset(_FUNCTIONS["supported"])
_UNSUPPORTED = frozenset(_FUNCTIONS["unsupported"])


def refuse_unknown_functions(tree: exp.Expr) -> None:
    """Raises an ApiError for the first function of the statement that GoogleSQL or this server does not have."""
    for node in tree.find_all(exp.Func):
        if isinstance(node, exp.NetFunc):
            raise _refused(f"NET.{_name(node.this)}", node.this)
        name = _name(node)
        if not name or name in _SUPPORTED or name.startswith("ST_"):  # of geography, its own module knows
            continue
        if isinstance(node.parent, exp.Dot) and node.parent.expression is node:
            raise _refused(f"{node.parent.this.sql(dialect='bigquery')}.{name}", node)
        if name in _UNSUPPORTED:
            raise _refused(name, node)
        raise invalid_query(f"Function not found: {node.name or name.lower()}{position(node)}")


def _name(node: exp.Expr) -> str:
    """The function's name as the query spells it, in capitals; empty for what is no call."""
    return str(node.name if isinstance(node, exp.Anonymous) else node.meta.get("bigquery_name", "")).upper()


def _refused(name: str, node: exp.Expr) -> ApiError:
    return unsupported(f"Function {name}{position(node)}")


def position(node: exp.Expr) -> str:
    """Where the node's first word stands in the query, as BigQuery puts it: `` at [line:column]``."""
    meta = node.meta
    return f" at [{meta['line']}:{meta['col'] - meta['end'] + meta['start']}]" if "line" in meta else ""
