from collections.abc import Callable
from copy import deepcopy
from datetime import date
from typing import Any

import pyarrow as pa
import pytest

from beam_pipelines import tables
from beam_pipelines.schema import Column, Table
from beam_pipelines.world import World, day_number
from tests.prepared import prepared, prepared_file
from tests.transforms.lakes import version

__all__ = ["prepared", "prepared_file"]

Row = dict[str, Any]
DAY = date(2025, 11, 28)


def _nullable(column: Column) -> pa.Field:
    kind = column.arrow_value_type
    if column.fields:
        kind = pa.struct([_nullable(field) for field in column.fields])
    return pa.field(column.name, pa.list_(pa.field("item", kind, nullable=False)) if column.repeated else kind)


def nullable_schema(table: Table) -> pa.Schema:
    """The table's Arrow schema with every column nullable, as a careless writer would have it."""
    return pa.schema([_nullable(column) for column in table.columns])


@pytest.fixture(scope="session")
def batch_of() -> Callable[[Table, list[Row]], pa.RecordBatch]:
    """A batch of rows that may lack required values."""
    return lambda table, rows: pa.RecordBatch.from_pylist(rows, schema=nullable_schema(table))


@pytest.fixture(scope="session")
def black_friday() -> pa.RecordBatch:
    """The orders of a day, as the world draws them."""
    return World(seed=42, scale=0.1).block("orders", day_number(DAY), 0)


@pytest.fixture(scope="session")
def good_rows() -> dict[str, list[Row]]:
    world, day = World(seed=42, scale=0.05), day_number(DAY)
    dated = [table for table in tables.LAKE if table.partition and table is not tables.PRODUCTS]
    return {table.name: world.block(table.name, day, 0).slice(0, 40).to_pylist() for table in dated}


@pytest.fixture
def orders(good_rows) -> list[Row]:
    """Forty good orders of one day, to be changed."""
    return deepcopy(good_rows["orders"])


@pytest.fixture
def customers(good_rows) -> list[Row]:
    """Forty good customers of one day, to be changed."""
    return deepcopy(good_rows["customers"])


@pytest.fixture
def rows_of(good_rows) -> Callable[[Table], list[Row]]:
    """Forty good rows of a table and one day, to be changed."""
    return lambda table: deepcopy(good_rows[table.name])


@pytest.fixture(scope="session")
def product_version() -> Callable[..., Row]:
    """A version of a product, by product_id, version and valid_from."""
    return version
