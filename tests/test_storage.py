"""Files behave alike on a local disk and in Cloud Storage."""

import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from beam_pipelines import storage


@pytest.fixture
def path(folder) -> str:
    return storage.join(folder, "orders", "dt=2025-11-28", "part.avro")


def put(path: str, content: bytes) -> None:
    storage.write(path, lambda file: file.write(content))


def everything(folder: str) -> list[str]:
    """All files up to three levels down, hidden ones too."""
    return [found for pattern in ("*", "*/*", "*/*/*") for found in storage.find(folder, pattern)]


def test_a_written_file_reads_back(path):
    put(path, b"\x00\xff" * 70_000)
    assert storage.read(path) == b"\x00\xff" * 70_000


def test_write_returns_what_the_writer_returned(path):
    assert storage.write(path, lambda file: file.write(b"abc") and "written") == "written"


def test_an_empty_file_can_be_written(path):
    put(path, b"")
    assert (storage.read(path), storage.size(path)) == (b"", 0)


def test_writing_again_replaces(path, folder):
    put(path, b"a longer first content")
    put(path, b"second")
    assert storage.read(path) == b"second"
    assert everything(folder) == [path]


@pytest.mark.parametrize("error", [ValueError("no"), KeyboardInterrupt()], ids=["error", "interrupt"])
def test_a_writer_that_raises_leaves_no_file(path, folder, error):
    def writer(file):
        file.write(b"half")
        raise error

    with pytest.raises(type(error)):
        storage.write(path, writer)
    assert everything(folder) == []
    assert storage.size(path) is None


def test_a_writer_that_raises_leaves_the_earlier_file(path, folder):
    put(path, b"earlier")
    with pytest.raises(ZeroDivisionError):
        storage.write(path, lambda file: file.write(b"x" * (1 // 0)))
    assert storage.read(path) == b"earlier"
    assert everything(folder) == [path]


def test_a_bucket_that_is_not_there_is_named(gs_folder):
    for use in (
        lambda: put("gs://nowhere-at-all/part.avro", b"whole"),
        lambda: storage.find("gs://nowhere-at-all", "*"),
    ):
        with pytest.raises(FileNotFoundError, match=r"^gs://nowhere-at-all: there is no such bucket$"):
            use()


def test_an_object_larger_than_what_is_kept_in_memory_reads_back(gs_folder, monkeypatch):
    monkeypatch.setattr(storage, "IN_MEMORY", 1000)
    put(f"{gs_folder}/part.avro", b"0123456789" * 1_000_000)
    assert storage.size(f"{gs_folder}/part.avro") == 10_000_000
    with storage.open_for_reading(f"{gs_folder}/part.avro") as file:
        file.seek(9_999_995)
        assert file.read() == b"56789"


def test_a_file_is_not_seen_before_it_is_whole(path):
    def writer(file):
        file.write(b"half")
        return storage.size(path)

    assert storage.write(path, writer) is None


def test_writers_side_by_side_leave_one_whole_file(path, folder):
    contents = [bytes([letter]) * 50_000 for letter in b"abcd"]
    together = threading.Barrier(len(contents))

    def write_slowly(content):
        def writer(file):
            file.write(content[:10])
            together.wait()
            file.write(content[10:])

        storage.write(path, writer)

    with ThreadPoolExecutor(len(contents)) as pool:
        for written in [pool.submit(write_slowly, content) for content in contents]:
            written.result()
    assert storage.read(path) in contents
    assert everything(folder) == [path]


def test_reading_what_is_not_there_is_a_file_not_found_error(path):
    with pytest.raises(FileNotFoundError, match=r"part\.avro"):
        storage.read(path)


def test_size_is_the_files_bytes_or_none(path):
    assert storage.size(path) is None
    put(path, b"12345")
    assert storage.size(path) == 5


def test_a_folder_has_no_size(path):
    put(path, b"12345")
    assert storage.size(path.rsplit("/", 1)[0]) is None


def test_find_keeps_stars_within_a_level(folder):
    names = ["_a.json", "orders/dt=1/x.avro", "orders/dt=1/_m.json", "orders/dt=2/_m.json", "items/dt=1/_m.json"]
    for name in names:
        put(storage.join(folder, *name.split("/")), b"x")

    def found(pattern):
        return [path.removeprefix(folder + "/") for path in storage.find(folder, pattern)]

    assert found("*") == ["_a.json"]
    assert found("orders/dt=*/_m.json") == ["orders/dt=1/_m.json", "orders/dt=2/_m.json"]
    assert found("orders/dt=1/*") == ["orders/dt=1/_m.json", "orders/dt=1/x.avro"]
    assert found("*/*/*.json") == ["items/dt=1/_m.json", "orders/dt=1/_m.json", "orders/dt=2/_m.json"]
    assert found("customers/*") == []


def test_find_sees_temporary_files(folder):
    left = storage.join(folder, "day", f".part.avro.0123{storage.TEMPORARY}")
    put(left, b"half")
    assert storage.find(storage.join(folder, "day"), "*") == [left]


def test_find_spells_paths_as_the_folder_was_given(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    put("./lake/day/part", b"x")
    assert storage.find("./lake", "*/*") == ["./lake/day/part"]
    assert storage.find("lake", "*/*") == ["lake/day/part"]


def test_names_are_those_of_the_files_in_the_folder_itself(folder):
    for name in ("b", f".a{storage.TEMPORARY}", "below/c"):
        put(storage.join(folder, "day", *name.split("/")), b"x")
    assert storage.names(storage.join(folder, "day")) == [f".a{storage.TEMPORARY}", "b"]
    assert storage.names(storage.join(folder, "nowhere")) == []


def test_find_in_a_folder_that_is_not_there_finds_nothing(folder):
    assert storage.find(storage.join(folder, "nowhere"), "*") == []


def test_delete_removes_what_is_there_and_forgives_the_rest(path, folder):
    put(path, b"x")
    storage.delete([path, storage.join(folder, "missing")])
    assert everything(folder) == []


def test_delete_of_nothing_does_nothing(path, folder):
    put(path, b"x")
    storage.delete([])
    assert everything(folder) == [path]


def test_join_drops_a_trailing_slash():
    assert storage.join("gs://bucket/lake/", "orders", "a") == "gs://bucket/lake/orders/a"


def test_a_local_write_needs_neither_beam_nor_google(tmp_path):
    """The commands that only look at a local lake start quickly."""
    program = (
        "import sys; from beam_pipelines import storage; storage.write(sys.argv[1], lambda f: f.write(b'x')); "
        "sys.exit(not {'apache_beam', 'google.cloud.storage'}.isdisjoint(sys.modules))"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "file")], check=True, cwd=Path.cwd())
    assert storage.read(str(tmp_path / "file")) == b"x"
