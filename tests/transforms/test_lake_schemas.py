"""Files of other schemas: new nullable columns flow through with their values, all else has to fit."""

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest

from beam_pipelines import avro, storage, tables
from beam_pipelines.lake import LakeError
from beam_pipelines.options import Period
from beam_pipelines.schema import Column, SchemaError, Table, Type
from beam_pipelines.transforms import lake_schemas as schemas
from beam_pipelines.transforms.partition_loading import content_of
from beam_pipelines.transforms.staging import Contribution
from tests.transforms.lakes import DAY, Lake, careless, days_from, event, moment, order, unit
from tests.transforms.loading import load

UNITS = tables.INVENTORY_ITEMS
MONEY: dict[str, Any] = {"type": Type.NUMERIC, "precision": 12, "scale": 2}


def changed(table: Table, name: str, **how: Any) -> Table:
    """The table with a column, or ``items.`` and a field, that is something else."""
    path = name.split(".")
    return replace(table, columns=tuple(_changed(one, path, how) for one in table.columns))


def _changed(column: Column, path: list[str], how: dict[str, Any]) -> Column:
    if column.name != path[0]:
        return column
    if len(path) == 1:
        return replace(column, **how)
    return replace(column, fields=tuple(_changed(field, path[1:], how) for field in column.fields))


def without(table: Table, name: str) -> Table:
    columns = tuple(column for column in table.columns if column.name != name)
    return replace(table, columns=columns, cluster_by=())


def with_column(table: Table, **column: Any) -> Table:
    return replace(table, columns=(*table.columns, Column(**column)))


@pytest.mark.parametrize("table", tables.LAKE, ids=lambda table: table.name)
def test_the_tables_own_columns_and_careless_ones_are_no_difference(table):
    assert schemas.differences(table, table.columns) == []
    assert schemas.differences(table, careless(table).columns) == []
    assert schemas.differences(table, reversed(table.columns)) == []


@pytest.mark.parametrize(
    ("found", "difference"),
    [
        (without(UNITS, "cost"), "cost: expected NUMERIC(12, 2) REQUIRED, found no such column"),
        (without(UNITS, "product_id"), "product_id: expected INT64 REQUIRED, found no such column"),
        (changed(UNITS, "cost", scale=3), "cost: expected NUMERIC(12, 2) REQUIRED, found NUMERIC(12, 3) REQUIRED"),
        (changed(UNITS, "cost", precision=13), "cost: expected NUMERIC(12, 2) REQUIRED, found NUMERIC(13, 2) REQUIRED"),
        (
            changed(UNITS, "product_id", type=Type.STRING),
            "product_id: expected INT64 REQUIRED, found STRING REQUIRED",
        ),
        (
            changed(UNITS, "product_id", repeated=True),
            "product_id: expected INT64 REQUIRED, found INT64 REPEATED",
        ),
        (
            changed(UNITS, "created_at", type=Type.INT64, nullable=True),
            "created_at: expected TIMESTAMP REQUIRED, found INT64 NULLABLE",
        ),
        (
            with_column(UNITS, name="shelf", type=Type.STRING),
            "shelf: expected no such column, or one that may be null, found STRING REQUIRED",
        ),
        (
            changed(tables.ORDERS, "items.cost", type=Type.FLOAT64, precision=0, scale=0),
            "items.cost: expected NUMERIC(12, 2) REQUIRED, found FLOAT64 REQUIRED",
        ),
        (
            changed(tables.ORDERS, "items", fields=tables.ORDERS.column("items").fields[1:]),
            "items.order_item_id: expected INT64 REQUIRED, found no such column",
        ),
        (
            changed(
                tables.ORDERS,
                "items",
                fields=(
                    *tables.ORDERS.column("items").fields,
                    Column(name="gift", type=Type.BOOLEAN, nullable=True),
                ),
            ),
            "items.gift: expected no such field, found BOOLEAN NULLABLE",
        ),
        (
            changed(tables.ORDER_EVENTS, "order_item_ids", repeated=False, nullable=True),
            "order_item_ids: expected INT64 REPEATED, found INT64 NULLABLE",
        ),
    ],
)
def test_what_does_not_fit_is_spelt_out(found, difference):
    table = tables.BY_NAME[found.name]
    assert schemas.differences(table, found.columns) == [difference]
    with pytest.raises(SchemaError) as caught:
        schemas.reader_schema(table, json.dumps(found.avro_schema))
    assert str(caught.value) == f"other columns than those of {table.name}: {difference}"


