"""From manifests to splits, and reading only what manifests say."""

import re
import shutil
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from random import Random

import pyarrow as pa
import pytest

from beam_pipelines import avro, lake, storage, tables
from beam_pipelines.lake import LakeError, LakeFile
from beam_pipelines.options import Period
from beam_pipelines.transforms import lake_reading as reading
from beam_pipelines.transforms.staging import last_day
from beam_pipelines.world import World, day_number

DAY = date(2019, 1, 31)
PERIOD = Period(date(2019, 1, 30), date(2019, 2, 1))


@pytest.fixture
def copied(small_lake, tmp_path) -> str:
    """A copy of the small lake's orders, to be spoiled."""
    shutil.copytree(small_lake / "orders", tmp_path / "orders")
    return str(tmp_path)


@pytest.fixture
def day(copied) -> Path:
    return Path(lake.folder(copied, "orders", DAY))


def manifest_in(folder: Path) -> lake.Manifest:
    return lake.Manifest.from_json((folder / lake.MANIFEST).read_text(), str(folder))


def change(folder: Path, **changed) -> str:
    """Rewrites the manifest of a folder with other fields of itself or, below ``file``, of its file."""
    manifest = manifest_in(folder)
    files = (replace(manifest.files[0], **changed.pop("file", {})),)
    (folder / lake.MANIFEST).write_text(replace(manifest, files=files, **changed).to_json())
    return str(folder / lake.MANIFEST)


def read(root: str, path: str) -> list[reading.Block]:
    manifest = reading.read_manifest(path)
    splits = reading.plan_splits(root, ("orders", "20190131"), [manifest])
    return [block for split in splits for block in reading.read_split(root, split)]


def refusal(folder: Path, root: str) -> str:
    with pytest.raises(LakeError) as caught:
        read(root, str(folder / lake.MANIFEST))
    return str(caught.value)


def test_what_was_written_is_read(copied, day):
    (block,) = read(copied, str(day / lake.MANIFEST))
    assert block.file == "orders/dt=2019-01-31/part-00000-of-00001.avro"
    assert block.day == DAY
    drawn = World(seed=42, scale=0.01).block("orders", day_number(DAY), 0)
    assert block.batch.to_pylist() == drawn.to_pylist()


@pytest.mark.parametrize(
    ("table", "day", "partition"),
    [
        (tables.ORDERS, date(2025, 1, 2), "20250102"),
        (tables.CUSTOMERS, date(2025, 1, 2), "202501"),
        (tables.DISTRIBUTION_CENTERS, date(2025, 1, 2), ""),
    ],
)
def test_a_day_belongs_to_one_partition(table, day, partition):
    assert reading.partition_of(table, day) == partition


@pytest.mark.parametrize(
    ("partition", "first", "last"),
    [
        ("20240229", date(2024, 2, 29), date(2024, 2, 29)),
        ("202402", date(2024, 2, 1), date(2024, 2, 29)),
        ("202412", date(2024, 12, 1), date(2024, 12, 31)),
        ("", date(1970, 1, 1), date.max),
    ],
)
def test_a_partition_has_a_first_and_a_last_day(partition, first, last):
    assert (reading.first_day(partition), last_day(partition)) == (first, last)


def test_facts_are_read_for_the_days_asked_for(small_lake):
    found = reading.find_manifests(str(small_lake), "orders", Period(date(2019, 1, 31), date(2019, 2, 1)))
    assert found == [f"{small_lake}/orders/dt={day}/_MANIFEST.json" for day in ("2019-01-31", "2019-02-01")]


@pytest.mark.parametrize(("end", "days"), [(date(2019, 1, 30), 31), (date(2019, 2, 1), 32)])
def test_dimensions_are_read_to_the_end_of_the_last_month(small_lake, end, days):
    found = reading.find_manifests(str(small_lake), "customers", Period(date(2019, 1, 30), end))
    assert len(found) == days
    assert found[0].endswith("customers/dt=2019-01-01/_MANIFEST.json")


def test_a_missing_day_of_facts_is_named(small_lake):
    asked = Period(date(2019, 1, 28), date(2019, 2, 3))
    expected = f"{small_lake}/orders/dt=2019-01-28: expected a manifest of orders, found none (nor of 3 more days)"
    with pytest.raises(LakeError, match=re.escape(expected)):
        reading.find_manifests(str(small_lake), "orders", asked)


def with_days(root: Path, table: str, days: list[date]) -> str:
    """A lake in which a table has these days."""
    for day in days:
        folder = Path(lake.folder(str(root), table, day))
        folder.mkdir(parents=True)
        (folder / lake.MANIFEST).touch()
    return str(root)


