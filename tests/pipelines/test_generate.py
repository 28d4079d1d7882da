"""The generate pipeline writes the same days however it is asked to."""

from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path

import pytest
from apache_beam.testing import test_pipeline
from apache_beam.testing.util import assert_that, equal_to

from beam_pipelines import lake, storage, tables
from beam_pipelines.pipelines import generate as generating
from beam_pipelines.progress import ProgressLog
from beam_pipelines.transforms.lake_writing import DaysPlan
from beam_pipelines.world import VERSION, World, date_of, day_number

MULTI_PROCESSING = ("--direct_running_mode=multi_processing", "--direct_num_workers=2")
WORLD = World(seed=42, scale=0.01)
HISTORY = [f"dt={date(2019, 1, 1) + timedelta(days=day)}" for day in range(29)]
ASKED = ["dt=2019-01-30", "dt=2019-01-31", "dt=2019-02-01"]


def days_in(root: Path, table: str) -> list[str]:
    return sorted(folder.name for folder in (root / table).iterdir())


def manifests_in(root: Path) -> list[lake.Manifest]:
    return [lake.Manifest.from_json(path.read_text(), str(path)) for path in sorted(root.rglob(lake.MANIFEST))]


def part_of(hashes: dict[str, str], prefix: str) -> dict[str, str]:
    return {path: content for path, content in hashes.items() if path.startswith(prefix)}


def test_facts_are_planned_as_asked_and_what_they_refer_to_before(generate_settings):
    plans = generating.plan_days(generate_settings())
    earlier = [DaysPlan(table.name, 0, 28, is_history=True) for table in tables.DIMENSIONS]
    earlier.append(DaysPlan("inventory_items", 1, 28, is_history=True))
    assert plans == earlier + [DaysPlan(table.name, 29, 31, is_history=False) for table in tables.LAKE]


@pytest.mark.parametrize(
    "changed",
    [{"start_date": "2019-01-01"}, {"dimension_history": "none"}, {"tables": "orders"}],
    ids=["from the opening", "none asked for", "no dimensions"],
)
def test_there_may_be_no_history_to_plan(generate_settings, changed):
    assert not any(plan.is_history for plan in generating.plan_days(generate_settings(**changed)))


def test_exactly_the_days_asked_for_and_their_history_are_there(small_lake):
    assert days_in(small_lake, "orders") == ASKED
    for table in tables.DIMENSIONS:
        assert days_in(small_lake, table.name) == HISTORY + ASKED
    assert days_in(small_lake, "inventory_items") == HISTORY[-tables.LONGEST_IN_STOCK :] + ASKED


def test_every_day_holds_its_manifest_and_the_files_that_it_names(small_lake):
    for manifest in manifests_in(small_lake):
        folder = Path(lake.folder(str(small_lake), manifest.table, manifest.day))
        named = {file.name: file.bytes for file in manifest.files}
        found = {path.name: path.stat().st_size for path in folder.iterdir() if path.name != lake.MANIFEST}
        assert found == named, folder
        assert manifest.rows == WORLD.rows(manifest.table, day_number(manifest.day)), folder


def test_the_result_is_the_manifests(tmp_path, generate_settings, small_lake):
    settings = generate_settings(output=str(tmp_path), tables="orders")
    expected = [manifest for manifest in manifests_in(small_lake) if manifest.table == "orders"]
    assert len(expected) == 3
    with test_pipeline.TestPipeline(runner="apache_beam.runners.portability.fn_api_runner.FnApiRunner") as pipeline:
        manifests = generating.build(pipeline, settings)
        assert_that(manifests, equal_to(expected))


def test_a_day_alone_equals_the_day_in_a_range(tmp_path, generate, small_lake, tree_hashes):
    generate(tmp_path, "--start_date=2019-01-31", "--end_date=2019-01-31")
    alone, whole = tree_hashes(tmp_path), tree_hashes(small_lake)
    assert part_of(alone, "orders/") == part_of(whole, "orders/dt=2019-01-31")
    assert len(alone) > 60
    assert alone.items() <= whole.items()


def test_a_month_holds_the_same_days(tmp_path, generate, small_lake, tree_hashes):
    generate(tmp_path, "--start_date=2019-01-10", "--end_date=2019-02-09")
    month = tree_hashes(tmp_path)
    assert len(part_of(month, "orders/")) == 62
    assert tree_hashes(small_lake).items() <= month.items()


def test_worker_processes_write_the_same_bytes(tmp_path, generate, small_lake, tree_hashes):
    generate(tmp_path, *MULTI_PROCESSING)
    assert tree_hashes(tmp_path) == tree_hashes(small_lake)


def test_bundles_that_are_run_again_write_the_same_bytes(tmp_path, generate, small_lake, tree_hashes):
    generate(tmp_path, "--direct_runner_bundle_repeat=1")
    assert tree_hashes(tmp_path) == tree_hashes(small_lake)


