"""GEOGRAPHY, as far as it is points: DuckDB's GEOMETRY, without the spatial extension.

Distances are in metres on BigQuery's sphere, whose radius is 6,371,010 m. What else BigQuery can do with a GEOGRAPHY
is refused by name.
"""

from __future__ import annotations

from sqlglot import exp

from beam_pipelines.local.bigquery.errors import invalid_query, unsupported
from beam_pipelines.local.bigquery.googlesql_known import position
from beam_pipelines.local.bigquery.googlesql_types import Rule, call

_MACROS = {
    "ST_GEOGPOINT": ("point", 2),
    "ST_GEOGFROMTEXT": ("point_of_text", 1),
    "ST_ASTEXT": ("text_of_point", 1),
    "ST_X": ("longitude", 1),
    "ST_Y": ("latitude", 1),
    "ST_DISTANCE": ("distance", 2),
    "ST_DWITHIN": ("is_within", 3),
}
"""By function: its macro, and how many arguments that has."""
_ON_A_SPHEROID = ("ST_DISTANCE", "ST_DWITHIN")
"""Functions whose last argument says whether they are to measure on a spheroid; in BigQuery too it has to be FALSE."""
_FAILING = ("ST_GEOGPOINT", "ST_GEOGFROMTEXT")
"""Functions that have another macro for SAFE."""


def geography_by_name(node: exp.Expr) -> exp.Expr:
    """A call of a function that SQLGlot knows by its name only: of a geography function, its macro's.

    Raises:
        ApiError: a geography function that is not supported here, or not with these arguments.
    """
    name = node.name.upper()
    return _macro_call(name, node, node.expressions) if name.startswith("ST_") else node


def _macro_call(name: str, node: exp.Expr, arguments: list[exp.Expr]) -> exp.Expr:
    if name not in _MACROS:
        raise unsupported(f"Function {name}{position(node)}")
    macro, count = _MACROS[name]
    if len(arguments) < count:
        raise invalid_query(f"{name}{position(node)}: expected {count} arguments, got {len(arguments)}")
    for further in arguments[count:]:
        if name not in _ON_A_SPHEROID or further.sql().upper() not in ("FALSE", "USE_SPHEROID => FALSE"):
            raise unsupported(f"{name} with the argument {further.sql(dialect='bigquery')}")
    safe = "_or_null" if name in _FAILING and isinstance(node.parent, exp.SafeFunc) else ""
    return call(macro + safe, *arguments[:count])


def _distance(node: exp.Expr) -> exp.Expr:
    """ST_DISTANCE, which has a type of its own in SQLGlot's trees."""
    arguments = (node.this, node.expression, node.args.get("use_spheroid"))
    return _macro_call("ST_DISTANCE", node, [argument for argument in arguments if argument is not None])


def _no_point(node: exp.Expr) -> exp.Expr:
    raise invalid_query(f"Function not found: ST_POINT{position(node)}")


def geometry_cast(node: exp.Expr) -> exp.Expr:
    """A CAST of NULL to GEOGRAPHY; nothing else can be cast to it."""
    if not isinstance(node.this, exp.Null):
        raise unsupported(f"{node.sql(dialect='bigquery')}: a CAST to GEOGRAPHY of other than NULL")
    return exp.cast(exp.null(), "geometry", dialect="duckdb")


GEOGRAPHY_RULES: dict[type[exp.Expr], Rule] = {
    exp.StDistance: _distance,
    exp.StPoint: _no_point,
}
