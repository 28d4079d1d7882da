"""A block depends on seed, scale, table, day and block number, and on nothing else."""

import hashlib
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_pipelines.world import BLOCK_ROWS, World, customers, date_of, day_number, orders, products

ROOT = Path(__file__).parents[2]
BLACK_FRIDAY = day_number(date(2025, 11, 28))
SAMPLE = (
    (42, 0.01, "orders", 0, 0),
    (42, 0.01, "customers", 0, 0),
    (42, 1.0, "distribution_centers", 0, 0),
    (42, 1.0, "products", 0, 1),
    (42, 1.0, "products", day_number(date(2024, 12, 1)), 0),
    (42, 1.0, "orders", BLACK_FRIDAY, 0),
    (42, 1.0, "orders", BLACK_FRIDAY, 1),
    (42, 1.0, "customers", BLACK_FRIDAY, 0),
    (42, 10.0, "orders", BLACK_FRIDAY, 7),
    (7, 1.0, "orders", BLACK_FRIDAY, 0),
    (7, 10.0, "customers", BLACK_FRIDAY, 2),
)
"""Seed, scale, table, day, block."""


def content(batch: pa.RecordBatch) -> bytes:
    """The batch as an Arrow stream, dictionaries included."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, batch.schema) as writer:
        writer.write_batch(batch)
    return sink.getvalue().to_pybytes()


def digest(seed: int, scale: float, table: str, day: int, block: int) -> str:
    return hashlib.blake2b(content(World(seed, scale).block(table, day, block)), digest_size=16).hexdigest()


@pytest.fixture(scope="module")
def expected() -> dict[tuple, str]:
    return {what: digest(*what) for what in SAMPLE}


def test_blocks_differ(expected: dict[tuple, str]) -> None:
    assert len(set(expected.values())) == len(SAMPLE), "two blocks of the sample hold the same bytes"


@pytest.mark.parametrize(("hash_seed", "step"), [("0", 1), ("4242", -1)], ids=["in order", "in reverse"])
def test_another_process_draws_the_same_bytes(expected: dict[tuple, str], hash_seed: str, step: int) -> None:
    code = (
        "import sys, runpy; module = runpy.run_path(sys.argv[1]);"
        "print(*(module['digest'](*what) for what in module['SAMPLE'][:: int(sys.argv[2])]))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, __file__, str(step)],
        env=os.environ | {"PYTHONHASHSEED": hash_seed},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    found = dict(zip(SAMPLE[::step], done.stdout.split(), strict=True))
    assert {what for what in SAMPLE if found[what] != expected[what]} == set()


others = st.tuples(
    st.sampled_from([42, 7, 2**63 - 1]),
    st.sampled_from([0.01, 0.3, 1.0]),
    st.sampled_from(["orders", "customers"]),
    st.integers(0, day_number(date(2026, 12, 31))),
    st.just(0),
)


@given(sequence=st.lists(st.one_of(st.sampled_from(SAMPLE), others), min_size=2, max_size=8))
@settings(max_examples=25, deadline=None)
def test_what_was_drawn_before_does_not_matter(expected: dict[tuple, str], sequence: list[tuple]) -> None:
    first = [digest(*what) for what in sequence]
    again = [digest(*what) for what in reversed(sequence)]
    assert first == again[::-1]
    for what, found in zip(sequence, first, strict=True):
        assert found == expected.get(what, found), f"{what} differs after {sequence}"


def test_threads_draw_the_same_bytes(expected: dict[tuple, str]) -> None:
    work = list(SAMPLE) * 3
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda what: digest(*what), work))
    assert found == [expected[what] for what in work]


@pytest.mark.parametrize("table", ["orders", "customers"])
@given(day=st.integers(0, BLACK_FRIDAY), rows=st.integers(1, 200), block=st.just(0))
@settings(max_examples=25, deadline=None)
def test_a_row_does_not_depend_on_those_after_it(table: str, day: int, rows: int, block: int) -> None:
    draw_block = {"orders": orders.draw_block, "customers": customers.draw_block}[table]
    whole = World(42, 1.0).block(table, day, block)
    part = draw_block(42, 1.0, day, block, rows)
    assert part.to_pylist() == whole.slice(0, rows).to_pylist(), f"first {rows} {table} of {date_of(day)}"


def test_a_row_of_a_later_block_does_not_depend_on_those_after_it() -> None:
    whole = World(42, 10.0).block("orders", BLACK_FRIDAY, 5)
    part = orders.draw_block(42, 10.0, BLACK_FRIDAY, 5, 300)
    assert part.to_pylist() == whole.slice(0, 300).to_pylist()
    assert products.draw_block(42, 10.0, 0, 1, 9).to_pylist() == World().block("products", 0, 1).slice(0, 9).to_pylist()


@pytest.mark.parametrize("column", ["customer_id", "created_at", "channel", "payment_method", "items"])
def test_another_seed_gives_other_orders(world: World, column: str) -> None:
    one = world.block("orders", BLACK_FRIDAY, 0)[column].to_pylist()
    other = World(seed=43).block("orders", BLACK_FRIDAY, 0)[column].to_pylist()
    same = sum(a == b for a, b in zip(one, other, strict=True)) / BLOCK_ROWS
    assert same < 0.6, f"{same:.0%} of {column} are the same with another seed"


@pytest.mark.parametrize("column", ["created_at", "first_name", "last_name", "city", "postal_code", "street_address"])
def test_another_seed_gives_other_customers(world: World, column: str) -> None:
    one = world.block("customers", BLACK_FRIDAY, 0)[column].to_pylist()
    other = World(seed=43).block("customers", BLACK_FRIDAY, 0)[column].to_pylist()
    same = sum(a == b for a, b in zip(one, other, strict=False)) / len(one)
    assert same < 0.05, f"{same:.0%} of {column} are the same with another seed"


def test_products_are_the_same_at_any_scale() -> None:
    assert World(42, 0.01).block("products", 0, 0).equals(World(42, 100.0).block("products", 0, 0))
