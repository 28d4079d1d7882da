"""Every rule holds in a good lake, and finds just the fault that it is for."""

import itertools
from collections.abc import Callable
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa
import pytest

from beam_pipelines import tables, verification
from beam_pipelines.verification import Checking, Status, declared
from tests.verification.conftest import Row, Rows, at, failed, happened, item, order, product, session

CENT = Decimal("0.01")


def changed(row: Row, **columns: Any) -> Row:
    return row | columns


def replace(table: str, number: int, **columns: Any) -> Callable[[Rows], None]:
    """A fault: other values in some columns of a row."""

    def spoil(rows: Rows) -> None:
        rows[table][number] |= columns

    return spoil


def repeat(table: str, number: int, **columns: Any) -> Callable[[Rows], None]:
    """A fault: a row once more, with other values in some columns."""

    def spoil(rows: Rows) -> None:
        rows[table].append(changed(rows[table][number], **columns))

    return spoil


def sold(number: int, *items: Row, **columns: Any) -> Callable[[Rows], None]:
    """A fault: an order with other items, which still adds up."""

    def spoil(rows: Rows) -> None:
        old = rows["orders"][number]
        new = order(old["order_id"], old["customer_id"], old["created_at"], old["channel"], list(items))
        rows["orders"][number] = new | columns

    return spoil


def off_by_a_cent(*names: str) -> Callable[[Rows], None]:
    """A fault: amounts of an order that are a cent more, or less where the name begins with a minus."""

    def spoil(rows: Rows) -> None:
        for name in names:
            rows["orders"][1][name.removeprefix("-")] += -CENT if name.startswith("-") else CENT

    return spoil


def moved_event(number: int, minutes: int) -> Callable[[Rows], None]:
    def spoil(rows: Rows) -> None:
        rows["web_events"][number]["occurred_at"] += timedelta(minutes=minutes)

    return spoil


def orphaned_line(rows: Rows) -> None:
    rows["inventory_items"][2]["product_id"] = 1
    rows["orders"][1]["items"][1]["product_id"] = 99


def line_of_another_order(rows: Rows) -> None:
    rows["order_events"][4]["order_item_ids"] = [17]


def a_line_returned_twice(rows: Rows) -> None:
    rows["order_events"].append(happened(6, 1, "returned", at(4, 11), refund=Decimal("20.00"), order_item_ids=[1]))


def twice_the_same_number(rows: Rows) -> None:
    for row, number in zip(rows["web_events"][4:7], (1, 3, 3), strict=True):
        row["sequence_number"] = number


def another_start(rows: Rows) -> None:
    for row in rows["web_events"][4:7]:
        row["sequence_number"] += 1


def unknown_again(rows: Rows) -> None:
    rows["web_events"][2]["customer_id"] = None


def never_shipped(rows: Rows) -> None:
    del rows["order_events"][1]


