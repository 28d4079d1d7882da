"""Rows in = valid rows + dead letters, whatever is broken."""

import json
from datetime import date, datetime
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beam_pipelines import tables
from beam_pipelines.transforms import dead_letters
from beam_pipelines.transforms.lake_reading import Block, CorruptBlock
from beam_pipelines.transforms.partitions import Dates
from beam_pipelines.transforms.references import LastKeys
from beam_pipelines.transforms.validation import findings

DAY = date(2025, 11, 28)
FILE = "orders/dt=2025-11-28/part-00000-of-00001.avro"


def judged(table, batch):
    return findings(table, batch, Dates(table, batch, DAY, np.array([DAY.toordinal()])), LastKeys([]))


@pytest.fixture(scope="module")
def separated(batch_of):
    """Valid rows and dead letters of rows of a table, read as one block."""

    def separated(table, rows):
        batch = batch_of(table, rows)
        block, found = Block(FILE, DAY, 1234, batch, ()), judged(table, batch)
        refused = dead_letters.refused(block, found)
        return batch.filter(pa.array(~refused)), dead_letters.letters(table, block, found, refused, DAY)

    return separated


def test_without_a_broken_rule_no_row_is_refused(black_friday):
    block = Block(FILE, DAY, 0, black_friday, ())
    assert dead_letters.refused(block, []).tolist() == [False] * black_friday.num_rows


def test_of_the_refused_rows_those_asked_for_have_letters(batch_of, orders):
    """A block's rows may be of several partitions, each with dead letters of its own."""
    for row in (1, 8, 30):
        orders[row]["country"] = None
    batch = batch_of(tables.ORDERS, orders)
    block, found = Block(FILE, DAY, 1234, batch, ()), judged(tables.ORDERS, batch)
    mine = dead_letters.refused(block, found) & (np.arange(40) > 5)
    letters = dead_letters.letters(tables.ORDERS, block, found, mine, date(2025, 11, 27))
    assert letters.column("row_in_block").to_pylist() == [8, 30]
    assert set(letters.column("partition_date").to_pylist()) == {date(2025, 11, 27)}
    assert [json.loads(record)["order_id"] for record in letters.column("record").to_pylist()] == [
        orders[row]["order_id"] for row in (8, 30)
    ]


def test_a_block_that_cannot_be_read_is_a_letter_without_a_record():
    block = CorruptBlock(FILE, DAY, 1234, 567, "a block", "corrupt snappy data")
    found = dead_letters.letter_of_block(tables.ORDERS, block, DAY)
    assert found.schema == tables.dead_letters(tables.ORDERS).arrow_schema
    assert found.to_pylist() == [
        {
            "partition_date": DAY,
            "table_name": "orders",
            "reason": "corrupt_block",
            "field": None,
            "expected": "a block",
            "actual": "corrupt snappy data",
            "file": FILE,
            "block_offset": 1234,
            "block_length": 567,
            "row_in_block": None,
            "record": None,
        }
    ]


def test_a_letter_says_where_the_record_was_and_what_is_wrong(separated, orders):
    orders[3]["channel"] = "fax"
    valid, letters = separated(tables.ORDERS, orders)
    assert valid.num_rows == 39
    (letter,) = letters.to_pylist()
    assert json.loads(letter.pop("record"))["order_id"] == orders[3]["order_id"]
    assert letter == {
        "partition_date": DAY,
        "table_name": "orders",
        "reason": "values",
        "field": "channel",
        "expected": "one of web, app, marketplace",
        "actual": "fax",
        "file": FILE,
        "block_offset": 1234,
        "block_length": None,
        "row_in_block": 3,
    }


def test_the_first_broken_rule_is_the_reason(separated, orders):
    orders[3] |= {"channel": "fax", "order_id": 0, "total": Decimal("-1.00")}
    _, letters = separated(tables.ORDERS, orders)
    assert letters.column("field").to_pylist() == ["order_id"]