def test_every_difference_is_spelt_out():
    found = with_column(changed(without(UNITS, "cost"), "product_id", type=Type.STRING), name="x", type=Type.DATE)
    assert [line.split(":")[0] for line in schemas.differences(UNITS, found.columns)] == ["product_id", "cost", "x"]


@pytest.mark.parametrize("name", ["promotion_code", "items"])
def test_a_column_that_may_be_null_or_empty_may_not_be_there_yet(name):
    assert schemas.differences(tables.ORDERS, without(tables.ORDERS, name).columns) == []


def test_columns_are_those_of_the_file_with_narrow_numbers_widened():
    fields = [{"name": "a", "type": "int"}, {"name": "b", "type": ["null", "float"]}]
    found = schemas.columns_of({"type": "record", "name": "r", "fields": fields})
    assert found == (Column(name="a", type=Type.INT64), Column(name="b", type=Type.FLOAT64, nullable=True))


@pytest.mark.parametrize("kind", [{"type": "map", "values": "long"}, ["long", "string"]])
def test_a_column_of_no_type_of_ours_names_the_file(tmp_path, kind):
    found = Lake(str(tmp_path))
    manifest = found.write(UNITS, DAY, [[[unit(1, moment(DAY))]]], schema="0123456789abcdef")
    path = f"{tmp_path}/inventory_items/dt={DAY}/{manifest.files[0].name}"
    schema = {"type": "record", "name": "r", "fields": [{"name": "tags", "type": kind, "default": {}}]}
    header = b"Obj\x01" + _avro_map({"avro.schema": json.dumps(schema).encode(), "avro.codec": b"null"}) + bytes(16)
    storage.write(path, lambda file: file.write(header))
    found.write_manifest(replace(manifest, files=(replace(manifest.files[0], bytes=len(header)),)))
    with pytest.raises(LakeError) as caught:
        found.plan(UNITS, Period(DAY, DAY))
    assert str(caught.value).startswith(f"{path}: ")


def _avro_map(entries: dict[str, bytes]) -> bytes:
    def long(number: int) -> bytes:
        number, found = number << 1, b""
        while number >= 128:
            found, number = found + bytes([number & 127 | 128]), number >> 7
        return found + bytes([number])

    body = b"".join(long(len(key)) + key.encode() + long(len(value)) + value for key, value in entries.items())
    return long(len(entries)) + body + long(0)


RECORD = (Column(name="weight", type=Type.INT64), Column(name="label", type=Type.STRING, nullable=True))
NEW_COLUMNS: list[tuple[dict[str, Any], Any, Any]] = [
    ({"type": Type.BOOLEAN}, True, False),
    ({"type": Type.INT64}, 7, -(2**62)),
    ({"type": Type.FLOAT64}, 1.5, float("inf")),
    ({"type": Type.STRING}, "a", "ä\u20ac"),
    ({"type": Type.BYTES}, b"\x00\xff", b""),
    (MONEY, Decimal("1.25"), Decimal("-0.01")),
    ({"type": Type.DATE}, date(2025, 1, 2), date(1969, 12, 31)),
    ({"type": Type.TIMESTAMP}, datetime(2025, 1, 2, tzinfo=UTC), datetime(1969, 1, 1, tzinfo=UTC)),
    ({"type": Type.RECORD, "fields": RECORD}, {"weight": 1, "label": "x"}, {"weight": 2, "label": None}),
    ({"type": Type.STRING, "repeated": True}, ["a", "b"], []),
    ({"type": Type.INT64, "repeated": True}, [1, 2], [3]),
    (MONEY | {"repeated": True}, [Decimal("1.00")], []),
    ({"type": Type.RECORD, "fields": RECORD, "repeated": True}, [{"weight": 1, "label": None}] * 2, []),
]


