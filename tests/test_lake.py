"""Where days lie, manifests and sums."""

import json
import re
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from beam_pipelines import lake, tables
from beam_pipelines.lake import LakeError, LakeFile, Manifest
from beam_pipelines.schema import Column, Table, Type
from beam_pipelines.world import World

amounts = st.decimals(allow_nan=False, allow_infinity=False, places=2, min_value=-(10**15), max_value=10**15).map(str)
sums = st.dictionaries(st.sampled_from(tables.ORDERS.numeric_paths), amounts)
counts = st.integers(0, 2**53)
files = st.builds(
    LakeFile,
    name=st.text(),
    rows=counts,
    bytes=counts,
    uncompressed_bytes=counts,
    fingerprint=st.text(),
    sums=sums,
    rows_by_date=st.dictionaries(st.dates().map(str), counts),
)
manifests = st.builds(
    Manifest,
    table=st.sampled_from([table.name for table in tables.LAKE]),
    day=st.dates(),
    world=counts,
    seed=st.integers(0, 2**63 - 1),
    scale=st.floats(0.01, 10_000),
    schema=st.text(),
    codec=st.text(),
    rows=counts,
    bytes=counts,
    sums=sums,
    files=st.lists(files, max_size=3).map(tuple),
    file_format=st.text(),
    defects=st.dictionaries(st.text(), st.floats(0, 1)),
    rows_by_date=st.dictionaries(st.dates().map(str), counts),
)


@pytest.fixture
def manifest() -> Manifest:
    return lake.manifest_of(
        tables.ORDERS,
        date(2025, 11, 28),
        world=1,
        seed=42,
        scale=0.1,
        codec="snappy",
        files=[
            LakeFile(
                *("part-00001-of-00002.avro", 2, 20, 40, "b", {"total": "0.10", "items.discount": "-0.01"}),
                {"2025-11-28": 1, "2025-11-27": 1},
            ),
            LakeFile("part-00000-of-00002.avro", 1, 10, 30, "a", {"total": "9999999999.95"}, {"2025-11-28": 1}),
        ],
    )


@given(manifests)
def test_a_manifest_survives_json(manifest):
    assert Manifest.from_json(manifest.to_json(), "lake/_MANIFEST.json") == manifest


def test_a_manifest_adds_up_its_files_in_their_order(manifest):
    assert [file.name for file in manifest.files] == ["part-00000-of-00002.avro", "part-00001-of-00002.avro"]
    assert (manifest.rows, manifest.bytes) == (3, 30)
    assert manifest.sums["total"] == "10000000000.05"
    assert manifest.sums["items.discount"] == "-0.01"
    assert manifest.sums["items.sale_price"] == "0.00"
    assert list(manifest.rows_by_date.items()) == [("2025-11-27", 1), ("2025-11-28", 2)]


def test_a_manifest_of_an_earlier_version_is_of_avro_without_defects(manifest):
    known = json.loads(manifest.to_json())
    for field in ("file_format", "defects", "rows_by_date"):
        del known[field]
    for file in known["files"]:
        del file["rows_by_date"]
    found = Manifest.from_json(json.dumps(known), "here")
    assert (found.file_format, found.defects, found.rows_by_date) == ("avro", {}, {})
    assert [file.rows_by_date for file in found.files] == [{}, {}]


def test_the_order_of_files_makes_no_difference(manifest):
    again = lake.manifest_of(
        tables.ORDERS, manifest.day, world=1, seed=42, scale=0.1, codec="snappy", files=reversed(manifest.files)
    )
    assert again.to_json() == manifest.to_json()


@pytest.mark.parametrize("text", ["", "{", "\ufffd", "[]", "null", "7", "{}", '{"format": 99}'])
def test_what_is_no_manifest_is_refused_by_path(text):
    with pytest.raises(LakeError, match=re.escape("lake/orders/_MANIFEST.json: expected a manifest")):
        Manifest.from_json(text, "lake/orders/_MANIFEST.json")


MANIFEST_FIELDS = ["table", "day", "world", "seed", "scale", "schema", "codec", "rows", "bytes", "sums", "files"]


@pytest.mark.parametrize("field", MANIFEST_FIELDS)
def test_a_missing_field_is_named(manifest, field):
    known = json.loads(manifest.to_json())
    del known[field]
    with pytest.raises(LakeError, match=f"^here: {field}: expected .*, got nothing$"):
        Manifest.from_json(json.dumps(known), "here")


@pytest.mark.parametrize("field", ["name", "rows", "bytes", "uncompressed_bytes", "fingerprint"])
def test_a_missing_field_of_a_file_is_named(manifest, field):
    known = json.loads(manifest.to_json())
    del known["files"][1][field]
    with pytest.raises(LakeError, match=f"^here: {field}: expected .*, got nothing$"):
        Manifest.from_json(json.dumps(known), "here")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("file_format", 1),
        ("defects", 3),
        ("rows_by_date", 3),
        ("rows", "x"),
        ("rows", True),
        ("scale", "1"),
        ("files", {}),
        ("sums", 1),
    ],
)
def test_a_field_of_another_type_is_named(manifest, field, value):
    known = json.loads(manifest.to_json()) | {field: value}
    with pytest.raises(LakeError, match=f"^here: {field}: expected .*, got {value!r}$"):
        Manifest.from_json(json.dumps(known), "here")


