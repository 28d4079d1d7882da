"""Lakes with defects as they are read, and the reckoning of the truth against clean rows."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any, NamedTuple

from beam_pipelines import avro, lake
from beam_pipelines.defects import ROW_KINDS, truth
from beam_pipelines.defects.rates import WITHHELD
from beam_pipelines.records import record_json
from beam_pipelines.schema import Table

Row = dict[str, Any]


class ReadBlock(NamedTuple):
    """A block of a lake's file as it is read."""

    file: str
    offset: int
    rows: list[Row]


class Lake(NamedTuple):
    """Days of a table, written."""

    root: Path
    table: Table
    manifests: list[lake.Manifest]

    def truths(self, *kinds: str) -> list[Row]:
        """The lines of the truth, of some kinds or of all."""
        found = sorted((self.root / truth.FOLDER / self.table.name).rglob("*.jsonl"))
        lines = [json.loads(line) for path in found for line in path.read_text().splitlines()]
        return [line for line in lines if not kinds or line["kind"] in kinds]

    def blocks(self, on_damage: Callable[[str, avro.Damage], None] | None = None) -> Iterator[ReadBlock]:
        """The blocks of all files, read as the table's schema is now with all columns nullable."""
        reader = json.loads(json.dumps(self.table.avro_schema))
        for field, column in zip(reader["fields"], self.table.columns, strict=True):
            if not column.nullable and not column.repeated:
                field["type"] = ["null", field["type"]]
        for manifest in self.manifests:
            for written in manifest.files:
                name = f"{self.table.name}/dt={manifest.day}/{written.name}"
                note = None if on_damage is None else lambda damage, name=name: on_damage(name, damage)
                with (self.root / name).open("rb") as file:
                    for block in avro.read_blocks(file, reader=reader, on_damage=note):
                        yield ReadBlock(name, block.offset, block.batch.to_pylist())


def changed(row: Row, path: str, plain: Any) -> Row:
    """The row with another value, as the truth has it, at a path."""
    row = deepcopy(row)
    name, _, field = path.partition(".")
    if field:
        row[name][0][field] = plain
    else:
        row[name] = plain
    return row


def text(row: Row, without: str = "") -> str:
    """A row as the truth spells values, so that what it says can be put in."""
    return record_json({name: value for name, value in row.items() if name != without})


def reconcile(found: Lake, originals: Mapping[str, list[Row]], without: str = "") -> None:
    """Applies the truth to the clean rows and compares with what is there, day by day.

    ``originals`` are the clean rows by ISO date, from three days before the lake's first on.
    """
    table = found.table
    by_key = {
        (day, record_json({name: row[name] for name in table.key})): row
        for day, rows in originals.items()
        for row in rows
    }
    expected: dict[str, Counter[str]] = defaultdict(Counter)
    for manifest in found.manifests:
        day = manifest.day.isoformat()
        expected[day] = Counter(text(row, without) for row in originals[day])
    for line in found.truths(*ROW_KINDS, WITHHELD):
        row = by_key[line["event_date"], record_json(line["key"])]
        day = expected[line["landed_date"]] if line["kind"] != "withheld" else expected[line["event_date"]]
        if line["kind"] in ("late", "duplicate"):
            day[text(row, without)] += 1
        elif line["kind"] == "withheld":
            day[text(row, without)] -= 1
        else:
            new = changed(row, line["field"], line["is"])
            if line["kind"] == "newer_version":
                new = changed(new, line["also"]["field"], line["also"]["is"])
            else:
                day[text(row, without)] -= 1
            day[text(new, without)] += 1
    there: dict[str, Counter[str]] = defaultdict(Counter)
    for block in found.blocks():
        there[block.file.split("/")[1].removeprefix("dt=")].update(text(row, without) for row in block.rows)
    for manifest in found.manifests:
        day = manifest.day.isoformat()
        assert min(expected[day].values(), default=0) >= 0, "the truth takes away what is not there"
        assert there[day] == +expected[day], day


def points_at_its_row(found: Lake) -> None:
    """Every line of the truth that names a place names that of its row."""
    blocks = defaultdict(list)
    for block in found.blocks():
        blocks[block.file].append(block)
    for line in found.truths(*ROW_KINDS):
        of_file = blocks[line["file"]]
        block = of_file[line["block"]]
        assert block.offset == line["offset"]
        row = block.rows[line["row_in_block"]]
        assert sum(len(before.rows) for before in of_file[: line["block"]]) + line["row_in_block"] == line["row"]
        assert record_json({name: row[name] for name in line["key"]}) == record_json(line["key"])
        if line["field"]:
            assert text(row) == text(changed(row, line["field"], line["is"]))
            assert line["was"] != line["is"]
