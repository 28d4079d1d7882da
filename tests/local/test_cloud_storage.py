"""The local Cloud Storage: what is written stays, whoever writes at the same time and however the server ends."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from google.api_core.exceptions import BadRequest, NotFound, PreconditionFailed
from google.auth.credentials import AnonymousCredentials
from google.cloud import storage
from google.cloud.storage.exceptions import InvalidResponse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from beam_pipelines.local import cloud_storage
from beam_pipelines.local.stored_objects import METADATA


def client_of(endpoint: str) -> storage.Client:
    return storage.Client(
        project="local", credentials=AnonymousCredentials(), client_options={"api_endpoint": endpoint}
    )


@contextmanager
def serving(folder: Path, *, port: int = 0) -> Iterator[storage.Bucket]:
    with cloud_storage.running(folder, port, ("local",)) as endpoint:
        yield client_of(endpoint).bucket("local")


@pytest.fixture(scope="module")
def bucket(tmp_path_factory) -> Iterator[storage.Bucket]:
    with serving(tmp_path_factory.mktemp("storage")) as bucket:
        yield bucket


def described(bucket: storage.Bucket) -> dict[str, tuple[object, ...]]:
    return {
        blob.name: (blob.content_type, blob.generation, blob.md5_hash, blob.crc32c, blob.size, blob.metadata)
        for blob in bucket.client.list_blobs(bucket)
    }


def write_some(bucket: storage.Bucket) -> None:
    for name, content in {"a": b"one", "lake/orders/b.avro": b"two", "lake/c": b"three"}.items():
        blob = bucket.blob(name)
        blob.metadata = {"written": "by hand"}
        blob.upload_from_string(content, content_type="text/plain")
    bucket.blob("lake/c").delete()


def test_objects_survive_a_restart(tmp_path):
    with serving(tmp_path) as bucket:
        write_some(bucket)
        before = described(bucket)
    with serving(tmp_path) as bucket:
        assert described(bucket) == before
        assert sorted(before) == ["a", "lake/orders/b.avro"]
        # Through the link in its metadata, which has to lead to the new port.
        assert bucket.get_blob("lake/orders/b.avro").download_as_bytes() == b"two"


def test_objects_survive_a_kill(tmp_path):
    program = """if True:
        import sys, threading
        from pathlib import Path
        from beam_pipelines.local import cloud_storage
        with cloud_storage.running(Path(sys.argv[1]), 0, ("local",)) as endpoint:
            print(endpoint, flush=True)
            threading.Event().wait()
    """
    with subprocess.Popen([sys.executable, "-c", program, tmp_path], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        bucket = client_of(process.stdout.readline().strip()).bucket("local")
        write_some(bucket)
        before = described(bucket)
        process.send_signal(signal.SIGKILL)
    assert not (tmp_path / METADATA).exists()
    (tmp_path / "_incoming" / "half").write_text("tw")
    with serving(tmp_path) as bucket:
        lost = {"content_type": "application/octet-stream", "metadata": None}
        expected = {name: (lost["content_type"], *of[1:-1], lost["metadata"]) for name, of in before.items()}
        assert described(bucket) == expected
        assert bucket.blob("lake/orders/b.avro").download_as_bytes() == b"two"


def test_a_file_is_an_object(tmp_path):
    with serving(tmp_path) as bucket:
        bucket.blob("changed").upload_from_string("before")
        bucket.blob("deleted").upload_from_string("before")
    (tmp_path / "local" / "changed").write_text("after")
    (tmp_path / "local" / "deleted").unlink()
    (tmp_path / "mine" / "folder").mkdir(parents=True)
    (tmp_path / "mine" / "folder" / "new").write_text("new")
    with serving(tmp_path) as bucket:
        assert [blob.name for blob in bucket.client.list_blobs("local")] == ["changed"]
        changed = bucket.get_blob("changed")
        assert (changed.size, changed.download_as_bytes()) == (5, b"after")  # and the client checks its checksum
        assert bucket.client.bucket("mine").blob("folder/new").download_as_text() == "new"


def test_writers_at_once_lose_nothing(bucket):
    def write(writer: int) -> None:
        own = client_of(bucket.client._connection.API_BASE_URL).bucket("local")
        for number in range(40):
            own.blob(f"at-once/{writer}/{number}").upload_from_string(f"{writer} {number}")
            own.blob("at-once/same").upload_from_string(str(writer) * 1000)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(write, range(8)))
    names = {blob.name for blob in bucket.client.list_blobs(bucket, prefix="at-once/")}
    assert names == {f"at-once/{writer}/{number}" for writer in range(8) for number in range(40)} | {"at-once/same"}
    assert bucket.blob("at-once/3/7").download_as_text() == "3 7"
    assert len(set(bucket.blob("at-once/same").download_as_text())) == 1, "one writer's content, whole"


def test_an_object_costs_no_more_where_there_are_many(tmp_path):
    def seconds() -> float:
        with serving(tmp_path) as bucket:
            started = time.process_time()
            for number in range(100):
                bucket.blob(str(number)).upload_from_string("x")
            return time.process_time() - started

    few = seconds()
    (tmp_path / "local" / "old").mkdir()
    for name in range(3000):
        (tmp_path / "local" / "old" / str(name)).write_text("x")
    assert seconds() < 3 * few


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200), chunk=st.sampled_from([None, 256 * 1024]), kind=st.sampled_from(["a/b", ""]))
def test_content_comes_back_as_it_went(bucket, content, chunk, kind):
    content *= 1 if chunk is None else 4000
    blob = bucket.blob("content", chunk_size=chunk)
    blob.upload_from_string(content, content_type=kind or None)
    assert bucket.blob("content").download_as_bytes() == content


def test_a_large_object_in_pieces(bucket):
    content = os.urandom(20 << 20)
    with bucket.blob("large").open("wb", chunk_size=8 << 20) as file:
        file.write(content)
    with bucket.blob("large").open("rb", chunk_size=6 << 20) as file:
        assert file.read() == content


def test_preconditions(bucket):
    blob = bucket.blob("once")
    blob.upload_from_string("first", if_generation_match=0)
    first = blob.generation
    with pytest.raises(PreconditionFailed, match="pre-conditions you specified did not hold"):
        bucket.blob("once").upload_from_string("second", if_generation_match=0)
    with pytest.raises(InvalidResponse, match="412"):
        bucket.blob("once").open("wb", if_generation_match=0).close()
    with pytest.raises(PreconditionFailed):
        bucket.blob("once").delete(if_generation_match=first + 1)
    assert bucket.blob("once").download_as_text() == "first"
    bucket.blob("once").upload_from_string("third", if_generation_match=first)
    assert bucket.blob("once").download_as_text() == "third"


def files_of(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["../outside", "a//b", "folder/", "a/./b", "a\\b", "file/inside", "deep"])
def test_names_that_are_no_paths_are_refused(tmp_path, name):
    with serving(tmp_path) as bucket:
        for there in ("file", "deep/file"):
            bucket.blob(there).upload_from_string("a file")
        with pytest.raises(BadRequest, match="The local Cloud Storage"):
            bucket.blob(name).upload_from_string("x")
        assert files_of(tmp_path) == {".lock", "local/file", "local/deep/file"}


def test_what_is_deleted_leaves_its_name_to_others(bucket):
    bucket.blob("above/below/object").upload_from_string("x")
    bucket.blob("above/below/object").delete()
    bucket.blob("above").upload_from_string("in place of a folder")
    assert bucket.blob("above").download_as_text() == "in place of a folder"


@pytest.mark.parametrize("name", ["../outside", "a/b", ".dataflow", "_incoming", "Mine"])
def test_buckets_have_names_as_googles(tmp_path, name):
    with serving(tmp_path) as bucket, pytest.raises(BadRequest, match="Invalid bucket name"):
        bucket.client._connection.api_request("POST", "/b", data={"name": name})
    assert {path.name for path in tmp_path.iterdir()} == {".lock", METADATA, "_incoming", "local"}


def test_no_page_in_a_browser_can_delete_anything(bucket):
    bucket.blob("kept").upload_from_string("x")
    address = bucket.client._connection.API_BASE_URL
    as_pages_do = {"origin": "https://elsewhere.example"}
    for path, method, headers in [("/wipe", "GET", {}), ("/storage/v1/b/local/o/kept", "DELETE", as_pages_do)]:
        with pytest.raises(urllib.error.HTTPError, match=r"40[03]"):
            urllib.request.urlopen(urllib.request.Request(address + path, headers=headers, method=method))
    assert bucket.blob("kept").download_as_text() == "x"


def test_bodies_as_other_clients_send_them(bucket):
    def send(kind: str, content: bytes, content_type: str) -> None:
        address = f"{bucket.client._connection.API_BASE_URL}/upload/storage/v1/b/local/o?uploadType={kind}&name=sent"
        with urllib.request.urlopen(urllib.request.Request(address, content, {"content-type": content_type})):
            assert bucket.blob("sent").download_as_bytes() == b'{"a": 1}'

    send("media", b'{"a": 1}', "application/json")
    parts = (b"content-type: application/json\r\n\r\n{}\r\n", b'content-type: text/plain\r\n\r\n{"a": 1}\r\n', b"--")
    body = b"".join(b"--==1==" + (b"\r\n" if part != b"--" else b"") + part for part in parts)
    send("multipart", body, "multipart/related; boundary='==1=='")  # as gcloud quotes it


def test_what_gcloud_reads_from_a_pipe(bucket):
    """It asks for a place under another path than all other clients."""
    endpoint = bucket.client._connection.API_BASE_URL
    begun = urllib.request.Request(
        f"{endpoint}/resumable/upload/storage/v1/b/local/o?uploadType=resumable",
        json.dumps({"name": "piped.json"}).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(begun) as answer:
        place = answer.headers["Location"]
    sent = urllib.request.Request(place, b"content", {"Content-Range": "bytes 0-6/7"}, method="PUT")
    urllib.request.urlopen(sent).close()
    assert bucket.blob("piped.json").download_as_bytes() == b"content"


def test_whatever_goes_wrong_is_said(bucket):
    address = f"{bucket.client._connection.API_BASE_URL}/storage/v1/b"
    request = urllib.request.Request(address, b"{", {"content-type": "application/json"})
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(request)
    assert "JSONDecodeError" in json.loads(caught.value.read())["error"]["message"]


def test_nothing_is_written_to_stderr(bucket, capfd):
    with pytest.raises(NotFound), bucket.client.batch():
        bucket.blob("there is none").delete()
    assert not bucket.blob("there is none").exists()
    assert capfd.readouterr() == ("", "")
