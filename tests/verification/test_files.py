"""What is wrong with manifests and files is found, named, and does not stop the other checks."""

import json
from datetime import date
from functools import partial
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pytest

from beam_pipelines import avro, lake, storage, tables, verification
from beam_pipelines.lake import LakeError
from beam_pipelines.verification import Status
from tests.verification.conftest import at, failed, write_day


def folder(root: Path, table: str = "orders", day: int = 1) -> Path:
    return root / table / f"dt=2019-01-0{day}"


def part(root: Path, table: str = "orders", day: int = 1) -> Path:
    return folder(root, table, day) / "part-00000-of-00001.avro"


def change(manifest: Path, **changed: object) -> None:
    manifest.write_text(json.dumps(json.loads(manifest.read_text()) | changed))


def change_file(manifest: Path, **changed: object) -> None:
    (file,) = json.loads(manifest.read_text())["files"]
    change(manifest, files=[file | changed])


def no_file(root: Path) -> None:
    part(root).unlink()


def another_file(root: Path) -> None:
    (folder(root) / "part-00001-of-00002.avro").write_bytes(b"")


def longer_file(root: Path) -> None:
    change_file(folder(root) / lake.MANIFEST, bytes=12)


def another_sum(root: Path) -> None:
    (file,) = json.loads((folder(root) / lake.MANIFEST).read_text())["files"]
    change_file(folder(root) / lake.MANIFEST, sums=file["sums"] | {"items.cost": "0.01"})


def another_count(root: Path) -> None:
    change_file(folder(root) / lake.MANIFEST, rows=12)


def other_content(root: Path) -> None:
    change_file(folder(root) / lake.MANIFEST, fingerprint="xxh3:" + "0" * 32)


def flipped_bits(root: Path) -> None:
    content = bytearray(part(root).read_bytes())
    content[-40] ^= 0xFF
    part(root).write_bytes(content)


def another_seed(root: Path) -> None:
    change(folder(root) / lake.MANIFEST, seed=7)


def another_schema(root: Path) -> None:
    change(folder(root) / lake.MANIFEST, schema="0123456789abcdef")


def not_json(root: Path) -> None:
    (folder(root, "inventory_items", 2) / lake.MANIFEST).write_text("{")


def of_another_day(root: Path) -> None:
    change(folder(root, "inventory_items", 2) / lake.MANIFEST, day="2019-01-03")


def no_day(root: Path) -> None:
    (folder(root, "inventory_items", 2) / lake.MANIFEST).unlink()


@pytest.mark.parametrize(
    ("name", "spoil", "said"),
    [
        ("manifests.files", no_file, "found no such file"),
        ("manifests.files", another_file, "part-00001-of-00002.avro"),
        ("manifests.files", longer_file, "expected 12 bytes"),
        ("manifests.content", another_sum, "expected a sum of 0.01 in items.cost, found 24.00"),
        ("manifests.content", another_count, "adds up"),
        ("manifests.content", other_content, "not what was written"),
        ("manifests.content", flipped_bits, "part-00000-of-00001.avro"),
        ("manifests.world", another_seed, "seed 7"),
        ("manifests.schema", another_schema, "0123456789abcdef"),
        ("manifests.readable", not_json, "expected a manifest in JSON"),
        ("manifests.readable", of_another_day, "inventory_items on 2019-01-03"),
        ("manifests.days", no_day, "dt=2019-01-02: no manifest"),
    ],
)
def test_a_fault_in_the_files_is_found(rows, write, verified, name, spoil, said):
    root = write(rows)
    spoil(root)
    outcomes = verified(root)
    assert name in failed(outcomes)
    if said == "adds up":
        said = "do not add up"
    assert said in outcomes[name].note
    assert outcomes["customers.versions"].status is Status.OK


def test_rows_in_the_folder_of_another_day_are_found(rows, write, verified):
    row = rows["inventory_items"].pop(7) | {"created_at": at(2, 5)}
    root = write(rows)
    (folder(root, "inventory_items", 3) / lake.MANIFEST).unlink()
    folder(root, "inventory_items", 3).rmdir()
    write_day(root, tables.INVENTORY_ITEMS, date(2019, 1, 3), [row])
    outcomes = verified(root)
    assert failed(outcomes) == {"rows.day"}
    assert "rows of 2019-01-02" in outcomes["rows.day"].note