FAULTS = {
    "distribution_centers.key": repeat("distribution_centers", 0),
    "products.key": repeat("products", 2),
    "customers.key": repeat("customers", 1),
    "inventory_items.key": repeat("inventory_items", 7),
    "orders.key": lambda rows: rows["orders"].append(order(2, 2, at(1, 17), "app", [item(19, 1, 8)])),
    "order_events.key": replace("order_events", 3, event_id=1),
    "web_events.key": replace("web_events", 4, event_id=1),
    "products.distribution_center_id": replace("products", 0, distribution_center_id=99),
    "inventory_items.product_id": replace("inventory_items", 6, product_id=99),
    "inventory_items.distribution_center_id": replace("inventory_items", 6, distribution_center_id=99),
    "orders.customer_id": replace("orders", 1, customer_id=99),
    "orders.items.product_id": orphaned_line,
    "orders.items.inventory_item_id": sold(1, item(17, 1, 2), item(18, 1, 99)),
    "order_events.order_id": replace("order_events", 0, order_id=99),
    "web_events.customer_id": replace("web_events", 6, customer_id=99),
    "web_events.product_id": replace("web_events", 6, product_id=99, uri="/product/99"),
    "web_events.order_id": replace("web_events", 3, order_id=99),
    "orders.items_add_up": off_by_a_cent("subtotal", "total"),
    "orders.discounts_add_up": off_by_a_cent("discount", "-total"),
    "orders.sale_price": sold(1, item(17, 1, 2), item(18, 1, 3) | {"sale_price": Decimal("20.01")}),
    "orders.total_adds_up": off_by_a_cent("total"),
    "customers.versions": replace("customers", 3, version=3),
    "products.versions": replace("products", 1, version=3),
    "orders.sign_up": replace("customers", 1, created_at=at(1, 15), valid_from=at(1, 15)),
    "orders.launched": sold(1, item(17, 1, 2), item(18, 2, 7)),
    "orders.price": sold(1, item(17, 1, 2), item(18, 1, 3, price="25.00")),
    "orders.lines": sold(1, item(17, 1, 2), item(17, 1, 3)),
    "orders.units_sold_once": sold(1, item(17, 1, 2), item(18, 1, 2)),
    "orders.units_received": replace("inventory_items", 1, created_at=at(1, 15)),
    "orders.units": replace("inventory_items", 1, cost=Decimal("8.01")),
    "order_events.shipped": replace("order_events", 1, occurred_at=at(1, 12)),
    "order_events.delivered": replace("order_events", 2, occurred_at=at(2, 9)),
    "order_events.returned": replace("order_events", 4, occurred_at=at(3, 8)),
    "order_events.cancelled": replace("order_events", 0, occurred_at=at(1, 14)),
    "order_events.cancelled_or_shipped": repeat("order_events", 0, event_id=6, order_id=1, occurred_at=at(1, 13)),
    "order_events.once": repeat("order_events", 1, event_id=6),
    "order_events.returned_lines": line_of_another_order,
    "order_events.refund": replace("order_events", 4, refund=Decimal("19.99")),
    "web_events.sign_up": replace("customers", 2, created_at=at(2, 11, 58), valid_from=at(2, 11, 58)),
    "web_events.launched": replace("web_events", 6, product_id=2, uri="/product/2"),
    "web_events.numbers": replace("web_events", 6, sequence_number=4),
    "web_events.times": moved_event(5, -2),
    "web_events.visitor": replace("web_events", 2, customer_id=2),
    "web_events.cart": replace("web_events", 1, event_type="home", uri="/home", product_id=None),
    "web_events.purchase": replace("web_events", 2, event_type="home", uri="/home"),
    "web_events.order": moved_event(3, 1),
    "web_events.purchases": replace("orders", 1, channel="web"),
    "web_events.pages": replace("web_events", 1, uri="/product/2"),
}
"""A fault for each rule."""

ALSO = {
    "orders.items.product_id": {"orders.units"},  # for the unit is of some product
    "web_events.order_id": {"web_events.order", "web_events.purchases"},  # for the real order has no purchase now
}
"""What else breaks inevitably."""

MORE_FAULTS = [
    ("web_events.numbers", twice_the_same_number),
    ("web_events.numbers", another_start),
    ("web_events.visitor", unknown_again),
    ("web_events.order", replace("orders", 0, channel="app")),
    ("web_events.order", replace("web_events", 0, order_id=2)),
    ("web_events.pages", replace("web_events", 4, product_id=1)),
    ("order_events.returned_lines", a_line_returned_twice),
    ("order_events.refund", replace("order_events", 3, refund=Decimal("1.00"))),
    ("order_events.refund", replace("order_events", 4, refund=None)),
    ("order_events.delivered", never_shipped),
    ("products.versions", replace("products", 0, valid_from=at(4, 0))),
    ("customers.versions", replace("customers", 3, created_at=at(1, 8, 1))),
]


def test_a_good_lake_keeps_every_rule(rows, write, verified):
    outcomes = verified(write(rows))
    assert {outcome.status for outcome in outcomes.values()} == {Status.OK}, failed(outcomes)


def test_every_rule_has_a_fault():
    assert set(FAULTS) == {rule.name for rule in verification.RULES}


@pytest.mark.parametrize("name", FAULTS)
def test_a_rule_finds_its_fault_and_no_other_does(rows, write, verified, name):
    FAULTS[name](rows)
    outcomes = verified(write(rows))
    assert failed(outcomes) == {name} | ALSO.get(name, set())
    assert outcomes[name].value >= 1
    assert outcomes[name].note.startswith("first: ")


@pytest.mark.parametrize(("name", "spoil"), MORE_FAULTS)
def test_other_faults_are_found_too(rows, write, verified, name, spoil):
    spoil(rows)
    assert name in failed(verified(write(rows)))


def test_an_outcome_counts_the_faults_and_shows_the_first(rows, write, verified):
    for row in rows["inventory_items"][6:]:
        row["product_id"] = 90 + row["inventory_item_id"]
    outcome = verified(write(rows))["inventory_items.product_id"]
    assert (outcome.measured, outcome.value) == ("2", 2)
    assert outcome.note == "first: inventory_item_id 7, product_id 97"


def test_what_was_before_the_lake_is_counted_and_no_fault(rows, write, verified):
    outcomes = verified(write(rows), start=date(2019, 1, 2))
    assert failed(outcomes) == set()
    assert outcomes["order_events.order_id"].note == "3 before the lake"


