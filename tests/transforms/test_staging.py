"""Staged files: whole blocks out of small ones, the same rows in the same order, the same bytes for the same rows."""

from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_pipelines import avro, storage, tables
from beam_pipelines.schema import Column, Table, Type
from beam_pipelines.transforms import staging
from beam_pipelines.transforms.partition_loading import content_of
from beam_pipelines.transforms.staging import Contribution, StagedFile, StagedFiles, stage
from beam_pipelines.world import World, day_number
from tests.transforms.lakes import DAY, moment, unit

NUMBERS = Table(
    name="numbers",
    description="Numbers with words.",
    columns=(Column(name="number", type=Type.INT64), Column(name="word", type=Type.STRING)),
)
UNITS = tables.INVENTORY_ITEMS


def rows_in(path: str) -> tuple[list[dict], list[int]]:
    """The rows of an Avro file, and how many each block has."""
    with storage.open_for_reading(path) as file:
        batches = [block.batch for block in avro.read_blocks(file)]
    return [row for batch in batches for row in batch.to_pylist()], [batch.num_rows for batch in batches]


@settings(deadline=None, max_examples=30)
@given(sizes=st.lists(st.one_of(st.integers(0, 40), st.sampled_from([9_000, 16_384, 20_000])), max_size=8))
def test_rows_are_gathered_in_their_order(tmp_path_factory, sizes):
    start, batches = 0, []
    for number, size in enumerate(sizes):
        # Each batch has a dictionary of its own, as blocks of several files have.
        words = pa.array([f"{number % 3}-{row % 5}" for row in range(size)], pa.string()).dictionary_encode()
        batches.append(pa.record_batch({"number": pa.array(range(start, start + size), pa.int64()), "word": words}))
        start += size
    folder = str(tmp_path_factory.mktemp("staged"))
    staged = stage(folder, NUMBERS, "20251110", "rows", batches)
    if not start:
        assert staged is None
        assert list(Path(folder).iterdir()) == []
        return
    rows, blocks = rows_in(staged.path)
    assert [row["number"] for row in rows] == list(range(start))
    assert [row["word"] for row in rows] == [word for batch in batches for word in batch["word"].to_pylist()]
    assert staged.rows == start
    for before, block in pairwise(blocks):
        assert before + block > staging.BLOCK_ROWS, "neighbours that fit would be one"
    assert all(block <= staging.BLOCK_ROWS or block in sizes for block in blocks), "only a batch alone is larger"
    again = stage(folder, NUMBERS, "20251111", "again", batches)
    assert Path(again.path).read_bytes() == Path(staged.path).read_bytes()
    assert again.fingerprint == staged.fingerprint


def test_rows_of_several_writers_stay_apart_in_their_order(tmp_path, batch_of, rows_of):
    rows = rows_of(tables.CUSTOMERS)
    strict = pa.RecordBatch.from_pylist(rows[:10], schema=tables.CUSTOMERS.arrow_schema)
    careless = batch_of(tables.CUSTOMERS, rows[10:30])
    again = pa.RecordBatch.from_pylist(rows[30:], schema=tables.CUSTOMERS.arrow_schema)
    staged = stage(str(tmp_path), tables.CUSTOMERS, "202511", "rows", [strict, careless, again])
    assert rows_in(staged.path) == (rows, [10, 20, 10])


@pytest.mark.parametrize("table", tables.LAKE, ids=lambda table: table.name)
def test_what_is_staged_is_what_the_world_has(tmp_path, table):
    world, day = World(seed=42, scale=0.05), day_number(DAY)
    number = 0 if table in (tables.DISTRIBUTION_CENTERS, tables.PRODUCTS) else day
    batch = world.block(table.name, number, 0).slice(0, 500)
    staged = stage(str(tmp_path), table, "", "rows", [batch.slice(0, 7), batch.slice(7)])
    rows, blocks = rows_in(staged.path)
    assert rows == batch.to_pylist()
    assert blocks == [staged.rows] == [len(rows)]


def test_small_blocks_of_many_days_are_staged_as_one(tmp_path):
    world = World(seed=42, scale=0.05)
    batches = [world.block("customers", day, 0) for day in range(20)]
    staged = stage(str(tmp_path), tables.CUSTOMERS, "201901", "rows", batches)
    rows, blocks = rows_in(staged.path)
    assert rows == [row for batch in batches for row in batch.to_pylist()]
    assert blocks == [staged.rows]


def batch_of_units(*numbers: int) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist([unit(number, moment(DAY)) for number in numbers], schema=UNITS.arrow_schema)


def test_files_of_several_partitions_are_written_side_by_side(folder):
    with StagedFiles(f"{folder}/run", "20251110-00000") as files:
        for partition, numbers in (("20251110", (1, 2)), ("20251109", (3,)), ("20251110", (4,)), ("20251108", ())):
            files.add(UNITS, partition, batch_of_units(*numbers))
        files.add(tables.DISTRIBUTION_CENTERS, "", World(seed=42).block("distribution_centers", 0, 0))
        staged = files.close()
    assert {partition: (file.path, file.rows) for partition, file in staged.items()} == {
        ("inventory_items", "20251110"): (f"{folder}/run/inventory_items/20251110/20251110-00000.avro", 3),
        ("inventory_items", "20251109"): (f"{folder}/run/inventory_items/20251109/20251110-00000.avro", 1),
        ("distribution_centers", ""): (f"{folder}/run/distribution_centers/all/20251110-00000.avro", 10),
    }
    rows, _ = rows_in(staged["inventory_items", "20251110"].path)
    assert [row["inventory_item_id"] for row in rows] == [1, 2, 4]


def test_after_an_error_nothing_is_there(tmp_path):
    def interrupted(files: StagedFiles) -> None:
        with files:
            files.add(UNITS, "20251110", batch_of_units(*range(1, 20_000)))
            files.add(UNITS, "20251109", batch_of_units(1))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted(StagedFiles(str(tmp_path), "rows"))
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_who_writes_again_replaces_what_was_there(tmp_path):
    for numbers in ((1, 2, 3), (4,)):
        staged = stage(str(tmp_path), UNITS, "20251110", "rows", [batch_of_units(*numbers)])
    assert [row["inventory_item_id"] for row in rows_in(staged.path)[0]] == [4]


def test_what_a_partition_is_to_hold_does_not_depend_on_the_order_of_its_parts():
    files = [StagedFile(f"/staging/{name}.avro", number, f"print-{name}") for number, name in enumerate("abc")]
    parts = [Contribution(file=file) for file in files] + [Contribution()]
    forwards, backwards = (content_of(("orders", "20251110"), some) for some in (parts, parts[::-1]))
    assert forwards == backwards
    assert forwards.files == ("file:///staging/a.avro", "file:///staging/b.avro", "file:///staging/c.avro")
    assert (forwards.rows, forwards.fingerprints) == (3, ("print-a", "print-b", "print-c"))
    remote = content_of(("orders", "20251110"), [Contribution(file=StagedFile("gs://bucket/a.avro", 1, "x"))])
    assert remote.files == ("gs://bucket/a.avro",)
