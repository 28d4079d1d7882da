"""Accounts: what became of every row and every cent adds up, or is spelt out."""

from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_pipelines import tables
from beam_pipelines.lake import LakeError
from beam_pipelines.transforms.accounting import NOTHING, Account, added, amounts, amounts_of, dollars
from beam_pipelines.transforms.partition_loading import account_of
from beam_pipelines.transforms.staging import Contribution
from beam_pipelines.world import World, day_number
from tests.transforms.lakes import DAY, moment, order

PATHS = tables.ORDERS.numeric_paths


def test_amounts_are_cents_in_the_order_of_the_paths():
    rows = [order(1, moment(DAY), ["1.00", "2.50"]), order(2, moment(DAY), ["4.00"])]
    batch = pa.RecordBatch.from_pylist(rows, schema=tables.ORDERS.arrow_schema)
    found = dict(zip(PATHS, amounts_of(tables.ORDERS, batch), strict=True))
    assert (found["subtotal"], found["total"], found["items.sale_price"], found["items.cost"]) == (750, 1930, 750, 2550)
    assert amounts_of(tables.ORDERS, batch.slice(0, 0)) == ()
    assert amounts_of(tables.CUSTOMERS, World(seed=42, scale=0.05).block("customers", day_number(DAY), 0)) == ()


def test_amounts_of_what_is_not_there_are_0():
    assert amounts(tables.INVENTORY_ITEMS, {}) == (0,)
    assert amounts(tables.DAILY_SALES, {"margin": Decimal("-1.25")}) == (0, 0, -125)


cents = st.integers(-(10**18), 10**18)
sums = st.one_of(st.just(()), st.tuples(cents, cents))
accounts = st.builds(
    Account,
    files=st.integers(0, 5),
    rows_in=st.integers(0, 9),
    rows_loaded=st.integers(0, 9),
    amounts_in=sums,
    amounts_loaded=sums,
)


@given(accounts, accounts, accounts)
def test_accounts_add_up_in_any_order(one, other, third):
    assert one + other == other + one
    assert (one + other) + third == one + (other + third)
    assert one + NOTHING == one
    assert (one + other).rows_in == one.rows_in + other.rows_in


@given(st.lists(sums))
def test_amounts_add_up_path_by_path(parts):
    there = [part for part in parts if part]
    assert added(*parts) == (tuple(map(sum, zip(*there, strict=True))) if there else ())


@given(cents)
def test_dollars_are_exact(amount):
    assert dollars(amount) * 100 == amount
    assert dollars(amount).as_tuple().exponent == -2


@given(st.lists(st.tuples(st.integers(0, 9), cents), min_size=4, max_size=4))
def test_an_account_of_which_all_is_known_has_no_differences(parts):
    (loaded, a), (refused, b), (twice, c), (unreadable, _) = parts
    account = Account(
        rows_in=loaded + refused + twice + unreadable,
        rows_loaded=loaded,
        rows_refused=refused,
        rows_deduplicated=twice,
        rows_unreadable=unreadable,
        amounts_in=(a + b + c,),
        amounts_loaded=(a,),
        amounts_refused=(b,),
        amounts_deduplicated=(c,),
    )
    assert account.differences("inventory_items") == []
    assert account.differences_from("inventory_items", loaded, (a,)) == []


def test_what_does_not_add_up_is_spelt_out():
    account = Account(
        rows_in=1_234,
        rows_loaded=1_000,
        rows_refused=3,
        rows_deduplicated=2,
        rows_unreadable=1,
        amounts_in=(100_001,),
        amounts_loaded=(100_000,),
    )
    assert account.differences("inventory_items") == [
        "expected 1,234 rows, found 1,006 (1,000 loaded, 3 refused, 2 deduplicated, 1 unreadable)",
        "expected a sum of 1,000.01 in cost, found 1,000.00",
    ]


def test_what_the_warehouse_holds_otherwise_is_spelt_out():
    account = Account(rows_in=2, rows_loaded=2, amounts_in=(5,), amounts_loaded=(5,))
    assert account.differences_from("inventory_items", 1, (4,)) == [
        "expected 2 rows in the warehouse, found 1",
        "expected a sum of 0.05 in cost in the warehouse, found 0.04",
    ]
    assert account.differences_from("inventory_items", 2, ()) == [
        "expected a sum of 0.05 in cost in the warehouse, found 0.00"
    ]


@pytest.mark.parametrize(("partition", "name"), [("20251110", "20251110"), ("", "all")])
def test_a_partition_that_does_not_add_up_is_named(partition, name):
    parts = [Contribution(Account(rows_in=2)), Contribution(Account(rows_loaded=1))]
    table = "inventory_items" if partition else "distribution_centers"
    with pytest.raises(LakeError, match=f"^partition {name} of {table} does not add up: expected 2 rows, found 1 "):
        account_of((table, partition), parts)
    assert account_of((table, partition), [*parts, Contribution(Account(rows_refused=1))]).rows_in == 2
