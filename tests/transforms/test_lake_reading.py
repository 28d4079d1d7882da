"""Reading only what manifests say, and saying what cannot be read."""

import re
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from beam_pipelines import avro, lake, storage, tables
from beam_pipelines.lake import LakeError
from beam_pipelines.options import Period
from beam_pipelines.schema import Column, Type
from beam_pipelines.transforms import lake_reading as reading
from beam_pipelines.transforms.accounting import amounts_of
from beam_pipelines.transforms.lake_planning import SplitFile
from beam_pipelines.world import World, day_number
from tests.transforms.lakes import DAY, Lake, moment, order, unit

FILE = "part-00000-of-00001.avro"


@pytest.fixture
def written(tmp_path) -> Lake:
    """A lake of a day of orders in two blocks, to be spoiled."""
    found = Lake(str(tmp_path))
    found.write(tables.ORDERS, DAY, [[[order(1, moment(DAY)), order(2, moment(DAY))], [order(3, moment(DAY))]]])
    return found


@pytest.fixture
def day(written) -> Path:
    return Path(lake.folder(written.root, "orders", DAY))


def change(folder: Path, **changed) -> str:
    """Rewrites the manifest of a folder with other fields of itself or, below ``file``, of its file."""
    manifest = lake.Manifest.from_json((folder / lake.MANIFEST).read_text(), str(folder))
    files = (replace(manifest.files[0], **changed.pop("file", {})),)
    (folder / lake.MANIFEST).write_text(replace(manifest, files=files, **changed).to_json())
    return str(folder / lake.MANIFEST)


def files_of(found: Lake) -> list[SplitFile]:
    return [file for split in found.plan(tables.ORDERS, Period(DAY, DAY)).splits for file in split.files]


def read(found: Lake) -> list[reading.Block | reading.CorruptBlock]:
    return [block for file in files_of(found) for block in reading.read_file(found.root, tables.ORDERS, file)]


def refusal(found: Lake) -> str:
    with pytest.raises(LakeError) as caught:
        read(found)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_what_was_written_is_read_block_by_block(written, day):
    blocks = read(written)
    with (day / FILE).open("rb") as file:
        expected = list(avro.read_blocks(file))
    assert [block.offset for block in blocks] == [block.offset for block in expected]
    assert [block.batch.to_pylist() for block in blocks] == [block.batch.to_pylist() for block in expected]
    assert {(block.file, block.day) for block in blocks} == {(f"orders/dt=2025-11-10/{FILE}", DAY)}
    assert [block.amounts for block in blocks] == [amounts_of(tables.ORDERS, block.batch) for block in blocks]


def test_a_day_of_the_world_is_read_as_it_was_drawn(tmp_path):
    drawn = World(seed=42, scale=0.05).block("orders", day_number(DAY), 0)
    found = Lake(str(tmp_path))
    found.write(tables.ORDERS, DAY, [[drawn.to_pylist()]], as_written=tables.ORDERS)
    (block,) = read(found)
    assert block.batch.to_pylist() == drawn.to_pylist()


def test_some_columns_are_read_alone(written):
    (file,) = files_of(written)
    found = list(reading.read_columns(tables.ORDERS, file, {"order_id", "created_at"}))
    assert [batch.to_pylist() for batch in found] == [
        [{"order_id": number, "created_at": moment(DAY)} for number in numbers] for numbers in ((1, 2), (3,))
    ]


def test_a_missing_file_is_named(written, day):
    (day / FILE).unlink()
    assert re.search(rf"dt=2025-11-10/{FILE}: expected [\d,]+ bytes .*no such file", refusal(written))


def test_a_file_cut_short_is_named(written, day):
    content = (day / FILE).read_bytes()
    (day / FILE).write_bytes(content[:-1])
    expected = f"{day}/{FILE}: expected {len(content):,} bytes as its manifest says, found {len(content) - 1:,} bytes"
    assert refusal(written) == expected


def test_a_block_that_is_corrupt_is_told_and_the_others_are_read(written):
    spoilt = written.spoil(tables.ORDERS, DAY, 0)
    corrupt, block = read(written)
    assert isinstance(corrupt, reading.CorruptBlock)
    assert corrupt[:4] == (f"orders/dt=2025-11-10/{FILE}", DAY, spoilt.offset, spoilt.length)
    assert corrupt.expected
    assert "snappy" in corrupt.actual
    assert block.batch.column("order_id").to_pylist() == [3]
    (file,) = files_of(written)
    (keys,) = reading.read_columns(tables.ORDERS, file, {"order_id"})
    assert keys.column("order_id").to_pylist() == [3]


def test_a_corrupt_block_at_the_end_of_a_file_is_told(written):
    spoilt = written.spoil(tables.ORDERS, DAY, 1)
    block, corrupt = read(written)
    assert block.batch.num_rows == 2
    assert (corrupt.offset, corrupt.length) == (spoilt.offset, spoilt.length)


