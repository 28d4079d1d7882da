"""Every format holds what was written: exact amounts, exact times, every character."""

import csv
import io
import json
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import polars as pl
import pyarrow as pa
import pytest
import xxhash
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from beam_pipelines import formats, tables
from beam_pipelines.schema import Column, Table, Type
from beam_pipelines.world import World

Row = dict[str, Any]
OTHERS = [(name, codec) for name, codecs in formats.CODECS.items() for codec in codecs if name != "avro"]


def _money(name: str, **more: Any) -> Column:
    return Column(name=name, type=Type.NUMERIC, precision=12, scale=2, **more)


MIXED = Table(
    name="mixed",
    description="A column of every type, required and not.",
    columns=(
        Column(name="id", type=Type.INT64),
        Column(name="flag", type=Type.BOOLEAN, nullable=True),
        Column(name="share", type=Type.FLOAT64, nullable=True),
        Column(name="text", type=Type.STRING),
        Column(name="note", type=Type.STRING, nullable=True),
        _money("total", nullable=True),
        Column(name="day", type=Type.DATE, nullable=True),
        Column(name="moment", type=Type.TIMESTAMP, nullable=True),
        Column(name="numbers", type=Type.INT64, repeated=True),
        Column(name="words", type=Type.STRING, repeated=True),
        Column(
            name="items",
            type=Type.RECORD,
            repeated=True,
            fields=(_money("price"), Column(name="colour", type=Type.STRING, nullable=True)),
        ),
    ),
)
MOMENTS = (datetime(1678, 1, 1), datetime(2262, 1, 1))  # noqa: DTZ001 - hypothesis adds the time zone
LONG = st.integers(-(2**63), 2**63 - 1)
AMOUNT = st.decimals(-(10**9), 10**9, places=2, allow_nan=False)
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "id": LONG,
            "flag": st.none() | st.booleans(),
            "share": st.none() | st.floats(allow_nan=False, allow_infinity=False),
            "text": TEXT,
            "note": st.none() | TEXT,
            "total": st.none() | AMOUNT,
            "day": st.none() | st.dates(date(1000, 1, 1)),
            "moment": st.none() | st.datetimes(*MOMENTS, timezones=st.just(UTC)),
            "numbers": st.lists(LONG, max_size=3),
            "words": st.lists(TEXT, max_size=3),
            "items": st.lists(
                st.fixed_dictionaries({"price": AMOUNT, "colour": st.none() | TEXT}),
                max_size=3,
            ),
        }
    ),
    min_size=1,
    max_size=6,
)


def written(table: Table, blocks: list[pa.RecordBatch], name: str, codec: str = "null") -> bytes:
    file = io.BytesIO()
    formats.write_blocks(file, table, blocks, file_format=name, codec=codec)
    return file.getvalue()


def plain(value: Any) -> Any:
    """A value as JSON lines have it."""
    if isinstance(value, dict):
        return {name: plain(field) for name, field in value.items()}
    if isinstance(value, list):
        return [plain(item) for item in value]
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return str(value) if isinstance(value, (Decimal, date)) else value


@settings(max_examples=150, deadline=None)
@given(ROWS, st.integers(0, 2))
def test_json_lines_hold_every_value(rows, skipped):
    batch = pa.RecordBatch.from_pylist(rows, schema=MIXED.arrow_schema).slice(skipped)
    lines = written(MIXED, [batch], "jsonl").decode().split("\n")
    assert lines.pop() == ""
    assert [json.loads(line) for line in lines] == [plain(row) for row in rows[skipped:]]


@settings(max_examples=150, deadline=None)
@given(ROWS, st.integers(0, 2))
def test_csv_holds_every_value(rows, skipped):
    batch = pa.RecordBatch.from_pylist(rows, schema=MIXED.arrow_schema).slice(skipped)
    text = written(MIXED, [batch], "csv").decode()
    header, *lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert header == [column.name for column in MIXED.columns]
    for line, row in zip(lines, rows[skipped:], strict=True):
        for column, cell in zip(MIXED.columns, line, strict=True):
            value = row[column.name]
            if column.repeated:
                assert json.loads(cell) == plain(value)
            elif column.type is Type.FLOAT64 and value is not None:
                assert float(cell) == value
            elif column.type is Type.BOOLEAN and value is not None:
                assert cell == str(value).lower()
            else:
                assert cell == ("" if value is None else str(plain(value)))


@settings(max_examples=60, deadline=None)
@given(ROWS, st.integers(0, 2))
def test_parquet_holds_every_value(rows, skipped):
    batch = pa.RecordBatch.from_pylist(rows, schema=MIXED.arrow_schema).slice(skipped)
    assert parquet.read_table(io.BytesIO(written(MIXED, [batch], "parquet"))).to_pylist() == rows[skipped:]


def test_text_says_times_and_amounts_in_full():
    moment = datetime(2025, 11, 28, 9, 30, tzinfo=UTC)
    row = {
        "id": 1,
        "text": 'say "no"\\\x01é\n',
        "total": Decimal("19.90"),
        "moment": moment,
        "numbers": [],
        "words": [],
    }
    batch = pa.RecordBatch.from_pylist([row | {"items": []}], schema=MIXED.arrow_schema)
    assert written(MIXED, [batch], "jsonl").decode() == (
        '{"id":1,"flag":null,"share":null,"text":"say \\"no\\"\\\\\\u0001é\\n","note":null,"total":"19.90","day":null,'
        '"moment":"2025-11-28T09:30:00.000000Z","numbers":[],"words":[],"items":[]}\n'
    )
    assert '19.90,,"2025-11-28T09:30:00.000000Z","[]","[]","[]"\n' in written(MIXED, [batch], "csv").decode()


