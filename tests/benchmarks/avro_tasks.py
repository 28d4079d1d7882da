"""What ``make bench`` measures of Avro, each side a process of its own: ``python -m tests.benchmarks.avro_tasks NAME``.

A task prepares its input, does its work once unmeasured (compiled code is loaded, caches are warm), then again and
again for some seconds, and prints the rows, field values, CPU and wall seconds of those as JSON.
"""

from __future__ import annotations

import io
import json
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa

from beam_pipelines import avro, tables
from beam_pipelines.pipelines.beam_options import LOCAL_RUNNER
from beam_pipelines.world import World, date_of, day_number

DAY = day_number(date(2025, 11, 28))
SCALE = 20
"""A day has a dozen full blocks."""
BLOCKS = 8
ORDERS = tables.ORDERS
SECONDS = 3.0

WRITTEN = (tables.CUSTOMERS, tables.INVENTORY_ITEMS, tables.ORDERS, tables.ORDER_EVENTS, tables.WEB_EVENTS)
"""Tables of which a day is written."""

Counts = tuple[int, int]
"""Rows and field values."""


def values_of(batch: pa.RecordBatch) -> int:
    """Field values in a batch: one per column and row, and one per field of each item of a list."""
    return sum(_values_of(batch.column(name)) for name in batch.schema.names)


def _values_of(array: pa.Array) -> int:
    if pa.types.is_list(array.type):
        return _values_of(array.flatten())
    if pa.types.is_struct(array.type):
        return sum(_values_of(array.field(number)) for number in range(array.type.num_fields))
    return len(array)


def counts_of(batches: list[pa.RecordBatch]) -> Counts:
    """Rows and values of batches."""
    return sum(batch.num_rows for batch in batches), sum(map(values_of, batches))


def orders(blocks: int = BLOCKS) -> list[pa.RecordBatch]:
    """Blocks of orders of Black Friday, as they are drawn."""
    world = World(seed=42, scale=SCALE)
    return [world.block("orders", DAY, block) for block in range(blocks)]


def encoded(batches: list[pa.RecordBatch]) -> bytes:
    """The orders as an uncompressed Avro file."""
    file = io.BytesIO()
    avro.write_blocks(file, ORDERS.avro_schema, batches, codec="null")
    return file.getvalue()


def encode() -> tuple[Callable[[], object], Counts]:
    """Ours: an uncompressed file in memory from Arrow batches."""
    batches = orders()
    return lambda: encoded(batches), counts_of(batches)


def encode_with_fastavro() -> tuple[Callable[[], object], Counts]:
    """``fastavro.writer``, from dicts made beforehand."""
    import fastavro

    batches = orders(1)
    rows, schema = batches[0].to_pylist(), fastavro.parse_schema(ORDERS.avro_schema)
    return lambda: fastavro.writer(io.BytesIO(), schema, rows, codec="null"), counts_of(batches)


def decode() -> tuple[Callable[[], object], Counts]:
    """Ours: Arrow batches, strings plain as the peers have them."""
    batches = orders()
    data = encoded(batches)
    return lambda: [block.batch for block in avro.read_blocks(io.BytesIO(data))], counts_of(batches)


def decode_dictionaries() -> tuple[Callable[[], object], Counts]:
    """Ours, strings dictionary-encoded, as the load reads them."""
    batches = orders()
    data = encoded(batches)
    return lambda: [block.batch for block in avro.read_blocks(io.BytesIO(data), dictionaries=True)], counts_of(batches)


def decode_with_fastavro() -> tuple[Callable[[], object], Counts]:
    """``fastavro.reader``, then pyarrow from its dicts."""
    import fastavro

    batches = orders(1)
    data = encoded(batches)
    return (
        lambda: pa.RecordBatch.from_pylist(list(fastavro.reader(io.BytesIO(data))), schema=ORDERS.arrow_schema)
    ), counts_of(batches)


def decode_with_polars() -> tuple[Callable[[], object], Counts]:
    """``polars.read_avro``."""
    import polars

    batches = orders()
    data = encoded(batches)
    return lambda: polars.read_avro(io.BytesIO(data)), counts_of(batches)