def test_rows_keep_their_order(separated, orders):
    for row in (1, 8, 30):
        orders[row]["country"] = None
    valid, letters = separated(tables.ORDERS, orders)
    assert valid.to_pylist() == [order for row, order in enumerate(orders) if row not in (1, 8, 30)]
    assert letters.column("row_in_block").to_pylist() == [1, 8, 30]


@pytest.mark.parametrize("table", [tables.ORDERS, tables.CUSTOMERS], ids=lambda table: table.name)
def test_letters_have_the_schema_of_their_table(separated, request, table):
    rows = request.getfixturevalue(table.name)
    rows[0]["country"] = "Atlantis"
    _, letters = separated(table, rows)
    assert letters.schema == tables.dead_letters(table).arrow_schema


def test_a_record_holds_every_value(separated, orders):
    orders[0] |= {"channel": None, "promotion_code": "ÄÖ\"'\n"}
    _, letters = separated(tables.ORDERS, orders)
    record = json.loads(letters.column("record")[0].as_py())
    assert record["channel"] is None
    assert record["promotion_code"] == "ÄÖ\"'\n"
    assert record.keys() == orders[0].keys()
    assert datetime.fromisoformat(record.pop("created_at")) == orders[0]["created_at"]
    del orders[0]["created_at"]
    assert record == json.loads(json.dumps(orders[0], default=str)), "money is text, to the cent"


def test_a_record_with_a_number_that_is_none_is_still_json(separated, customers):
    def refuse(constant: str) -> None:
        raise AssertionError(f"{constant} is not JSON")

    customers[3]["latitude"] = float("nan")
    customers[5]["longitude"] = float("-inf")
    _, letters = separated(tables.CUSTOMERS, customers)
    records = [json.loads(text, parse_constant=refuse) for text in letters.column("record").to_pylist()]
    assert [(one["latitude"], one["longitude"]) for one in records] == [
        ("nan", customers[3]["longitude"]),
        (customers[5]["latitude"], "-inf"),
    ]


BREAK = {
    "order_id": st.sampled_from([None, 0, -7]),
    "customer_id": st.sampled_from([None, 0]),
    "created_at": st.sampled_from([None, datetime.fromisoformat("2025-11-29T00:00Z")]),
    "channel": st.sampled_from([None, "fax", ""]),
    "country": st.sampled_from([None, "Brazil"]),
    "subtotal": st.sampled_from([None, Decimal("-0.01"), Decimal("0.07")]),
    "tax": st.sampled_from([Decimal("-0.01"), Decimal("9999999999.99")]),
    "total": st.sampled_from([None, Decimal("0.01")]),
    "items.order_item_id": st.sampled_from([None, 0]),
    "items.product_id": st.sampled_from([None, -1]),
    "items.retail_price": st.sampled_from([None, Decimal("0.01")]),
    "items.sale_price": st.sampled_from([None, Decimal("-1.00"), Decimal("8888.88")]),
}
corruptions = st.sampled_from(sorted(BREAK)).flatmap(
    lambda path: st.tuples(st.integers(0, 39), st.just(path), BREAK[path])
)


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(corrupted=st.lists(corruptions, max_size=12, unique_by=lambda cell: cell[0]), twice=st.booleans())
def test_exactly_the_corrupted_rows_are_refused(separated, good_rows, corrupted, twice):
    rows = [row | {"items": [dict(item) for item in row["items"]]} for row in good_rows["orders"]]
    for row, path, value in corrupted:
        name, _, field = path.partition(".")
        holder, name = (rows[row]["items"][0], field) if field else (rows[row], name)
        holder[name] = value
        if twice:
            rows[row]["payment_method"] = "barter"
    valid, letters = separated(tables.ORDERS, rows)
    refused = letters.column("row_in_block").to_pylist()
    assert refused == sorted(row for row, _, _ in corrupted)
    assert valid.num_rows + len(refused) == len(rows)
    assert valid.column("order_id").to_pylist() == [
        row["order_id"] for number, row in enumerate(rows) if number not in refused
    ]
