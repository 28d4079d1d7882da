"""Staged files: whole blocks out of small ones, the same rows in the same order, one block at a time in memory."""

from collections.abc import Iterator
from datetime import date
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_pipelines import avro, storage, tables
from beam_pipelines.transforms import staging
from beam_pipelines.transforms.lake_reading import Split, SplitFile
from beam_pipelines.world import World, day_number

DAY = date(2025, 11, 28)


def rows_in(path: str) -> tuple[list[dict], list[int]]:
    """The rows of an Avro file, and how many each block has."""
    with storage.open_for_reading(path) as file:
        batches = [block.batch for block in avro.read_blocks(file)]
    return [row for batch in batches for row in batch.to_pylist()], [batch.num_rows for batch in batches]


def written(folder, table, blocks: list[pa.RecordBatch], part: int = 0) -> SplitFile:
    """A lake file of these blocks."""
    path = f"{folder}/{table.name}/dt={DAY}/part-{part:05}-of-00002.avro"
    found = storage.write(path, lambda file: avro.write_blocks(file, table.avro_schema, blocks))
    return SplitFile(path, DAY.isoformat(), found.rows, found.fingerprint, ())


@settings(deadline=None, max_examples=40)
@given(sizes=st.lists(st.one_of(st.integers(0, 40), st.sampled_from([9_000, 16_384, 20_000])), max_size=12))
def test_rows_are_gathered_in_their_order(sizes):
    start, batches = 0, []
    for number, size in enumerate(sizes):
        # Each batch has a dictionary of its own, as blocks of several files have.
        words = pa.array([f"{number % 3}-{row % 5}" for row in range(size)], pa.string()).dictionary_encode()
        batches.append(pa.record_batch({"number": pa.array(range(start, start + size), pa.int64()), "word": words}))
        start += size
    found = list(staging.gathered(batches))
    assert [row for batch in found for row in batch["number"].to_pylist()] == list(range(start))
    words = [word for batch in batches for word in batch["word"].to_pylist()]
    assert [word for batch in found for word in batch["word"].to_pylist()] == words
    for before, batch in pairwise(found):
        assert before.num_rows + batch.num_rows > staging.BLOCK_ROWS, "neighbours that fit would be one"
    assert all(batch.num_rows for batch in found)
    assert all(any(batch is one for one in batches) for batch in found if batch.num_rows >= staging.BLOCK_ROWS), (
        "what is large enough is not copied"
    )


def test_rows_of_several_writers_stay_apart_in_their_order(tmp_path, batch_of, rows_of):
    rows = rows_of(tables.CUSTOMERS)
    strict = pa.RecordBatch.from_pylist(rows[:10], schema=tables.CUSTOMERS.arrow_schema)
    careless = batch_of(tables.CUSTOMERS, rows[10:30])
    again = pa.RecordBatch.from_pylist(rows[30:], schema=tables.CUSTOMERS.arrow_schema)
    staged = staging.stage(str(tmp_path), tables.CUSTOMERS, "202511", "staged.avro", [strict, careless, again])
    assert rows_in(staged.path) == (rows, [10, 20, 10])


@pytest.mark.parametrize("table", tables.LAKE, ids=lambda table: table.name)
def test_what_is_staged_is_what_the_world_has(tmp_path, table):
    world, day = World(seed=42, scale=0.05), day_number(DAY)
    number = 0 if table is tables.DISTRIBUTION_CENTERS else day - 27 if table is tables.PRODUCTS else day
    batch = world.block(table.name, number, 0).slice(0, 500)
    parts = (batch.slice(0, 7), batch.slice(7))
    files = tuple(written(tmp_path / "lake", table, [part], number) for number, part in enumerate(parts))
    split = Split(table.name, "", 0, 1, "", files)
    outputs = staging.transform_rows(str(tmp_path / "lake"), split)
    staged = staging.stage(str(tmp_path), table, "", "staged.avro", outputs[table.name])
    rows, blocks = rows_in(staged.path)
    assert rows == batch.to_pylist()
    assert blocks == [staged.rows] == [len(rows)]
    assert outputs[f"dead_letters_{table.name}"] == []


def test_small_blocks_of_many_days_are_staged_as_one(tmp_path):
    world = World(seed=42, scale=0.05)
    batches = [world.block("customers", day, 0) for day in range(20)]
    staged = staging.stage(str(tmp_path), tables.CUSTOMERS, "201901", "staged.avro", batches)
    rows, blocks = rows_in(staged.path)
    assert rows == [row for batch in batches for row in batch.to_pylist()]
    assert blocks == [staged.rows]


def test_a_large_split_is_staged_block_by_block(tmp_path, monkeypatch):
    world, day, table = World(seed=42, scale=1), day_number(DAY), tables.WEB_EVENTS
    blocks = [world.block(table.name, day, block) for block in range(4)]
    split = Split(table.name, f"{DAY:%Y%m%d}", 0, 1, "", (written(tmp_path, table, blocks),))
    events = []
    read, encoded = staging.read_split, avro.write_blocks

    def reading(root: str, split: Split) -> Iterator:
        for block in read(root, split):
            events.append("read")
            yield block

    def writing(file, schema, batches):
        def passing() -> Iterator[pa.RecordBatch]:
            for batch in batches:
                events.append("written")
                yield batch

        return encoded(file, schema, passing())

    monkeypatch.setattr(staging, "read_split", reading)
    monkeypatch.setattr(staging.avro, "write_blocks", writing)
    outputs = staging.transform_rows(str(tmp_path), split)
    staged = staging.stage(str(tmp_path), table, split.partition, "staged.avro", outputs[table.name])
    assert staged.rows == sum(block.num_rows for block in blocks)
    # A block waits until it is known that the next one does not fit in with it.
    assert events == ["read", "read", "written", "read", "written", "read", "written", "written"]


def test_broken_rows_among_gathered_ones_become_letters(tmp_path, batch_of):
    world, day, table = World(seed=42, scale=0.05), day_number(DAY), tables.ORDER_EVENTS
    rows = world.block(table.name, day, 0).to_pylist()
    rows[3]["order_item_ids"], rows[5]["event_type"] = [0], "lost"
    batch = pa.RecordBatch.from_pylist(rows, schema=table.arrow_schema)
    files = (written(tmp_path, table, [batch.slice(0, 4), batch.slice(4)]),)
    split = Split(table.name, f"{DAY:%Y%m%d}", 0, 1, "", files)
    outputs = staging.transform_rows(str(tmp_path), split)
    assert outputs["dead_letters_order_events"] == [], "not before the rows have been taken"
    staged = staging.stage(str(tmp_path), table, split.partition, "staged.avro", outputs[table.name])
    assert rows_in(staged.path)[0] == [row for number, row in enumerate(rows) if number not in (3, 5)]
    letters = [row for letter in outputs["dead_letters_order_events"] for row in letter.to_pylist()]
    assert [(one["field"], one["row_in_block"]) for one in letters] == [("order_item_ids", 3), ("event_type", 1)]
    assert letters[0]["block_offset"] < letters[1]["block_offset"]
