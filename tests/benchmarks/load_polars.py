"""The load as polars does it, in one process: expressions from Parquet to Parquet, a day at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date
from functools import reduce
from operator import and_
from pathlib import Path
from typing import NamedTuple

import polars as pl

from beam_pipelines import tables
from beam_pipelines.schema import Column, Equation, Table

LETTERS = tables.dead_letters(tables.ORDERS)
NAMES = {table: [column.name for column in table.columns] for table in (tables.ORDERS, tables.ORDER_ITEMS)}


class Rule(NamedTuple):
    """What a row, or an item of a row, has to be; a null breaks it."""

    condition: pl.Expr
    reason: str
    field: str
    of_items: bool = False


def load(lake: Path, first: date, last: date, output: Path) -> None:
    """Loads the orders of some days."""
    for table in (tables.ORDERS, tables.ORDER_ITEMS, tables.DAILY_SALES, LETTERS):
        (output / table.name).mkdir(parents=True)
    versions = products(lake)
    for ordinal in range(first.toordinal(), last.toordinal() + 1):
        when = date.fromordinal(ordinal)
        for table, rows in day(lake, when, versions).items():
            rows.write_parquet(output / table.name / f"{when}.parquet", compression="snappy")


def products(lake: Path) -> pl.DataFrame:
    """Every version of every product, ascending by when it took effect."""
    about = ("product_id", "valid_from", "launched_at", "department", "category", "brand")
    return (
        pl.scan_parquet(f"{lake}/products/dt=*/*.parquet", hive_partitioning=False)
        .select(*about, product_version="version")
        .sort("valid_from", "product_id", "product_version")
        .collect()
    )


def day(lake: Path, when: date, versions: pl.DataFrame) -> dict[Table, pl.DataFrame]:
    """What a day's orders become, by table."""
    path = f"{lake}/{tables.ORDERS.name}/dt={when}/*.parquet"
    orders = pl.read_parquet(path, hive_partitioning=False).with_row_index("row")
    items = orders.select("row", "items").filter(pl.col("items").list.len() > 0).explode("items").unnest("items")
    broken = broken_rules(orders, items, when)
    lines = lines_of(orders.join(broken, on="row", how="anti"), items, versions)
    unknown = lines.filter(pl.col("product_version").is_null() | (pl.col("launched_at") > pl.col("created_at")))
    nowhere = unknown.select("row", reason=pl.lit("references"), field=pl.lit("items.product_id")).unique()
    broken = pl.concat([broken, nowhere])
    valid = orders.join(broken, on="row", how="anti")
    newest = (
        valid.lazy().select("row", "order_id", "created_at").sort("created_at", descending=True, maintain_order=True)
    )
    kept = newest.unique("order_id", keep="first").select("row").collect()
    lines = lines.join(kept, on="row", how="semi")
    return {
        tables.ORDERS: valid.join(kept, on="row", how="semi").select(NAMES[tables.ORDERS]),
        tables.ORDER_ITEMS: lines.select(NAMES[tables.ORDER_ITEMS]),
        tables.DAILY_SALES: sales(lines, when),
        LETTERS: letters(orders, broken, when),
    }


def broken_rules(orders: pl.DataFrame, items: pl.DataFrame, when: date) -> pl.DataFrame:
    """The rows that break a rule, each with the first that it breaks: row, reason, field."""
    rules = [*rules_of(tables.ORDERS), Rule(pl.col("created_at").dt.date() == when, "partition", "created_at")]
    summed = (
        pl.col("retail_price").sum().alias("items.retail_price"),
        pl.col("discount").sum().alias("items.discount"),
    )
    sums = items.group_by("row", maintain_order=True).agg(
        *summed, items_valid=_all(rule for rule in rules if rule.of_items).all()
    )
    wide = orders.drop("items").join(sums, on="row", how="left", maintain_order="left")
    valid = _all(rule for rule in rules if not rule.of_items) & pl.col("items_valid").fill_null(value=True)
    bad = wide.filter(~valid)
    bad_items = items.join(bad.select("row"), on="row", how="semi")
    found = [
        (bad_items if rule.of_items else bad).filter(~_all([rule])).select("row", rule=pl.lit(number, pl.Int32))
        for number, rule in enumerate(rules)
    ]
    first = pl.concat(found).group_by("row").agg(pl.col("rule").min())
    names = pl.DataFrame({"reason": [rule.reason for rule in rules], "field": [rule.field for rule in rules]})
    return first.join(names.with_row_index("rule").cast({"rule": pl.Int32}), on="rule").select("row", "reason", "field")


def _all(rules: Iterable[Rule]) -> pl.Expr:
    return reduce(and_, (rule.condition for rule in rules)).fill_null(value=False)


def rules_of(table: Table) -> list[Rule]:
    """The rules of the columns in their order, then the equations."""
    return [*_of_columns(table.columns), *map(_of_equation, table.equations)]


def _of_columns(columns: Iterable[Column], items: str = "") -> Iterator[Rule]:
    for column in columns:
        if column.fields:
            yield from _of_columns(column.fields, f"{column.name}.")
        elif not column.repeated:
            for reason, condition in _conditions(column):
                yield Rule(condition, reason, items + column.name, bool(items))


def _conditions(column: Column) -> Iterator[tuple[str, pl.Expr]]:
    value = pl.col(column.name)
    if not column.nullable:
        yield "required", value.is_not_null()
    if column.minimum is not None:
        yield "range", (value >= int(column.minimum)) | (value.is_null() & column.nullable)
    if column.values:
        yield "values", value.is_in(column.values) | (value.is_null() & column.nullable)


def _of_equation(equation: Equation) -> Rule:
    of_items = "." in equation.left

    def term(path: str) -> pl.Expr:
        if of_items:
            return pl.col(path.partition(".")[2])
        return pl.col(path).fill_null(0) if "." in path else pl.col(path)

    right = sum((term(path) for path in equation.plus[1:]), term(equation.plus[0]))
    for path in equation.minus:
        right = right - term(path)
    return Rule(term(equation.left) == right, "equation", equation.left, of_items)


def lines_of(orders: pl.DataFrame, items: pl.DataFrame, versions: pl.DataFrame) -> pl.DataFrame:
    """The lines of orders, each with the version of its product that was valid at that moment."""
    of_order = orders.select("row", "order_id", "customer_id", "created_at", "channel", "country")
    return (
        items.join(of_order, on="row", how="inner")
        .sort("created_at")
        .join_asof(versions, left_on="created_at", right_on="valid_from", by="product_id", check_sortedness=False)
        .with_columns(margin=pl.col("sale_price") - pl.col("cost"))
    )


def sales(lines: pl.DataFrame, when: date) -> pl.DataFrame:
    """The day's sales from its lines."""
    return lines.group_by("category", "channel", "country").agg(
        day=pl.lit(when),
        orders=pl.col("order_id").n_unique(),
        units=pl.len(),
        revenue=pl.col("sale_price").sum(),
        discount=pl.col("discount").sum(),
        margin=pl.col("margin").sum(),
    )


def letters(orders: pl.DataFrame, broken: pl.DataFrame, when: date) -> pl.DataFrame:
    """The day's dead letters: which rule each row broke first, and the row as JSON."""
    return orders.join(broken, on="row", how="inner").select(
        "reason",
        "field",
        partition_date=pl.lit(when),
        table_name=pl.lit(tables.ORDERS.name),
        record=pl.struct(NAMES[tables.ORDERS]).struct.json_encode(),
    )
