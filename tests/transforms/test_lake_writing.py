"""Files and manifests follow from the plan alone, and a day is whole or not there."""

from datetime import date
from pathlib import Path

import pytest
import xxhash
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beam_pipelines import lake, storage
from beam_pipelines.defects import CLEAN, Rates, truth
from beam_pipelines.transforms import lake_writing as writing
from beam_pipelines.transforms.lake_writing import DaysPlan, FilePlan, Target
from beam_pipelines.world import VERSION, World, date_of, day_number

WORLD = World(seed=42, scale=0.01)
FIRST = day_number(date(2025, 11, 20))


def write_days(
    output: Path | str,
    days: DaysPlan,
    world: World = WORLD,
    codec: str = "snappy",
    file_format: str = "avro",
    rates: Rates = CLEAN,
) -> list[lake.Manifest]:
    """What the pipeline does for some days, without a pipeline."""
    target = Target(str(output), world, codec, file_format, rates)
    files: dict[tuple[str, int], list[lake.LakeFile]] = {}
    for plan in writing.plan_files(world, days):
        file = writing.write_file(target, plan)
        files.setdefault((plan.table, plan.day), []).extend([file] if file else [])
    return [writing.write_manifest(target, day, written) for day, written in files.items()]


def orders(first: int, last: int) -> DaysPlan:
    return DaysPlan("orders", first, last, is_history=False)


def test_days_of_which_anything_is_there_are_not_new(tmp_path):
    for path in (
        "orders/dt=2019-01-04/left.tmp",
        "_truth/orders/dt=2019-01-05/part.jsonl",
        "customers/dt=2019-01-06/x",
    ):
        (tmp_path / path).parent.mkdir(parents=True)
        (tmp_path / path).touch()
    there = writing.days_there(str(tmp_path), orders(2, 5))
    assert there == {"2019-01-04", "2019-01-05"}
    assert writing.days_there(str(tmp_path), orders(3, 3)) == {"2019-01-04"}
    new = [date_of(plan.day).day for plan in writing.plan_files(WORLD, orders(2, 5), there) if plan.is_new]
    assert new == [3, 6]


def test_small_days_have_one_file_each():
    plans = list(writing.plan_files(WORLD, orders(3, 5)))
    assert plans == [FilePlan("orders", day, 0, 1, False) for day in (3, 4, 5)]