def test_an_unknown_field_is_named(manifest):
    known = json.loads(manifest.to_json()) | {"colour": "red"}
    with pytest.raises(LakeError, match=r"^here: colour: expected no such field, got 'red'$"):
        Manifest.from_json(json.dumps(known), "here")


@pytest.mark.parametrize("day", ["2025-13-01", "yesterday", 20251128, None])
def test_a_day_that_is_none_is_refused(manifest, day):
    known = json.loads(manifest.to_json()) | {"day": day}
    with pytest.raises(LakeError, match=r"^here: day: expected "):
        Manifest.from_json(json.dumps(known), "here")


def test_errors_are_one_line(manifest):
    with pytest.raises(LakeError) as caught:
        Manifest.from_json(manifest.to_json()[:-30], "here")
    assert "\n" not in str(caught.value)


def test_a_day_lies_in_a_folder_of_its_table():
    assert lake.folder("gs://bucket/lake/", "orders", date(2025, 1, 2)) == "gs://bucket/lake/orders/dt=2025-01-02"


def test_file_names_sort_as_their_parts():
    names = [lake.file_name(part, 12_345) for part in range(12_345)]
    assert names == sorted(names)
    assert len(set(names)) == 12_345


def test_numeric_paths_go_into_items():
    assert tables.ORDERS.numeric_paths == (
        *("subtotal", "discount", "shipping", "tax", "total"),
        *("items.retail_price", "items.discount", "items.sale_price", "items.cost"),
    )
    assert tables.CUSTOMERS.numeric_paths == ()


NESTED = Table(
    name="nested",
    description="Money three levels down.",
    columns=(
        Column(
            name="boxes",
            type=Type.RECORD,
            repeated=True,
            fields=(
                Column(
                    name="units",
                    type=Type.RECORD,
                    repeated=True,
                    fields=(Column(name="price", type=Type.NUMERIC, precision=12, scale=2),),
                ),
            ),
        ),
    ),
)


def boxes(*rows: list[list[str]]) -> pa.RecordBatch:
    items = [[{"units": [{"price": Decimal(price)} for price in box]} for box in row] for row in rows]
    return pa.RecordBatch.from_pylist([{"boxes": row} for row in items], schema=NESTED.arrow_schema)


def test_sums_reach_every_level():
    assert lake.sums(NESTED, boxes([["1.10", "2.20"], []], [], [["-0.30"]])) == {"boxes.units.price": Decimal("3.00")}


def test_sums_of_a_slice_are_the_slices():
    whole = boxes([["1.00"], ["20.00"]], [["300.00"], []], [["4000.00"]])
    assert lake.sums(NESTED, whole.slice(1, 1)) == {"boxes.units.price": Decimal("300.00")}


def test_sums_of_nothing_are_zero():
    assert lake.sums(NESTED, boxes()) == {"boxes.units.price": Decimal("0.00")}


def test_sums_of_orders_equal_their_python_sums():
    batch = World(seed=42, scale=0.1).block("orders", 5, 0)
    rows = batch.to_pylist()
    found = lake.sums(tables.ORDERS, batch)
    assert found["total"] == sum(row["total"] for row in rows)
    assert found["items.sale_price"] == sum(item["sale_price"] for row in rows for item in row["items"])


def test_rows_are_counted_by_the_utc_date_of_the_partition_column():
    batch = World(seed=42, scale=0.1).block("orders", 5, 0)
    assert lake.rows_by_date(tables.ORDERS, batch) == {"2019-01-06": batch.num_rows}
    moments = ["2025-11-27T23:59:59.999999", "2025-11-28T00:00:00", "1969-12-31T23:59:59", None]
    times = pa.array([moment and datetime.fromisoformat(moment).replace(tzinfo=UTC) for moment in moments])
    batch = pa.record_batch({"created_at": times.cast(pa.timestamp("us", "UTC"))})
    expected = {"1969-12-31": 1, "2025-11-27": 1, "2025-11-28": 1}
    assert lake.rows_by_date(tables.ORDERS, batch) == expected
    assert lake.rows_by_date(tables.ORDERS, batch.slice(1, 1)) == {"2025-11-28": 1}
    assert lake.rows_by_date(tables.DISTRIBUTION_CENTERS, batch) == {}


def test_a_manifest_does_not_depend_on_how_sums_were_spelt(manifest):
    padded = [replace(file, sums={path: f"{total}000" for path, total in file.sums.items()}) for file in manifest.files]
    again = lake.manifest_of(tables.ORDERS, manifest.day, world=1, seed=42, scale=0.1, codec="snappy", files=padded)
    assert {path: Decimal(total) for path, total in again.sums.items()} == {
        path: Decimal(total) for path, total in manifest.sums.items()
    }