def test_days_that_the_period_should_have_are_missing(rows, write, verified):
    outcomes = verified(write(rows), start=date(2019, 1, 3), end=date(2019, 1, 6))
    assert failed(outcomes) == {"manifests.days"}
    assert outcomes["manifests.days"].value == 2 * 3, "two days of orders, of their events and of web events"


def test_a_file_with_an_earlier_schema_is_named_and_read(rows, write, verified):
    root = write(rows)
    batch = pa.RecordBatch.from_pylist(rows["orders"][:2], schema=tables.ORDERS.arrow_schema)
    schema = dict(tables.ORDERS.avro_schema)
    schema["fields"] = [field for field in schema["fields"] if field["name"] != "promotion_code"]
    with part(root).open("wb") as file:
        written = avro.write_blocks(file, schema, [batch.drop_columns(["promotion_code"])])
    manifest = folder(root) / lake.MANIFEST
    change_file(manifest, bytes=written.bytes, fingerprint=written.fingerprint)
    change(manifest, bytes=written.bytes)
    outcomes = verified(root)
    assert failed(outcomes) == {"manifests.schema"}
    assert "other columns than orders has now" in outcomes["manifests.schema"].note


def test_a_value_that_is_missing_stops_nothing(rows, write, verified):
    root = write(rows)
    kept = tables.ORDERS.arrow_schema
    nullable = pa.schema([field.with_nullable(True) for field in kept])
    rows["orders"][1]["customer_id"] = None
    batch = pa.RecordBatch.from_pylist(rows["orders"][:2], schema=nullable)
    schema = dict(tables.ORDERS.avro_schema)
    schema["fields"] = [
        field | {"type": ["null", "long"]} if field["name"] == "customer_id" else field for field in schema["fields"]
    ]
    with part(root).open("wb") as file:
        written = avro.write_blocks(file, schema, [batch])
    manifest = folder(root) / lake.MANIFEST
    change_file(manifest, bytes=written.bytes, fingerprint=written.fingerprint)
    change(manifest, bytes=written.bytes)
    assert failed(verified(root)) == {"manifests.schema"}


def test_a_folder_without_manifests_is_no_lake(tmp_path, verified):
    with pytest.raises(LakeError, match=r"expected manifests .* found none"):
        verified(tmp_path)


def test_a_period_without_days_is_no_lake(rows, write, verified):
    root = write({name: own for name, own in rows.items() if name == "orders"})
    with pytest.raises(LakeError, match="from 2020-01-01 to the last, found none"):
        verified(root, start=date(2020, 1, 1))


def test_only_avro_is_verified(rows, write, verified):
    root = write(rows)
    change(folder(root) / lake.MANIFEST, file_format="parquet")
    with pytest.raises(LakeError, match=r"expected Avro, .* found parquet"):
        verified(root)


def test_what_is_wrong_with_the_files_is_listed_when_all_is_well_too():
    outcomes = list(verification.Faults().outcomes())
    assert [outcome.name for outcome in outcomes] == list(verification.FILE_TARGETS)
    assert {outcome.measured for outcome in outcomes} == {"0"}


def test_a_lake_in_cloud_storage_is_verified_too(rows, write, verified, gs_folder):
    root = write(rows)
    for path in sorted(root.rglob("*.*")):
        if path.is_file():
            storage.write(storage.join(gs_folder, path.relative_to(root).as_posix()), partial(copy, path))
    outcomes = verified(gs_folder)
    assert failed(outcomes) == set()
    assert outcomes["orders.key"].status is Status.OK
    storage.delete([storage.join(gs_folder, "orders/dt=2019-01-01/part-00000-of-00001.avro")])
    assert "manifests.files" in failed(verified(gs_folder))


def copy(path: Path, file: BinaryIO) -> None:
    file.write(path.read_bytes())