def test_a_file_that_ends_early_though_of_the_size_that_is_named_has_a_corrupt_end(written, day):
    content = (day / FILE).read_bytes()
    (day / FILE).write_bytes(content[:-20])
    change(day, file={"bytes": len(content) - 20})
    block, corrupt = read(written)
    assert (block.batch.num_rows, type(corrupt)) == (2, reading.CorruptBlock)
    assert corrupt.offset + corrupt.length == len(content) - 20


def test_a_damaged_header_is_an_error(written, day):
    content = (day / FILE).read_bytes()
    (day / FILE).write_bytes(b"Obj\x01\xff" + content[5:])
    assert refusal(written).startswith(f"{day}/{FILE}: ")


def test_a_file_that_is_no_avro_is_named(written, day):
    (day / FILE).write_bytes(b"order_id,total\n1,2.00\n")
    change(day, file={"bytes": 22})
    assert refusal(written).startswith(f"{day}/{FILE}: at byte 0: not an Avro container file")


@pytest.mark.parametrize("more", [-1, 1])
def test_rows_that_disagree_with_the_manifest_are_refused(written, day, more):
    change(day, file={"rows": 3 + more})
    assert refusal(written) == f"{day}/{FILE}: expected {3 + more} rows as its manifest says, found 3"


def test_more_rows_than_the_manifest_names_are_refused_even_beside_a_corrupt_block(written, day):
    written.spoil(tables.ORDERS, DAY, 1)
    change(day, file={"rows": 1})
    assert refusal(written) == f"{day}/{FILE}: expected 1 rows as its manifest says, found 2"


@pytest.mark.parametrize("path", ["total", "items.discount"])
def test_sums_that_disagree_with_the_manifest_are_refused(written, day, path):
    manifest = lake.Manifest.from_json((day / lake.MANIFEST).read_text(), "here")
    sums = dict(manifest.files[0].sums)
    change(day, file={"sums": sums | {path: "77777.77"}})
    assert refusal(written) == f"{day}/{FILE}: expected a sum of 77777.77 in {path}, found {sums[path]}"


def test_sums_of_a_file_with_a_corrupt_block_are_not_compared(written, day):
    written.spoil(tables.ORDERS, DAY, 1)
    change(day, file={"sums": {"total": "77777.77"}})
    assert sum(block.batch.num_rows for block in read(written) if isinstance(block, reading.Block)) == 2


def test_content_that_disagrees_with_the_manifest_is_refused(written, day):
    manifest = lake.Manifest.from_json((day / lake.MANIFEST).read_text(), "here")
    change(day, file={"fingerprint": f"xxh3:{'0' * 32}"})
    known = manifest.files[0].fingerprint
    expected = f"{day}/{FILE}: the content is not what was written: expected xxh3:{'0' * 32}, got {known}"
    assert refusal(written) == expected
    # What earlier versions called a fingerprint is not compared.
    change(day, file={"fingerprint": "0" * 32})
    assert sum(block.batch.num_rows for block in read(written)) == 3


def test_a_manifest_that_is_none_is_named(day):
    (day / lake.MANIFEST).write_bytes(b"\xff\xfe")
    with pytest.raises(LakeError, match=re.escape(f"{day}/_MANIFEST.json: expected a manifest in JSON")):
        reading.read_manifest(f"{day}/_MANIFEST.json")


def test_a_manifest_in_the_folder_of_another_day_is_named(day):
    moved = day.rename(day.with_name("dt=2019-01-15"))
    with pytest.raises(LakeError, match=r"dt=2019-01-15/_MANIFEST\.json: expected the table and day of its folder"):
        reading.read_manifest(str(moved / "_MANIFEST.json"))


def test_a_manifest_of_no_table_of_ours_is_named(day):
    path = change(day, table="wishes")
    with pytest.raises(LakeError, match=r"expected the table and day of its folder, got wishes on 2025-11-10"):
        reading.read_manifest(path)


@pytest.mark.parametrize("of_file", [False, True])
@pytest.mark.parametrize(
    ("dates", "problem"),
    [
        ({"soon": 3}, "expected days as YYYY-MM-DD, got 'soon'"),
        ({"2025-11-10": "3"}, "expected a number of rows on 2025-11-10, got '3'"),
        ({"2025-11-10": -1}, "expected a number of rows on 2025-11-10, got -1"),
    ],
)
def test_dates_that_are_none_are_named(day, of_file, dates, problem):
    path = change(day, **({"file": {"rows_by_date": dates}} if of_file else {"rows_by_date": dates}))
    with pytest.raises(LakeError, match=f"^{re.escape(f'{path}: rows_by_date: {problem}')}$"):
        reading.read_manifest(path)