def test_units_are_read_from_28_days_before_the_period_on(tmp_path):
    there = [date(2019, 2, 1) + timedelta(days=day) for day in range(59) if day != 40]
    root, asked = with_days(tmp_path, "inventory_items", there), Period(date(2019, 3, 28), date(2019, 3, 30))
    days = [reading._day_of(path) for path in reading.find_manifests(root, "inventory_items", asked)]
    assert days[0] == date(2019, 2, 28)
    assert days[-1] == date(2019, 3, 30)
    assert days == [day for day in there if days[0] <= day <= days[-1]], "a day of the history may be missing"
    assert len(days) == tables.LONGEST_IN_STOCK + 2


def test_a_missing_day_of_units_in_the_period_is_named(tmp_path):
    root = with_days(tmp_path, "inventory_items", [date(2019, 3, 27), date(2019, 3, 28), date(2019, 3, 30)])
    with pytest.raises(LakeError, match="dt=2019-03-29: expected a manifest of inventory_items, found none; generate"):
        reading.find_manifests(root, "inventory_items", Period(date(2019, 3, 28), date(2019, 3, 30)))


@pytest.mark.parametrize("table", ["orders", "customers", "inventory_items"])
def test_an_empty_lake_is_refused(tmp_path, table):
    with pytest.raises(LakeError, match=f"{table}.*: expected (a manifest|manifests).*, found none"):
        reading.find_manifests(str(tmp_path), table, PERIOD)


def test_a_folder_that_is_no_day_is_named(copied, day):
    day.rename(day.with_name("dt=someday"))
    with pytest.raises(LakeError, match=r"orders/dt=someday/_MANIFEST\.json: expected a folder named dt=YYYY-MM-DD"):
        reading.find_manifests(copied, "orders", PERIOD)


def manifests_of(rows_by_day: list[list[int]]) -> list[lake.Manifest]:
    return [
        lake.manifest_of(
            tables.CUSTOMERS,
            date(2025, 11, 1) + timedelta(days=i),
            world=1,
            seed=42,
            scale=1,
            codec="snappy",
            files=[
                LakeFile(lake.file_name(part, len(rows)), count, count, count, f"{i}-{part}-{count}")
                for part, count in enumerate(rows)
            ],
        )
        for i, rows in enumerate(rows_by_day)
    ]


def splits_of(rows_by_day: list[list[int]], seed: int = 0) -> list[reading.Split]:
    manifests = manifests_of(rows_by_day)
    Random(seed).shuffle(manifests)
    return list(reading.plan_splits("lake", ("customers", "202511"), manifests))


LIMIT = reading.ROWS_PER_SPLIT