def days_written(codec: str, days: int = 1, table: str = "orders") -> tuple[Callable[[], object], Counts]:
    """Draws, encodes, compresses and writes days of a table and their manifests, as a worker does, without Beam."""
    from beam_pipelines.transforms import lake_writing as lake

    world = World(seed=42, scale=SCALE)
    period = lake.DaysPlan(table, DAY, DAY + days - 1, is_history=False)
    plans = list(lake.plan_files(world, period))

    def work() -> None:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            for day, files in groupby(plans, lambda plan: plan.day):
                written = [lake.write_file(lake.Target(folder, world, codec), plan) for plan in files]
                lake.write_manifest(lake.Target(folder, world, codec), (table, day), filter(None, written))

    return work, counts_of_days(world, days, table)


def days_written_in_beam(days: int) -> tuple[Callable[[], object], Counts, Callable[[], object]]:
    """The same as a pipeline, in memory; beside it the same pipeline with next to nothing to do."""
    import apache_beam as beam

    from beam_pipelines.options import GenerateSettings, Period
    from beam_pipelines.pipelines import generate

    def pipeline(scale: float, last: int) -> None:
        world = World(seed=42, scale=scale)
        with tempfile.TemporaryDirectory(prefix="bench-") as folder, beam.Pipeline(runner=LOCAL_RUNNER) as built:
            period = Period(date_of(DAY), date_of(last))
            generate.build(built, GenerateSettings(folder, period, world, ("orders",), False, "snappy"))

    counts = counts_of_days(World(seed=42, scale=SCALE), days)
    return lambda: pipeline(SCALE, DAY + days - 1), counts, lambda: pipeline(0.01, DAY)


def counts_of_days(world: World, days: int, table: str = "orders") -> Counts:
    """Rows and values of days of a table; baskets are the same every day, so a day's share of items is all days'."""
    rows, values = 0, 0
    for block in range(world.blocks(table, DAY)):
        batch = world.block(table, DAY, block)
        rows, values = rows + batch.num_rows, values + values_of(batch)
    total = sum(world.rows(table, day) for day in range(DAY, DAY + days))
    return total, round(values * total / rows)


DAYS_IN_BEAM = 30
TASKS: dict[str, Callable[[], Any]] = {
    "encode": encode,
    "encode_with_fastavro": encode_with_fastavro,
    "decode": decode,
    "decode_dictionaries": decode_dictionaries,
    "decode_with_fastavro": decode_with_fastavro,
    "decode_with_polars": decode_with_polars,
    "write_snappy": lambda: days_written("snappy"),
    "write_null": lambda: days_written("null"),
    "write_days": lambda: days_written("snappy", DAYS_IN_BEAM),
    "write_in_beam": lambda: days_written_in_beam(DAYS_IN_BEAM),
    **{f"write_{table.name}": (lambda name=table.name: days_written("snappy", table=name)) for table in WRITTEN},
}


def seconds_of(work: Callable[[], object], least: float) -> tuple[int, float, float]:
    """Runs of some work for so many seconds or more, and their CPU and wall seconds."""
    runs, wall, cpu = 0, time.perf_counter(), time.process_time()
    while runs == 0 or time.perf_counter() - wall < least:
        work()
        runs += 1
    return runs, time.process_time() - cpu, time.perf_counter() - wall


def peak_bytes() -> int:
    """The most memory this process has had; not the operating system's figure, which begins with its parent's."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return peak * (1 if sys.platform == "darwin" else 1024)
    return int(status.partition("VmHWM:")[2].split()[0]) * 1024


def measured(name: str) -> dict[str, Any]:
    """Rows, values, and the seconds they took; of a pipeline, without those of the same pipeline with nothing to do."""
    work, (rows, values), *empty = TASKS[name]()
    for warming in (*empty, *([] if empty else [work])):
        warming()
    runs, cpu, wall = seconds_of(work, SECONDS)
    for idle in empty:
        idle_runs, idle_cpu, idle_wall = seconds_of(idle, SECONDS / 2)
        cpu, wall = cpu - runs * idle_cpu / idle_runs, wall - runs * idle_wall / idle_runs
    return {
        "rows": runs * rows,
        "values": runs * values,
        "cpu_seconds": cpu,
        "wall_seconds": wall,
        "peak_bytes": peak_bytes(),
    }


if __name__ == "__main__":
    print(json.dumps(measured(sys.argv[1])))