@pytest.mark.parametrize("dictionaries", [1, 10**6])
@pytest.mark.parametrize(("new", "one", "other"), NEW_COLUMNS)
def test_a_new_nullable_column_is_staged_with_its_values(tmp_path, monkeypatch, new, one, other, dictionaries):
    """Of days that have it and days that have it not, for rows that stand alone and for rows that others stand for."""
    monkeypatch.setattr("beam_pipelines.transforms.lake_reading.ROWS_WITH_DICTIONARIES", dictionaries)
    column = Column(name="new", nullable=not new.get("repeated"), **new)
    found, (first, second) = Lake(str(tmp_path / "lake")), days_from(DAY, 2)
    nothing = [] if column.repeated else None
    found.write(UNITS, first, [[[unit(1, moment(first)), unit(2, moment(first))]]])
    rows = [unit(3, moment(second), new=one), unit(4, moment(second), new=other), unit(5, moment(second), new=nothing)]
    twice = [
        unit(1, moment(first, 13), new=one),
        unit(6, moment(second), new=one),
        unit(6, moment(second, 13), new=other),
    ]
    wrong = [unit(None, moment(second), new=one)]
    as_written = replace(careless(UNITS), columns=(*careless(UNITS).columns, column))
    found.write(UNITS, second, [[rows, twice], [wrong]], as_written=as_written)
    loaded = load(found, UNITS, Period(second, second), tmp_path / "staging")
    assert {split.more_columns for split in loaded.plan.splits} == {(column,)}
    values = {
        row["inventory_item_id"]: row["new"]
        for partition in ("20251110", "20251111")
        for row in loaded.rows("inventory_items", partition)
    }
    assert values == {1: one, 2: nothing, 3: one, 4: other, 5: nothing, 6: other}
    for (table, _), account in loaded.accounts.items():
        assert account.differences(table) == []
    (letter,) = loaded.rows("dead_letters_inventory_items", "20251111")
    assert (letter["field"], "new" in json.loads(letter["record"])) == ("inventory_item_id", True)
    assert all(
        schema_of(file.path) == schemas.with_more("inventory_items", (column,)).avro_schema for file in staged(loaded)
    )


def staged(loaded) -> list[Any]:
    return [file for (table, _), files in loaded.files.items() if table == "inventory_items" for file in files]


def schema_of(path: str) -> Any:
    with storage.open_for_reading(path) as file:
        return avro.read_header(file).schema


def test_the_warehouses_table_gets_the_columns():
    fee = Column(name="fee", nullable=True, **MONEY)
    content = content_of(("inventory_items", "20251110"), [Contribution(), Contribution(more_columns=(fee,))])
    assert content.adds_columns
    assert content.table.columns == (*UNITS.columns, fee)
    assert content_of(("inventory_items", "20251110"), [Contribution()]).table is UNITS


def test_new_columns_of_orders_do_not_disturb_their_lines_and_sums(tmp_path, product_version):
    fee = Column(name="fee", nullable=True, **MONEY)
    as_written = replace(careless(tables.ORDERS), columns=(*careless(tables.ORDERS).columns, fee))
    found, rows = Lake(str(tmp_path / "lake")), [order(number, moment(DAY), fee=Decimal("0.30")) for number in (1, 2)]
    found.write(tables.ORDERS, DAY, [[rows, [order(2, moment(DAY, 13), fee=None)]]], as_written=as_written)
    versions = [product_version(7, 1, moment(DAY - timedelta(9)))]
    products = [pa.RecordBatch.from_pylist(versions, schema=tables.PRODUCTS.arrow_schema)]
    loaded = load(found, tables.ORDERS, Period(DAY, DAY), tmp_path / "staging", products=products)
    assert {row["order_id"]: row["fee"] for row in loaded.rows("orders", "20251110")} == {1: Decimal("0.30"), 2: None}
    assert [row["order_id"] for row in loaded.rows("order_items", "20251110")] == [1, 2]
    for (table, _), account in loaded.accounts.items():
        assert account.differences(table) == []


def test_an_older_file_is_read_with_nulls_for_what_it_has_not(tmp_path):
    found, table = Lake(str(tmp_path / "lake")), tables.ORDER_EVENTS
    older = without(without(table, "refund"), "order_item_ids")
    rows = [{name: value for name, value in event(1, moment(DAY)).items() if name not in ("refund", "order_item_ids")}]
    found.write(table, DAY, [[rows]], as_written=older)
    loaded = load(found, table, Period(DAY, DAY), tmp_path / "staging")
    assert loaded.rows("order_events", "20251110") == [event(1, moment(DAY), refund=None, order_item_ids=[])]
    assert loaded.accounts["order_events", "20251110"].amounts_loaded == (0,)