@pytest.mark.parametrize(
    ("rows", "splits"),
    [
        ([[LIMIT]], [LIMIT]),
        ([[LIMIT], [1]], [LIMIT, 1]),
        ([[LIMIT - 1], [1], [1]], [LIMIT, 1]),
        ([[LIMIT // 2, LIMIT // 2], [LIMIT // 2]], [LIMIT, LIMIT // 2]),
        ([[10 * LIMIT], [3]], [10 * LIMIT, 3]),
        ([[], [5], []], [5]),
        ([[], []], [0]),
    ],
)
def test_a_split_ends_at_its_limit_and_never_within_a_file(rows, splits):
    found = splits_of(rows)
    assert [sum(file.rows for file in split.files) for split in found] == splits
    assert [(split.split, split.splits) for split in found] == [(i, len(splits)) for i in range(len(splits))]


def test_every_file_is_in_one_split_in_the_order_of_days():
    rows = [[Random(i).randrange(LIMIT) for _ in range(i % 4)] for i in range(20)]
    files = [file.path for split in splits_of(rows) for file in split.files]
    assert len(files) == len(set(files)) == sum(len(day) for day in rows)
    assert files == sorted(files)


@pytest.mark.parametrize("seed", range(5))
def test_the_order_of_manifests_makes_no_difference(seed):
    rows = [[LIMIT // 3 + i] * (i % 3) for i in range(12)]
    assert splits_of(rows, seed) == splits_of(rows)


def test_other_input_has_another_content():
    contents = [splits_of(rows)[0].content for rows in ([[1, 2]], [[2, 1]], [[1], [2]], [[1, 2, 3]], [[]])]
    assert len(set(contents)) == len(contents)


def test_a_missing_file_is_named(copied, day):
    (day / "part-00000-of-00001.avro").unlink()
    assert re.search(
        r"dt=2019-01-31/part-00000-of-00001\.avro: expected [\d,]+ bytes .*no such file", refusal(day, copied)
    )


def test_a_file_cut_short_is_named(copied, day):
    file = day / "part-00000-of-00001.avro"
    file.write_bytes(file.read_bytes()[:-1])
    assert str(file) in refusal(day, copied)


@pytest.mark.parametrize("spoil", [lambda content: content[:-1], lambda content: content[:-20] + bytes(20)])
def test_a_file_that_is_broken_though_of_the_right_size_is_named(copied, day, spoil):
    file = day / "part-00000-of-00001.avro"
    file.write_bytes(spoil(file.read_bytes()))
    change(day, file={"bytes": file.stat().st_size})
    message = refusal(day, copied)
    assert message.startswith(f"{file}: block at byte ")
    assert "\n" not in message


def test_a_file_that_is_no_avro_is_named(copied, day):
    file = day / "part-00000-of-00001.avro"
    file.write_bytes(b"order_id,total\n1,2.00\n")
    change(day, file={"bytes": file.stat().st_size})
    assert refusal(day, copied).startswith(f"{file}: at byte 0: not an Avro container file")


def test_a_day_of_another_schema_is_refused(copied, day):
    path = change(day, schema="0123456789abcdef")
    message = refusal(day, copied)
    assert message.startswith(f"{path}: expected schema {tables.ORDERS.fingerprint} of orders, got 0123456789abcdef")


def test_a_file_of_other_columns_is_refused_by_name_of_file_and_column(copied, day):
    drawn = World(seed=42, scale=0.01).block("customers", 30, 0)
    path = str(day / "part-00000-of-00001.avro")
    schema = tables.CUSTOMERS.avro_schema
    written = storage.write(path, lambda file: avro.write_blocks(file, schema, [drawn]))
    change(day, file={"bytes": written.bytes, "rows": written.rows})
    message = refusal(day, copied)
    assert message.startswith(f"{path}: expected the columns of orders, found others: ")
    assert "age" in message
    assert "items.sale_price" in message


@pytest.mark.parametrize("more", [-1, 1])
def test_rows_that_disagree_with_the_manifest_are_refused(copied, day, more):
    rows = manifest_in(day).rows
    change(day, file={"rows": rows + more})
    expected = f"part-00000-of-00001.avro: expected {rows + more} rows as its manifest says, found {rows}"
    assert refusal(day, copied).endswith(expected)


@pytest.mark.parametrize("path", ["total", "items.discount"])
def test_sums_that_disagree_with_the_manifest_are_refused(copied, day, path):
    sums = dict(manifest_in(day).files[0].sums)
    change(day, file={"sums": sums | {path: "77777.77"}})
    expected = f"part-00000-of-00001.avro: expected a sum of 77777.77 in {path}, found {sums[path]}"
    assert refusal(day, copied).endswith(expected)


def test_content_that_disagrees_with_the_manifest_is_refused(copied, day):
    known = manifest_in(day).files[0].fingerprint
    change(day, file={"fingerprint": f"xxh3:{'0' * 32}"})
    expected = f": the content is not what was written: expected xxh3:{'0' * 32}, got {known}"
    assert refusal(day, copied).endswith(expected)
    # What earlier versions called a fingerprint is not compared.
    change(day, file={"fingerprint": "0" * 32})
    assert sum(block.batch.num_rows for block in read(copied, str(day / lake.MANIFEST))) == manifest_in(day).rows


def test_a_manifest_that_is_none_is_named(day):
    (day / lake.MANIFEST).write_bytes(b"\xff\xfe")
    with pytest.raises(LakeError, match=re.escape(f"{day}/_MANIFEST.json: expected a manifest in JSON")):
        reading.read_manifest(f"{day}/_MANIFEST.json")


def test_blocks_carry_their_offset_in_the_file(tmp_path):
    world = World(seed=42, scale=20)
    number = day_number(DAY)
    blocks = [world.block("orders", number, block).slice(0, 100) for block in range(2)]
    path = str(tmp_path / "part.avro")
    storage.write(path, lambda file: avro.write_blocks(file, tables.ORDERS.avro_schema, blocks))
    split = reading.Split("orders", "", 0, 1, "", (reading.SplitFile(path, DAY.isoformat(), 200, "", ()),))
    found = list(reading.read_split(str(tmp_path), split))
    assert [block.offset for block in found] == [block.offset for block in avro.read_blocks(open(path, "rb"))]  # noqa: PTH123, SIM115
    assert found[0].offset < found[1].offset
    assert pa.Table.from_batches([block.batch.select(["order_id"]) for block in found]).num_rows == 200


def test_a_manifest_in_the_folder_of_another_day_is_named(copied, day):
    moved = day.rename(day.with_name("dt=2019-01-15"))
    with pytest.raises(LakeError, match=r"dt=2019-01-15/_MANIFEST\.json: expected the table and day of its folder"):
        reading.read_manifest(str(moved / "_MANIFEST.json"))


def test_days_of_one_world_are_told_from_days_of_several():
    assert reading.one_world([(1, 42, 0.1)]) == (1, 42, 0.1)
    assert reading.one_world([]) is None
    with pytest.raises(
        LakeError, match=r"different worlds \(version 1, seed 7, scale 0.1; version 1, seed 42, scale 0.1\)"
    ):
        reading.one_world({(1, 42, 0.1), (1, 7, 0.1)})
