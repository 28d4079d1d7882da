"""Rows drawn once and measured by many tests: all the orders of some weeks, and everybody who ever signed up before."""

from collections.abc import Iterator
from datetime import date
from types import SimpleNamespace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from beam_pipelines import columns
from beam_pipelines.world import World, date_of, day_number
from beam_pipelines.world.baskets import SIZES

PERIODS = (
    (date(2019, 1, 1), date(2019, 1, 14)),  # the shop's first days
    (date(2020, 2, 24), date(2020, 3, 1)),  # a leap day
    (date(2021, 5, 25), date(2021, 5, 31)),  # Memorial Day
    (date(2022, 8, 30), date(2022, 9, 5)),  # Labor Day
    (date(2023, 4, 3), date(2023, 4, 16)),
    (date(2024, 7, 1), date(2024, 7, 31)),
    (date(2024, 12, 1), date(2025, 1, 31)),
    (date(2025, 11, 17), date(2025, 11, 30)),  # Cyber Week begins on the 24th
    (date(2026, 3, 1), date(2026, 3, 14)),
)


@pytest.fixture(scope="session")
def world() -> World:
    return World(seed=42, scale=1.0)


@pytest.fixture(scope="session")
def orders(world: World) -> SimpleNamespace:
    """A million orders: one array a column, one entry an order (line_... an order line), money in cents."""
    days = [day for first, last in PERIODS for day in range(day_number(first), day_number(last) + 1)]
    table = pa.Table.from_batches(plain(batch) for day in days for batch in drawn(world, "orders", day))
    table = table.combine_chunks()
    cents = ("subtotal", "discount", "shipping", "tax", "total")
    items = table["items"].chunk(0)
    lines = items.flatten()
    sizes = np.diff(items.offsets.to_numpy())
    return SimpleNamespace(
        order_id=table["order_id"].to_numpy(),
        customer_id=table["customer_id"].to_numpy(),
        created_at=columns.integers(table["created_at"].chunk(0)),
        day=np.repeat(days, [world.rows("orders", day) for day in days]),
        country=table["country"].chunk(0).indices.to_numpy(),
        channel=table["channel"].chunk(0).indices.to_numpy(),
        payment_method=table["payment_method"].chunk(0).indices.to_numpy(),
        promotion_code=np.array(table["promotion_code"].fill_null("").to_pylist()),
        **{name: columns.cents(table[name].chunk(0)) for name in cents},
        size=sizes,
        line_order=np.repeat(np.arange(len(sizes)), sizes),
        line_order_item_id=lines.field("order_item_id").to_numpy(),
        line_product=lines.field("product_id").to_numpy() - 1,
        line_retail_price=columns.cents(lines.field("retail_price")),
        line_discount=columns.cents(lines.field("discount")),
        line_sale_price=columns.cents(lines.field("sale_price")),
        line_cost=columns.cents(lines.field("cost")),
        is_fraud=sizes > max(range(1, len(SIZES) + 1)),
    )


@pytest.fixture(scope="session")
def customers(world: World) -> SimpleNamespace:
    """Everybody who signed up until the last of the orders: entry i is customer i + 1."""
    created_at, countries = [], []
    for day in range(day_number(PERIODS[-1][1]) + 1):
        for batch in map(signed_up, drawn(world, "customers", day)):
            created_at.append(columns.integers(batch["created_at"]))
            countries.append(batch["country"].indices.to_numpy())
    return SimpleNamespace(created_at=np.concatenate(created_at), country=np.concatenate(countries))


@pytest.fixture(scope="session")
def months(orders: SimpleNamespace) -> np.ndarray:
    """The month of each order, as year * 100 + month."""
    days = np.unique(orders.day)
    labels = np.array([date_of(int(day)).year * 100 + date_of(int(day)).month for day in days])
    return labels[np.searchsorted(days, orders.day)]


@pytest.fixture(scope="session")
def signups(world: World) -> pa.Table:
    """Some 50,000 customers with all their columns, as they signed up."""
    days = range(day_number(date(2024, 3, 1)), day_number(date(2024, 3, 25)))
    table = pa.Table.from_batches([signed_up(batch) for day in days for batch in drawn(world, "customers", day)])
    return table.unify_dictionaries()


def drawn(world: World, table: str, day: int) -> Iterator[pa.RecordBatch]:
    for block in range(world.blocks(table, day)):
        yield world.block(table, day, block)


def signed_up(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The customers of the batch who signed up that day, without the later versions of others."""
    return batch.filter(pc.equal(batch["version"], 1))


def plain(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with its promotion codes, whose dictionary differs from day to day, as plain strings."""
    index = batch.schema.get_field_index("promotion_code")
    return batch.set_column(index, "promotion_code", batch.column(index).cast(pa.string()))