def test_a_narrow_number_is_read_as_a_wide_one(tmp_path):
    found, table = Lake(str(tmp_path / "lake")), tables.DISTRIBUTION_CENTERS
    narrow = json.loads(json.dumps(table.avro_schema))
    narrow["fields"][0]["type"] = "int"
    narrow["fields"][2]["type"] = "float"
    batch = pa.record_batch({
        "distribution_center_id": pa.array([1, 2**31 - 1], pa.int32()),
        "name": pa.array(["Memphis TN", "Chicago IL"]),
        "latitude": pa.array([35.5, 41.25], pa.float32()),
        "longitude": pa.array([-90.0, -87.5]),
    })  # fmt: skip
    found.write_batches(table, DAY, narrow, [batch])
    loaded = load(found, table, Period(DAY, DAY), tmp_path / "staging")
    assert loaded.rows("distribution_centers", "") == batch.to_pylist()


def test_a_file_may_have_its_columns_in_any_order(tmp_path):
    found = Lake(str(tmp_path / "lake"))
    backwards = replace(UNITS, columns=UNITS.columns[::-1])
    found.write(UNITS, DAY, [[[unit(1, moment(DAY)), unit(2, moment(DAY))]]], as_written=backwards)
    loaded = load(found, UNITS, Period(DAY, DAY), tmp_path / "staging")
    assert loaded.rows("inventory_items", "20251110") == [unit(1, moment(DAY)), unit(2, moment(DAY))]
    assert {split.more_columns for split in loaded.plan.splits} == {()}


def test_days_with_other_new_columns_have_all_of_them(tmp_path):
    found, (first, second) = Lake(str(tmp_path / "lake")), days_from(DAY, 2)
    fee, shelf = Column(name="fee", nullable=True, **MONEY), Column(name="shelf", type=Type.STRING, nullable=True)
    late = [unit(3, moment(first), shelf="A1")]
    found.write(UNITS, first, [[[unit(1, moment(first), fee=Decimal("1.00"))]]], as_written=_and(fee))
    found.write(UNITS, second, [[[unit(2, moment(second), shelf="B2"), *late]]], as_written=_and(shelf))
    loaded = load(found, UNITS, Period(first, first), tmp_path / "staging")
    assert loaded.rows("inventory_items", "20251110") == [
        unit(1, moment(first), fee=Decimal("1.00"), shelf=None),
        unit(3, moment(first), fee=None, shelf="A1"),
    ]


def _and(column: Column) -> Table:
    return replace(careless(UNITS), columns=(*careless(UNITS).columns, column))


def test_a_table_with_more_columns_is_the_table_itself_without_any():
    fee = Column(name="fee", nullable=True, **MONEY)
    assert schemas.with_more("inventory_items", ()) is UNITS
    assert schemas.with_more("inventory_items", (fee,)).columns == (*UNITS.columns, fee)
    assert schemas.more_columns(UNITS, (fee, *UNITS.columns)) == (fee,)


def test_a_column_that_nobody_planned_for_is_refused_and_not_lost():
    fee = Column(name="fee", type=Type.STRING, nullable=True)
    more = replace(UNITS, columns=(*UNITS.columns, fee))
    with pytest.raises(SchemaError, match=r"^other columns .*: fee: expected no such column, found STRING NULLABLE$"):
        schemas.reader_schema(UNITS, json.dumps(more.avro_schema))
    assert schemas.reader_schema(more, json.dumps(more.avro_schema))


def test_files_of_a_day_that_mean_something_else_by_a_column_are_refused():
    parts = [("in a.avro", (Column(name="fee", type=Type.STRING, nullable=True),))]
    assert schemas.merged("orders", [*parts, ("in b.avro", ()), ("in c.avro", parts[0][1])]) == parts[0][1]
    number = Column(name="fee", type=Type.INT64, nullable=True)
    with pytest.raises(LakeError, match=r"^orders: column fee: expected string as in a\.avro, found int64 in b\.avro$"):
        schemas.merged("orders", [*parts, ("in b.avro", (number,))])
