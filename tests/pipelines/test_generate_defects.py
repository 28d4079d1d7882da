"""Defects of the real world, by the whole pipeline: the truth accounts for all of them."""

from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import pytest

from beam_pipelines import lake, tables
from beam_pipelines.defects import KINDS, ROW_KINDS, truth
from beam_pipelines.schema import Table
from beam_pipelines.transforms.lake_reading import read_manifest
from beam_pipelines.world import World, day_number
from tests.defects.lakes import Lake, points_at_its_row, reconcile

FIRST, LAST = date(2020, 1, 5), date(2020, 1, 7)
DAYS = (f"--start_date={FIRST}", f"--end_date={LAST}", "--scale=0.02", "--dimension_history=none")
WORLD = World(seed=42, scale=0.02)
RATE = 0.05


def lake_of(root: Path, table: Table) -> Lake:
    paths = sorted((root / table.name).rglob(lake.MANIFEST))
    return Lake(root, table, [lake.Manifest.from_json(path.read_text(), str(path)) for path in paths])


def clean_rows(table: Table) -> dict[str, list]:
    """The rows of the days, and of three before them, as the world draws them."""
    first = FIRST - timedelta(days=3)
    days = [first + timedelta(days=number) for number in range((LAST - first).days + 1)]
    return {
        day.isoformat(): [
            row
            for block in range(WORLD.blocks(table.name, day_number(day)))
            for row in WORLD.block(table.name, day_number(day), block).to_pylist()
        ]
        for day in days
    }


@pytest.fixture(scope="module")
def clean(tmp_path_factory, generate) -> Path:
    root = tmp_path_factory.mktemp("clean")
    generate(root, *DAYS)
    return root


@pytest.fixture(scope="module")
def defective(tmp_path_factory, generate) -> Path:
    """Every kind that befalls rows."""
    root = tmp_path_factory.mktemp("defective")
    generate(root, *DAYS, f"--defect_rate={RATE}", "--defects=corrupt_block=0,older_schema=0")
    return root


@pytest.mark.parametrize("table", tables.LAKE, ids=lambda table: table.name)
def test_the_truth_accounts_for_every_difference(clean, defective, table):
    found, originals = lake_of(defective, table), clean_rows(table)
    reconcile(lake_of(clean, table), originals)
    reconcile(found, originals)
    points_at_its_row(found)


def test_every_kind_is_there(defective):
    kinds = Counter(line["kind"] for table in tables.LAKE for line in lake_of(defective, table).truths())
    assert set(kinds) == {*ROW_KINDS, "withheld"}
    rows = sum(WORLD.rows(table.name, day_number(day)) for table in tables.LAKE for day in (FIRST, LAST))
    assert sum(kinds.values()) > rows * RATE


@pytest.mark.parametrize("kind", [*ROW_KINDS, "corrupt_block", "older_schema"])
def test_one_kind_alone(tmp_path, generate, kind):
    generate(tmp_path, *DAYS, "--tables=orders", f"--defects={kind}=0.3", "--codec=zstandard")
    found = lake_of(tmp_path, tables.ORDERS)
    damages = []
    if kind == "corrupt_block":
        list(found.blocks(on_damage=lambda name, damage: damages.append((name, damage.offset, damage.length))))
        assert damages == [(line["file"], line["offset"], line["length"]) for line in found.truths()]
    elif kind == "older_schema":
        reconcile(found, clean_rows(tables.ORDERS), without="promotion_code")
    else:
        reconcile(found, clean_rows(tables.ORDERS))
    assert {line["kind"] for line in found.truths()} - {"withheld"} <= {kind}


def test_workers_and_bundles_make_no_difference(tmp_path, generate, tree_hashes):
    flags = (*DAYS, "--tables=orders,customers,products", "--defect_rate=0.1")
    generate(tmp_path / "one", *flags)
    generate(tmp_path / "two", *flags, "--direct_running_mode=multi_processing", "--direct_num_workers=2")
    generate(tmp_path / "twice", *flags, "--direct_runner_bundle_repeat=1")
    generate(tmp_path / "days", *flags, f"--end_date={FIRST}")
    generate(tmp_path / "days", *flags, f"--start_date={FIRST + timedelta(days=1)}")
    expected = tree_hashes(tmp_path / "one")
    assert any(path.startswith(truth.FOLDER) for path in expected)
    for other in ("two", "twice", "days"):
        assert tree_hashes(tmp_path / other) == expected, other


def test_cloud_storage_gets_the_same_truth(gs_folder, tmp_path, generate):
    from beam_pipelines import storage

    flags = (*DAYS, "--tables=orders", "--defect_rate=0.1")
    generate(gs_folder, *flags)
    generate(tmp_path, *flags)
    local = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    for name in local:
        assert storage.read(f"{gs_folder}/{name}") == (tmp_path / name).read_bytes(), name
    generate(gs_folder, *DAYS, "--tables=orders")
    assert storage.find(gs_folder, f"{truth.FOLDER}/orders/*/*") == [], "a clean run takes the truth away"


def test_no_defects_leave_the_files_as_they_are(tmp_path, generate, clean, tree_hashes):
    generate(tmp_path, *DAYS, "--defect_rate=0", f"--defects={','.join(f'{kind}=0' for kind in KINDS)}")
    assert tree_hashes(tmp_path) == tree_hashes(clean)


def test_clean_days_are_replaced_by_defective_ones_and_back(tmp_path, generate, tree_hashes):
    flags = ("--start_date=2019-01-02", "--end_date=2019-01-02", "--scale=0.02", "--tables=customers")
    generate(tmp_path, *flags)
    before = tree_hashes(tmp_path)
    generate(tmp_path, *flags, "--defect_rate=0.2")
    after = tree_hashes(tmp_path)
    days = {path.split("/")[1] for path in before if before[path] != after.get(path)}
    assert days == {"dt=2019-01-01", "dt=2019-01-02"}, "history too"
    generate(tmp_path, *flags)
    assert tree_hashes(tmp_path) == before


@pytest.mark.parametrize("file_format", ["parquet", "jsonl", "csv"])
def test_other_formats_have_the_same_defects(tmp_path, generate, file_format):
    flags = (*DAYS, "--tables=orders", "--defect_rate=0.1")
    generate(tmp_path / "avro", *flags, "--defects=corrupt_block=0,older_schema=0")
    generate(tmp_path / "other", *flags, f"--format={file_format}")
    avro, other = (lake_of(tmp_path / name, tables.ORDERS) for name in ("avro", "other"))
    assert [m.rows_by_date for m in other.manifests] == [m.rows_by_date for m in avro.manifests]
    assert [m.sums for m in other.manifests] == [m.sums for m in avro.manifests]
    expected = [line | {"offset": None, "file": None} for line in avro.truths()]
    assert [line | {"file": None} for line in other.truths()] == expected
    path = str(tmp_path / "other" / "orders" / f"dt={FIRST}" / lake.MANIFEST)
    message = f"^{path}: expected files in avro, which is what load reads, got {file_format}$"
    with pytest.raises(lake.LakeError, match=message):
        read_manifest(path)