def test_a_lake_that_begins_with_the_shop_has_no_before(rows, write, verified):
    for table in ("orders", "web_events"):
        rows[table] = rows[table][1:] if table == "orders" else rows[table][4:]
    outcomes = verified(write(rows))
    assert "order_events.order_id" in failed(outcomes), "order 1 was placed after the opening, so it should be there"


def test_orders_after_the_lakes_last_number_are_missing(rows, write, verified):
    rows["order_events"].append(happened(6, 5, "cancelled", at(4, 1)))
    assert failed(verified(write(rows), start=date(2019, 1, 2))) == {"order_events.order_id"}


def test_a_session_that_began_before_the_lake_is_no_fault(rows, write, verified):
    late = session(16, "s5", ("home", "product", "cart", "home"), at(2, 0, 1), product_id=1)
    rows["web_events"] += late
    root = write(rows)
    assert failed(verified(root)) == set()
    assert failed(verified(root, start=date(2019, 1, 2))) == set()


@pytest.mark.parametrize(("first", "wrong"), [(1, {"web_events.numbers", "web_events.cart"}), (2, set())])
def test_sessions_are_cut_on_the_first_day_only_and_never_by_the_opening(rows, write, verified, first, wrong):
    rows["web_events"] += session(16, "s5", ("home", "product", "cart", "home"), at(2, 0, 1), product_id=1)[2:]
    assert failed(verified(write(rows), start=date(2019, 1, first))) == wrong


def test_a_rule_whose_table_is_missing_is_skipped(rows, write, verified):
    del rows["web_events"], rows["inventory_items"]
    outcomes = verified(write(rows))
    assert failed(outcomes) == set()
    assert outcomes["web_events.cart"].status is Status.SKIPPED
    assert outcomes["orders.units"].note == "the lake has no inventory_items"
    assert outcomes["orders.sign_up"].status is Status.OK


def test_only_the_last_days_are_verified_if_the_end_says_so(rows, write, verified):
    rows["orders"][3]["total"] += CENT
    root = write(rows)
    assert failed(verified(root)) == {"orders.total_adds_up"}
    assert failed(verified(root, end=date(2019, 1, 2))) == set()


@pytest.mark.parametrize("check", verification.RULES, ids=lambda check: check.name)
def test_a_rule_names_all_that_it_reads(rows, write, verified, check):
    assert verified(write(rows), [check])[check.name].status is Status.OK


def test_every_declared_reference_and_equation_has_a_rule():
    names = {rule.name for rule in declared.rules()}
    for table in tables.LAKE:
        assert f"{table.name}.key" in names
        assert {f"{table.name}.{equation.name}" for equation in table.equations} <= names
        for path, column in declared.leaves(table.columns):
            assert (f"{table.name}.{path}" in names) == bool(column.references)


def test_an_equation_that_is_new_is_checked(rows, write, verified):
    equation = tables.ORDERS.equations[0]
    (rule,) = [rule for rule in declared.rules([tables.ORDERS]) if rule.target == str(equation)]
    rows["orders"][0]["items"] = []
    assert rule.name in failed(verified(write(rows), [rule])), "no items are worth nothing, not unknown"


def test_sessions_are_found_unless_their_numbers_are_dense():
    sessions = [numbers for length in range(1, 5) for numbers in itertools.product(range(1, 6), repeat=length)]
    (rule,) = [rule for rule in verification.RULES if rule.name == "web_events.numbers"]
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE lake_tables (name VARCHAR, whole BOOLEAN, first_day DATE)")
        connection.execute("INSERT INTO lake_tables VALUES ('web_events', true, '2019-01-01')")
        which = [session for session, numbers in enumerate(sessions) for _ in numbers]
        columns = {"session_id": which, "sequence_number": [number for numbers in sessions for number in numbers]}
        connection.register("numbers", pa.table(columns))
        connection.execute(
            "CREATE TABLE web_events AS SELECT *, TIMESTAMP '2019-01-01' AS occurred_at, 'home' AS event_type, "
            "CAST(NULL AS BIGINT) AS customer_id FROM numbers"
        )
        Checking(connection, ["web_events"], verification.PREPARED).outcome(rule)
        found = {row[0] for row in connection.execute(rule.sql).fetchall()}
    dense = {name for name, numbers in enumerate(sessions) if sorted(numbers) == list(range(1, len(numbers) + 1))}
    assert found == set(range(len(sessions))) - dense


def test_versions_of_products_may_begin_before_the_launch(rows, write, verified):
    rows["products"].append(product(3, 1, 2, 4, "1.00", "0.50"))
    assert failed(verified(write(rows))) == set()