def test_large_days_have_a_file_for_every_million_rows():
    world = World(seed=42, scale=1_000)
    plans = list(writing.plan_files(world, DaysPlan("orders", FIRST, FIRST, is_history=True)))
    parts = -(-world.blocks("orders", FIRST) // writing.BLOCKS_PER_FILE)
    assert parts > 1
    assert plans == [FilePlan("orders", FIRST, part, parts, True) for part in range(parts)]


def test_files_of_a_day_hold_all_its_blocks_once(tmp_path, monkeypatch):
    monkeypatch.setattr(writing, "BLOCKS_PER_FILE", 1)
    world = World(seed=42, scale=30)
    (manifest,) = write_days(tmp_path, DaysPlan("orders", 0, 0, is_history=False), world)
    assert [file.rows for file in manifest.files] == [
        16_384 if i == 0 else world.rows("orders", 0) - 16_384 for i in (0, 1)
    ]
    assert manifest.rows == world.rows("orders", 0)


def test_a_day_without_rows_has_a_manifest_and_no_file(tmp_path):
    (manifest,) = write_days(tmp_path, DaysPlan("distribution_centers", 1, 1, is_history=False))
    assert (manifest.rows, manifest.files) == (0, ())
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [lake.MANIFEST]


def test_the_manifest_says_what_was_written(tmp_path):
    (manifest,) = write_days(tmp_path, orders(FIRST, FIRST))
    folder = lake.folder(str(tmp_path), "orders", date_of(FIRST))
    assert manifest == lake.Manifest.from_json(storage.read(f"{folder}/{lake.MANIFEST}").decode(), folder)
    assert [storage.size(f"{folder}/{file.name}") for file in manifest.files] == [file.bytes for file in manifest.files]
    assert (manifest.world, manifest.seed, manifest.scale, manifest.codec) == (VERSION, 42, 0.01, "snappy")


def test_a_relative_output_keeps_its_files(tmp_path, monkeypatch):
    """What a run has just written is not taken for something left by another."""
    monkeypatch.chdir(tmp_path)
    for output in ("./lake", "lake", "a//b"):
        write_days(output, orders(3, 3))
        assert len(storage.find(f"{output}/orders", "*/*.avro")) == 1, output


@pytest.mark.parametrize("left", ["part-00001-of-00002.avro", ".part-00000-of-00001.avro.0123.tmp", "notes.txt"])
def test_what_others_left_in_the_folder_is_deleted(tmp_path, left):
    folder = Path(lake.folder(str(tmp_path), "orders", date_of(3)))
    folder.mkdir(parents=True)
    (folder / left).write_bytes(b"left")
    write_days(tmp_path, orders(3, 3))
    assert sorted(path.name for path in folder.iterdir()) == [lake.MANIFEST, "part-00000-of-00001.avro"]


def test_the_neighbouring_days_are_left_alone(tmp_path, tree_hashes):
    write_days(tmp_path, orders(2, 4))
    before = tree_hashes(tmp_path)
    write_days(tmp_path, orders(3, 3), World(seed=43, scale=0.01))
    changed = {path for path, content in tree_hashes(tmp_path).items() if before[path] != content}
    assert {path.split("/")[1] for path in changed} == {f"dt={date_of(3)}"}


def test_a_codec_changes_bytes_but_not_fingerprints(tmp_path):
    by_codec = {
        codec: write_days(tmp_path / codec, orders(3, 3), codec=codec)[0] for codec in ("snappy", "deflate", "null")
    }
    files = [manifest.files[0] for manifest in by_codec.values()]
    assert len({file.bytes for file in files}) == 3
    assert len({(file.fingerprint, file.rows, tuple(file.sums.items())) for file in files}) == 1


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ({}, True),
        ({"seed": 43}, False),
        ({"scale": 0.02}, False),
        ({"codec": "null"}, False),
        ({"parts": 2}, False),
        ({"schema": "another"}, False),
        ({"world": VERSION + 1}, False),
        ({"file_format": "parquet"}, False),
        ({"rates": Rates.of({"late": 0.1})}, False),
    ],
)
def test_a_day_is_the_same_only_if_nothing_would_be_written_differently(tmp_path, changed, same):
    (manifest,) = write_days(tmp_path, orders(3, 3))
    world = World(seed=changed.get("seed", 42), scale=changed.get("scale", 0.01))
    described = {name: value for name, value in changed.items() if name in ("schema", "world")}
    manifest = lake.Manifest(**{**manifest.__dict__, **described})
    asked = (changed.get("codec", "snappy"), changed.get("file_format", "avro"), changed.get("rates", CLEAN))
    assert writing.is_same(manifest, Target(str(tmp_path), world, *asked), changed.get("parts", 1)) is same


def test_a_clean_days_rows_are_all_of_its_date(tmp_path):
    manifests = [
        manifest
        for table in ("orders", "customers", "distribution_centers")
        for manifest in write_days(tmp_path, DaysPlan(table, 0, 3, is_history=False))
    ]
    for manifest in manifests:
        own = {manifest.day.isoformat(): manifest.rows} if manifest.table != "distribution_centers" else {}
        assert (manifest.rows_by_date, manifest.defects, manifest.file_format) == (own, {}, "avro")
        assert all(file.rows_by_date == own for file in manifest.files)


@pytest.mark.parametrize(("file_format", "codec"), [("parquet", "zstandard"), ("jsonl", "null"), ("csv", "null")])
def test_other_formats_lie_in_the_same_places(tmp_path, file_format, codec):
    (avro,) = write_days(tmp_path / "avro", orders(3, 3))
    (manifest,) = write_days(tmp_path, orders(3, 3), codec=codec, file_format=file_format)
    assert (manifest.file_format, manifest.codec, manifest.sums) == (file_format, codec, avro.sums)
    (file,) = manifest.files
    path = f"{lake.folder(str(tmp_path), 'orders', date_of(3))}/part-00000-of-00001.{file_format}"
    assert storage.size(path) == file.bytes > 0
    assert file.fingerprint == f"xxh3:{xxhash.xxh3_128_hexdigest(storage.read(path))}"