@pytest.fixture(scope="module")
def drawn() -> Callable[[str], list[pa.RecordBatch]]:
    """Three blocks of a table, strings dictionary-encoded, as the world draws them."""
    world = World(seed=42, scale=0.2)
    return lambda table: [world.block(table, day, 0) for day in (800, 801, 802)]


@pytest.mark.parametrize("table", ["customers", "orders"])
@pytest.mark.parametrize(("name", "codec"), OTHERS)
def test_duckdb_reads_what_was_drawn(tmp_path, drawn, table, name, codec):
    blocks, known = drawn(table), tables.BY_NAME[table]
    path = tmp_path / f"file.{name}"
    path.write_bytes(written(known, blocks, name, codec))
    types = {column.name: column.duckdb_type for column in known.columns}
    if name == "csv":
        types |= {column.name: "JSON" for column in known.columns if column.repeated}
    reader = {
        "parquet": f"read_parquet('{path}')",
        "jsonl": f"read_json('{path}', format='newline_delimited', columns={types})",
        "csv": f"read_csv('{path}', columns={types})",
    }[name]
    casts = ", ".join(f"CAST({column.name} AS {column.duckdb_type}) AS {column.name}" for column in known.columns)
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'UTC'")
        found = connection.sql(f"SELECT {casts} FROM {reader}").to_arrow_table()
    expected = pa.Table.from_batches([block.cast(known.arrow_schema) for block in blocks])
    assert found.cast(pa.schema([(field.name, field.type) for field in known.arrow_schema])).to_pylist() == (
        expected.to_pylist()
    )


@pytest.mark.parametrize("codec", formats.CODECS["parquet"])
def test_parquet_has_a_row_group_for_each_block_and_the_tables_types(drawn, codec):
    blocks = drawn("orders")
    file = parquet.ParquetFile(io.BytesIO(written(tables.ORDERS, blocks, "parquet", codec)))
    groups = [file.metadata.row_group(i) for i in range(file.num_row_groups)]
    assert [group.num_rows for group in groups] == [block.num_rows for block in blocks]
    names = {"snappy": "SNAPPY", "zstandard": "ZSTD", "null": "UNCOMPRESSED"}
    assert {group.column(0).compression for group in groups} == {names[codec]}
    found = {field.name: (field.type, field.nullable) for field in file.schema_arrow if field.name != "items"}
    assert found == {
        field.name: (field.type, field.nullable) for field in tables.ORDERS.arrow_schema if field.name != "items"
    }
    assert b"ARROW:schema" not in (file.metadata.metadata or {})


def test_polars_reads_the_parquet(tmp_path, drawn):
    path = tmp_path / "orders.parquet"
    path.write_bytes(written(tables.ORDERS, drawn("orders"), "parquet", "zstandard"))
    expected = [row for block in drawn("orders") for row in block.to_pylist()]
    assert pl.read_parquet(path).to_dicts() == expected


@pytest.mark.parametrize(("name", "codec"), [("avro", "snappy"), *OTHERS])
def test_equal_blocks_give_equal_bytes_and_what_was_written_is_said(drawn, name, codec):
    blocks, file = drawn("orders"), io.BytesIO()
    found = formats.write_blocks(file, tables.ORDERS, iter(blocks), file_format=name, codec=codec)
    plain_strings = [block.cast(tables.ORDERS.arrow_schema) for block in blocks]
    assert written(tables.ORDERS, plain_strings, name, codec) == file.getvalue(), "dictionaries leave no trace"
    assert (found.rows, found.bytes) == (sum(block.num_rows for block in blocks), len(file.getvalue()))
    if name != "avro":
        assert found.fingerprint == f"xxh3:{xxhash.xxh3_128_hexdigest(file.getvalue())}"
    if codec == "null":
        assert abs(found.uncompressed_bytes - found.bytes) < 20_000


@pytest.mark.parametrize(("name", "codec"), OTHERS)
def test_blocks_are_written_one_by_one(drawn, name, codec):
    """By the time a block is asked for, those before it are in the file, but for what Arrow buffers."""
    file, sizes = io.BytesIO(), []

    def blocks():
        for block in drawn("customers") * 2:
            sizes.append(len(file.getvalue()))
            yield block

    formats.write_blocks(file, tables.CUSTOMERS, blocks(), file_format=name, codec=codec)
    assert sizes[1:] == sorted(set(sizes[1:]))


@pytest.mark.parametrize(("name", "codec"), OTHERS)
def test_empty_blocks_and_no_blocks_leave_a_file_that_can_be_read(drawn, name, codec):
    block = drawn("orders")[0]
    assert written(tables.ORDERS, [], name, codec) == written(tables.ORDERS, [block.slice(0, 0)], name, codec)
    empty = written(tables.ORDERS, [], name, codec)
    if name == "parquet":
        assert parquet.read_table(io.BytesIO(empty)).num_rows == 0
    assert empty.count(b"\n") == {"jsonl": 0, "csv": 1}.get(name, empty.count(b"\n"))