def test_cloud_storage_gets_the_same_bytes(gs_folder, generate, small_lake, tree_hashes):
    few = ("--tables=distribution_centers,orders", "--dimension_history=none", "--start_date=2019-01-31")
    generate(gs_folder, *few)
    paths = storage.find(gs_folder, "*/*/*")
    names = [path.removeprefix(f"{gs_folder}/") for path in paths]
    assert names == [f"distribution_centers/{day}/_MANIFEST.json" for day in ASKED[1:]] + [
        f"orders/{day}/{name}" for day in ASKED[1:] for name in (lake.MANIFEST, "part-00000-of-00001.avro")
    ]
    for path, name in zip(paths, names, strict=True):
        assert storage.read(path) == (small_lake / name).read_bytes(), name
    generate(gs_folder, *few, "--seed=43")
    assert storage.find(gs_folder, "*/*/*") == paths, "nothing is left of the first run or of its temporary files"
    assert storage.read(paths[-1]) != (small_lake / names[-1]).read_bytes()


@pytest.fixture
def lake_of_a_day(tmp_path, generate) -> Path:
    """The second day of the shop, with the first as history."""
    generate(tmp_path, "--start_date=2019-01-02", "--end_date=2019-01-02")
    return tmp_path


SECOND_DAY = ("--start_date=2019-01-02", "--end_date=2019-01-02")


def times(root: Path) -> dict[str, int]:
    return {str(path.relative_to(root)): path.stat().st_mtime_ns for path in root.rglob("*") if path.is_file()}


def test_a_second_run_writes_the_same_bytes_and_leaves_history_alone(lake_of_a_day, generate, tree_hashes):
    before, written = tree_hashes(lake_of_a_day), times(lake_of_a_day)
    generate(lake_of_a_day, *SECOND_DAY)
    assert tree_hashes(lake_of_a_day) == before
    rewritten = {path for path, time in times(lake_of_a_day).items() if written[path] != time}
    assert {path.split("/")[1] for path in rewritten} == {"dt=2019-01-02"}


@pytest.mark.parametrize("changed", ["--seed=43", "--scale=0.03", "--codec=null"])
def test_another_world_replaces_the_days_wholly(lake_of_a_day, generate, tree_hashes, tmp_path_factory, changed):
    generate(lake_of_a_day, *SECOND_DAY, changed)
    fresh = tmp_path_factory.mktemp("fresh")
    generate(fresh, *SECOND_DAY, changed)
    assert tree_hashes(lake_of_a_day) == tree_hashes(fresh)


def test_what_a_killed_run_left_is_cleaned_up(lake_of_a_day, generate, tree_hashes):
    before = tree_hashes(lake_of_a_day)
    history = lake_of_a_day / "products" / "dt=2019-01-01"
    (history / lake.MANIFEST).unlink()
    (history / ".part-00000-of-00001.avro.0123456789abcdef.tmp").write_bytes(b"half a file")
    orders = lake_of_a_day / "orders" / "dt=2019-01-02"
    (orders / "part-00000-of-00001.avro").write_bytes(b"Obj")
    (orders / "._MANIFEST.json.0123456789abcdef.tmp").write_bytes(b"{")
    (orders / "part-00001-of-00002.avro").write_bytes(b"of a larger run")
    generate(lake_of_a_day, *SECOND_DAY)
    assert tree_hashes(lake_of_a_day) == before


def test_a_missing_file_of_history_is_written_again(lake_of_a_day, generate, tree_hashes):
    before = tree_hashes(lake_of_a_day)
    (lake_of_a_day / "products" / "dt=2019-01-01" / "part-00000-of-00001.avro").unlink()
    generate(lake_of_a_day, *SECOND_DAY)
    assert tree_hashes(lake_of_a_day) == before


def test_a_run_that_fails_leaves_no_manifest_of_its_day(tmp_path, generate, monkeypatch):
    def fail(world, table, day, block):
        raise MemoryError("no more")

    monkeypatch.setattr(World, "block", fail)
    with pytest.raises(Exception, match="no more"):
        generate(tmp_path, "--tables=orders")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_progress_counts_what_is_written_and_what_was_there(tmp_path, generate_settings, small_lake):
    log = ProgressLog(str(tmp_path / "progress"))
    for _ in range(2):
        with test_pipeline.TestPipeline(runner="apache_beam.runners.portability.fn_api_runner.FnApiRunner") as pipeline:
            generating.build(pipeline, generate_settings(output=str(tmp_path / "lake"), tables="customers"), log)
    _, advances = log.read(0)
    rows = {kept: sum(advance.rows for advance in advances if advance.kept is kept) for kept in (False, True)}
    history, asked = (sum(WORLD.rows("customers", day) for day in days) for days in (range(29), range(29, 32)))
    assert rows == {False: history + 2 * asked, True: history}


def test_manifests_name_the_world_that_was_drawn(small_lake):
    for manifest in manifests_in(small_lake):
        known = asdict(manifest)
        assert (known["world"], known["seed"], known["scale"], known["codec"]) == (VERSION, 42, 0.01, "snappy")
        assert known["schema"] == tables.BY_NAME[manifest.table].fingerprint
        assert date_of(0) <= manifest.day <= date_of(31)