def test_files_of_another_format_are_refused(day):
    path = change(day, file_format="parquet")
    expected = f"^{re.escape(path)}: expected files in avro, which is what load reads, got parquet$"
    with pytest.raises(LakeError, match=expected):
        reading.read_manifest(path)


def test_a_manifest_without_a_last_key_is_of_an_earlier_version(day):
    path = change(day, last_key=0, defects={})
    with pytest.raises(LakeError, match=f"^{re.escape(path)}: last_key: expected a number, got nothing"):
        reading.read_manifest(path)
    # All rows of a day may have landed late and elsewhere, and late ones of others here.
    assert reading.read_manifest(change(day, last_key=0, defects={"late": 1.0})).manifest.rows == 3
    assert reading.read_manifest(change(day, last_key=0, rows=0, defects={})).manifest.rows == 0


FEE = Column(name="fee", type=Type.NUMERIC, precision=12, scale=2, nullable=True)
WITH_FEE = replace(tables.INVENTORY_ITEMS, columns=(*tables.INVENTORY_ITEMS.columns, FEE))


def test_columns_beyond_the_tables_are_found_in_any_file(tmp_path):
    found = Lake(str(tmp_path))
    without = found.write(tables.INVENTORY_ITEMS, DAY, [[[unit(1, moment(DAY))]]])
    rows = [unit(2, moment(DAY), fee=Decimal("1.50"))]
    both = found.write(tables.INVENTORY_ITEMS, DAY, [[rows], []], as_written=WITH_FEE)
    found.write_manifest(replace(both, files=without.files + both.files))
    path = f"{lake.folder(found.root, 'inventory_items', DAY)}/{lake.MANIFEST}"
    assert reading.read_manifest(path).more_columns == (FEE,)


def test_a_day_without_files_has_no_columns_to_differ_in(tmp_path):
    found = Lake(str(tmp_path))
    found.write(tables.INVENTORY_ITEMS, DAY, [], schema="0123456789abcdef")
    path = f"{lake.folder(found.root, 'inventory_items', DAY)}/{lake.MANIFEST}"
    assert reading.read_manifest(path).more_columns == ()


def test_a_file_of_other_columns_is_refused_by_name_of_file_and_column(written, day):
    drawn = World(seed=42, scale=0.01).block("customers", 30, 0)
    path = str(day / FILE)
    found = storage.write(path, lambda file: avro.write_blocks(file, tables.CUSTOMERS.avro_schema, [drawn]))
    change(day, file={"bytes": found.bytes, "rows": found.rows}, schema="0123456789abcdef")
    message = refusal(written)
    assert message.startswith(f"{path}: other columns than those of orders: order_id: expected INT64 REQUIRED, found ")
    assert "age: expected no such column, or one that may be null, found INT64 REQUIRED" in message


def test_a_file_whose_manifest_hides_that_it_has_other_columns_is_refused_when_it_is_read(written, day):
    other = replace(tables.ORDERS, columns=tuple(one for one in tables.ORDERS.columns if one.name != "tax"))
    rows = [order(1, moment(DAY))]
    hidden = written.write(tables.ORDERS, DAY, [[rows]], as_written=other, schema=tables.ORDERS.fingerprint)
    assert hidden.schema == tables.ORDERS.fingerprint
    expected = (
        f"{day}/{FILE}: other columns than those of orders: tax: expected NUMERIC(12, 2) REQUIRED, found no such "
    )
    assert refusal(written).startswith(expected)
    (file,) = files_of(written)
    with pytest.raises(LakeError, match=re.escape(expected)):
        list(reading.read_columns(tables.ORDERS, file, {"order_id"}))


def test_days_of_one_world_are_told_from_days_of_several(written, day):
    assert reading.world_of(reading.read_manifest(str(day / lake.MANIFEST))) == (1, 42, 1.0)
    assert reading.one_world([(1, 42, 0.1)]) == (1, 42, 0.1)
    assert reading.one_world([]) is None
    with pytest.raises(
        LakeError, match=r"different worlds \(version 1, seed 7, scale 0.1; version 1, seed 42, scale 0.1\)"
    ):
        reading.one_world({(1, 42, 0.1), (1, 7, 0.1)})


def test_a_lake_may_lie_anywhere(gs_folder):
    found = Lake(f"{gs_folder}/lake")
    found.write(tables.ORDERS, DAY, [[[order(1, moment(DAY))]]])
    (block,) = read(found)
    assert block.file == f"orders/dt=2025-11-10/{FILE}"
    assert [row["order_id"] for row in block.batch.to_pylist()] == [1]
    assert found.plan(tables.ORDERS, Period(DAY, DAY)).splits[0].files[0].landed == date(2025, 11, 10)
    with pytest.raises(LakeError, match="dt=2025-11-11: expected a manifest of orders"):
        found.plan(tables.ORDERS, Period(DAY, DAY + timedelta(1)))
