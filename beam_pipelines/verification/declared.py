"""Rules that follow from ``tables.py``: keys are unique, references lead somewhere, rows add up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from beam_pipelines import tables
from beam_pipelines.schema import Column, Equation, Table
from beam_pipelines.verification.checks import Rule

# Every name in these queries is one of tables.py.


def rules(lake: Iterable[Table] = tables.LAKE) -> Iterator[Rule]:
    """The rules that tables declare."""
    own = tuple(lake)
    for table in own:
        if table.key:
            yield unique(table)
    for table in own:
        for path, column in leaves(table.columns):
            if column.references:
                yield reference(table, path, column)
    for table in own:
        for equation in table.equations:
            yield adds_up(table, equation)


def leaves(columns: Iterable[Column], prefix: str = "") -> Iterator[tuple[str, Column]]:
    """Columns and fields of records with their paths, ``items.product_id``."""
    for column in columns:
        if column.fields:
            yield from leaves(column.fields, f"{prefix}{column.name}.")
        else:
            yield prefix + column.name, column


def unique(table: Table) -> Rule:
    """No two rows have the same key."""
    key = ", ".join(table.key)
    return Rule(
        name=f"{table.name}.key",
        target=f"no two rows have the same {key}",
        sql=f"SELECT {key}, count(*) AS rows FROM {table.name} GROUP BY {key} HAVING count(*) > 1",  # noqa: S608
        needs=tuple(f"{table.name}.{name}" for name in table.key),
    )


def reference(table: Table, path: str, column: Column) -> Rule:
    """Every value of a column is one of the column that it refers to.

    Numbers below the lowest that is there refer to what was before the lake, unless the lake begins with the shop.
    """
    parent, _, key = column.references.partition(".")
    outer, _, field = path.rpartition(".")
    child = f"{table.name}_{outer}" if outer else table.name
    # Compared with the distinct values: what is referred to has versions.
    lost = f"""
        SELECT {", ".join((*table.key, field))}
        FROM {child} ANTI JOIN (SELECT DISTINCT {key} AS known FROM {parent}) ON {field} = known
        WHERE {field} IS NOT NULL AND"""  # noqa: S608
    whole = f"(SELECT whole FROM lake_tables WHERE name = '{parent}')"  # noqa: S608
    earlier = f"({field} < (SELECT min({key}) FROM {parent}) AND NOT {whole})"  # noqa: S608
    return Rule(
        name=f"{table.name}.{path}",
        target=f"every one is in {column.references}",
        sql=f"{lost} {earlier} IS NOT TRUE",
        needs=(f"{table.name}.{path}", *(f"{table.name}.{name}" for name in table.key), column.references),
        before=f"SELECT count(*) FROM ({lost} {earlier})",  # noqa: S608
    )


def adds_up(table: Table, equation: Equation) -> Rule:
    """Every row, or every item, is as the equation says."""
    items, _, left = equation.left.rpartition(".")
    paths = (equation.left, *equation.plus, *equation.minus)
    nested = {path.rpartition(".")[0] for path in paths} - {""}
    key = ", ".join(table.key)
    if items:
        source = f"{table.name}_{items}"
        signed = [(path.rpartition(".")[2], sign) for path, sign in _signed(equation)]
    elif nested:
        (outer,) = nested
        sums = ", ".join(
            f"sum({path.rpartition('.')[2]}) AS {path.replace('.', '_')}" for path in sorted(paths) if "." in path
        )
        source = f"{table.name} LEFT JOIN (SELECT row_number, {sums} FROM {table.name}_{outer} GROUP BY 1) USING (row_number)"  # noqa: S608, E501
        signed = [(path.replace(".", "_"), sign) for path, sign in _signed(equation)]
    else:
        source, signed = table.name, list(_signed(equation))
    right = " ".join(f"{sign} coalesce({name}, 0)" for name, sign in signed)
    return Rule(
        name=f"{table.name}.{equation.name}",
        target=str(equation),
        sql=f"SELECT {key}, {left}, {right} AS expected FROM {source} WHERE {left} IS DISTINCT FROM {right}",  # noqa: S608
        needs=tuple(f"{table.name}.{path}" for path in (*table.key, *paths)),
    )


def _signed(equation: Equation) -> Iterator[tuple[str, str]]:
    """The terms of the right side and their signs."""
    yield from ((path, "+") for path in equation.plus)
    yield from ((path, "-") for path in equation.minus)
