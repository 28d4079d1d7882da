"""What load makes of a lake: the steps of its pipeline without a pipeline, in any order of what runs side by side."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import pyarrow as pa
import pytest
from apache_beam.pvalue import TaggedOutput

from beam_pipelines import avro, storage, tables
from beam_pipelines.options import Period
from beam_pipelines.progress import NO_PROGRESS
from beam_pipelines.schema import Table
from beam_pipelines.transforms import lake_planning, lake_reading, transforming
from beam_pipelines.transforms.accounting import NOTHING, Account
from beam_pipelines.transforms.lake_planning import TablePlan
from beam_pipelines.transforms.partition_loading import LoadedPartition, LoadPartitions
from beam_pipelines.transforms.partitions import Partition
from beam_pipelines.transforms.planning import contributions_of
from beam_pipelines.transforms.references import DayKey
from beam_pipelines.transforms.staging import Contribution, StagedFile
from tests.transforms.lakes import Lake, Row

Shuffle = Callable[[list[Any]], None]
"""Changes the order of a list, as another runner would."""

WAREHOUSE = "bigquery://local"

EVERYTHING = tuple(DayKey(table.name, 1, 10**12) for table in tables.LAKE)
"""Last keys by which no reference leads nowhere."""


@contextmanager
def sizes(random: Random) -> Iterator[None]:
    """Splits and buckets of few rows, and strings read in either way."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lake_planning, "ROWS_PER_SPLIT", random.choice([1, 4, 10**6]))
        patch.setattr(lake_planning, "ROWS_PER_BUCKET", random.choice([1, 3, 10**6]))
        patch.setattr(lake_reading, "ROWS_WITH_DICTIONARIES", random.choice([1, 10**6]))
        yield


class Loaded(NamedTuple):
    """What a load makes of a table: of every partition its account, and what was staged for it."""

    plan: TablePlan
    contributions: dict[Partition, list[Contribution]]
    accounts: dict[Partition, Account]
    files: dict[Partition, list[StagedFile]]
    products: list[pa.RecordBatch]

    def rows(self, table: str, partition: str) -> list[Row]:
        """The staged rows of a partition of a table."""
        return [row for file in sorted(self.files.get((table, partition), ())) for row in staged_rows(file.path)]

    def fingerprints(self) -> dict[Partition, list[str]]:
        """What is staged, by content."""
        return {partition: [file.fingerprint for file in sorted(files)] for partition, files in self.files.items()}


def into_warehouse(partitions: Mapping[Partition, Sequence[Contribution]], staging: Path) -> list[LoadedPartition]:
    """Loads what contributes to partitions, as a bundle of the pipeline does."""
    step = LoadPartitions(str(staging), NO_PROGRESS)
    step.start_bundle()
    found = [one for partition in partitions.items() for one in step.process(partition, WAREHOUSE)]
    return found + [one.value for one in step.finish_bundle()]


def staged_rows(path: str) -> list[Row]:
    with storage.open_for_reading(path) as file:
        return [row for block in avro.read_blocks(file) for row in block.batch.to_pylist()]


def load(
    found: Lake,
    table: Table,
    period: Period,
    staging: Path | str,
    last_keys: Sequence[DayKey] = EVERYTHING,
    products: Sequence[pa.RecordBatch] = (),
    shuffle: Shuffle = lambda some: None,
) -> Loaded:
    """Does with a table of a lake what the pipeline does before it loads: its steps one by one, in any order."""
    plan = found.plan(table, period)
    contributions: dict[Partition, list[Contribution]] = defaultdict(list)
    for partition, contribution in contributions_of(plan):
        contributions[partition].append(contribution)
    splits, staged = list(plan.splits), str(staging)
    shuffle(splits)
    outputs = _worked(found.root, splits, staged, last_keys, products, shuffle)
    settle = transforming.Settle(staged, NO_PROGRESS)
    for bucket, batches in _grouped(outputs[transforming.SET_ASIDE], shuffle):
        for tag, values in _tagged(settle.process((bucket, batches), products)).items():
            outputs[tag] += values
    daily, sessions = transforming.StageDailySales(staged, NO_PROGRESS), transforming.StageSessions(staged, NO_PROGRESS)
    for step, tag in ((daily, transforming.SALES), (sessions, transforming.SESSIONS)):
        for group in _grouped(outputs[tag], shuffle):
            outputs[""] += step.process(group)
    for partition, contribution in outputs[""]:
        contributions[partition].append(contribution)
    return Loaded(
        plan,
        dict(contributions),
        {partition: sum((one.account for one in some), NOTHING) for partition, some in contributions.items()},
        {
            partition: files
            for partition, some in contributions.items()
            if (files := [one.file for one in some if one.file])
        },
        outputs[transforming.PRODUCTS],
    )


def _worked(
    root: str, splits: list[Any], staging: str, last_keys: Sequence[DayKey], products: Sequence[Any], shuffle: Shuffle
) -> dict[str, list[Any]]:
    """What the splits become."""
    hashing, comparing = transforming.HashKeys(), transforming.FindContested()
    hashed = [element for split in splits for element in hashing.process(split)]
    contested: dict[Any, list[Any]] = defaultdict(list)
    for group in _grouped(hashed, shuffle):
        for key, some in comparing.process(group):
            contested[key].append(some)
    working, outputs = transforming.WorkOnSplits(root, staging, NO_PROGRESS), defaultdict(list)
    for key, split in map(transforming.key_of, splits):
        element = (key, {"split": [split], "contested": contested[key]})
        for tag, values in _tagged(working.process(element, list(last_keys), list(products))).items():
            outputs[tag] += values
    return outputs


def _tagged(outputs: Iterable[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = defaultdict(list)
    for one in outputs:
        found[one.tag if isinstance(one, TaggedOutput) else ""].append(
            one.value if isinstance(one, TaggedOutput) else one
        )
    return found


def _grouped(pairs: list[Any], shuffle: Shuffle) -> list[Any]:
    """Pairs by key, both the groups and what is in each in the order of the shuffle."""
    pairs = list(pairs)
    shuffle(pairs)
    groups: dict[Any, list[Any]] = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return list(groups.items())