def test_a_day_in_another_format_replaces_the_day(tmp_path, tree_hashes):
    write_days(tmp_path / "both", orders(3, 3))
    for root in ("both", "one"):
        write_days(tmp_path / root, orders(3, 3), codec="null", file_format="csv")
    assert tree_hashes(tmp_path / "both") == tree_hashes(tmp_path / "one")


DEFECTIVE = Rates.of({"duplicate": 0.3, "late": 0.3})


def truth_files(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*.jsonl"))


def test_the_truth_lies_beside_the_lake_and_goes_with_the_defects(tmp_path, tree_hashes):
    (manifest,) = write_days(tmp_path / "both", orders(FIRST, FIRST), rates=DEFECTIVE)
    assert manifest.defects == {"late": 0.3, "duplicate": 0.3}
    day = f"{truth.FOLDER}/orders/dt={date_of(FIRST)}"
    assert truth_files(tmp_path / "both") == [f"{day}/part-00000-of-00001.jsonl"]
    stale = tmp_path / "both" / day / "part-00001-of-00002.jsonl"
    stale.write_bytes(b"{}")
    write_days(tmp_path / "both", orders(FIRST, FIRST), rates=DEFECTIVE)
    assert not stale.exists()
    for root in ("both", "one"):
        write_days(tmp_path / root, orders(FIRST, FIRST))
    assert tree_hashes(tmp_path / "both") == tree_hashes(tmp_path / "one")


def test_a_day_without_defects_has_no_truth(tmp_path):
    write_days(tmp_path, orders(FIRST, FIRST), rates=DEFECTIVE)
    write_days(tmp_path, orders(FIRST, FIRST), rates=Rates.of({"late": 1e-9}))
    assert truth_files(tmp_path) == []


def test_a_file_that_cannot_be_written_leaves_no_truth(tmp_path, monkeypatch):
    def fail(world, table, day, block):
        raise MemoryError("no more")

    monkeypatch.setattr(World, "block", fail)
    with pytest.raises(MemoryError):
        write_days(tmp_path, orders(FIRST, FIRST), rates=DEFECTIVE)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


@pytest.mark.parametrize("content", [None, b"", b"{", b"\xff\xfe", b'{"format": 0}'])
def test_a_manifest_that_cannot_be_read_is_none(tmp_path, content):
    path = Path(lake.folder(str(tmp_path), "orders", date_of(3))) / lake.MANIFEST
    if content is not None:
        path.parent.mkdir(parents=True)
        path.write_bytes(content)
    assert writing.read_manifest(str(tmp_path), "orders", 3) is None


@pytest.fixture(scope="module")
def twelve_days(tmp_path_factory, tree_hashes) -> dict[str, str]:
    """Twelve days of orders written in one go."""
    output = tmp_path_factory.mktemp("twelve_days")
    write_days(output, orders(FIRST, FIRST + 11))
    return tree_hashes(output)


@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cuts=st.sets(st.integers(1, 11)),
    overlap=st.tuples(st.integers(0, 11), st.integers(0, 11)).map(sorted),
    random=st.randoms(use_true_random=False),
)
def test_however_a_range_is_split_its_files_are_the_same(
    tmp_path_factory, tree_hashes, twelve_days, cuts, overlap, random
):
    output = tmp_path_factory.mktemp("pieces")
    starts = [0, *sorted(cuts)]
    pieces = [(start, end - 1) for start, end in zip(starts, [*starts[1:], 12], strict=True)] + [tuple(overlap)]
    random.shuffle(pieces)
    for first, last in pieces:
        write_days(output, orders(FIRST + first, FIRST + last))
    assert tree_hashes(output) == twelve_days
