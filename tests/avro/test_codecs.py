"""Codecs: what they pack comes back, in the same bytes in every process, and nothing broken takes memory or passes."""

# ruff: noqa: E501 - one case a line

import io
import json
import os
import random
import subprocess
import sys
import tracemalloc
import zlib

import numpy as np
import pyarrow as pa
import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from beam_pipelines.avro import CODECS, AvroError, codecs
from beam_pipelines.avro.codecs import MAX_BLOCK_BYTES, PADDING

PROCESSES = 12
CONTENT = b"".join(f"{n % 97} Mobile, AL {n * n}\n".encode() for n in range(3000))

COMPRESS = """
import hashlib, json, random, sys
import numpy as np
from beam_pipelines.avro.codecs import CODECS

def block(random_, size):
    words = [random_.randbytes(random_.randint(1, 12)) for _ in range(200)]
    return np.frombuffer(b"".join(random_.choices(words, k=size // 6)), np.uint8)

other = random.Random(int(sys.argv[1]))
for _ in range(other.randint(0, 40)):
    other.choice(list(CODECS.values())).compress(block(other, other.randint(1, 500_000)))
same = random.Random(1)
blocks = [block(same, size) for size in (0, 6, 500, 60_000, 70_000, 400_000)]
jobs = [(codec, i) for codec in CODECS for i in range(len(blocks))] * 3
other.shuffle(jobs)
found = {}
for codec, i in jobs:
    digest = hashlib.sha256(CODECS[codec].compress(blocks[i])).hexdigest()
    found.setdefault(f"{codec} {i}", set()).add(digest)
print(json.dumps({job: sorted(digests) for job, digests in sorted(found.items())}))
"""


def packed(codec: str, content: bytes) -> bytes:
    return bytes(CODECS[codec].compress(np.frombuffer(content, np.uint8)))


def unpacked(codec: str, data: bytes, padding: bytes = b"\xee" * PADDING) -> bytes:
    content = CODECS[codec].decompress(memoryview(data + padding))
    assert content.dtype == np.uint8
    assert not content.flags.writeable
    return content[:-PADDING].tobytes()


def refusal(codec: str, data: bytes) -> str:
    with pytest.raises(AvroError) as caught:
        unpacked(codec, data)
    return str(caught.value)


def frame_without_size(content: bytes) -> bytes:
    """As Java's writer makes it."""
    compressor = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    return compressor.compress(content) + compressor.flush()


@pytest.mark.parametrize("codec", CODECS)
@given(content=st.binary(max_size=300) | st.builds(lambda b, n: b * n, st.binary(max_size=9), st.integers(0, 9000)))
@settings(max_examples=80, deadline=None, derandomize=True)
def test_what_is_packed_comes_back(codec, content):
    data = packed(codec, content)
    assert unpacked(codec, data) == unpacked(codec, data, bytes(range(PADDING))) == content


@pytest.mark.parametrize("codec", CODECS)
def test_every_process_packs_the_same_bytes(codec_results, codec):
    """Whatever it did before, and whatever it finds in memory that is not yet written to."""
    assert len(codec_results) == PROCESSES
    jobs = [job for job in codec_results[0] if job.startswith(f"{codec} ")]
    assert len(jobs) == 6
    for job in jobs:
        assert len({digest for result in codec_results for digest in result[job]}) == 1


@pytest.fixture(scope="module")
def codec_results() -> list[dict]:
    """What each of many processes found."""
    running = []
    for process in range(PROCESSES):
        environment = os.environ | {"PYTHONHASHSEED": str(process)}
        if process % 2:
            environment["MALLOC_PERTURB_"] = str(17 * process)
        command = [sys.executable, "-c", COMPRESS, str(process)]
        running.append(subprocess.Popen(command, env=environment, stdout=subprocess.PIPE))
        if len(running) % 2 == 0:
            running[-2].wait()
    results = [each.communicate() for each in running]
    assert {each.returncode for each in running} == {0}
    return [json.loads(output) for output, _ in results]


def test_null_copies_nothing():
    padded = np.frombuffer(CONTENT + bytes(PADDING), np.uint8)
    assert np.shares_memory(CODECS["null"].decompress(padded.data), padded)
    assert np.shares_memory(np.frombuffer(CODECS["null"].compress(padded), np.uint8), padded)
    writable = CODECS["null"].decompress(memoryview(bytearray(PADDING)))
    assert not writable.flags.writeable


def test_what_other_libraries_pack_is_read():
    raw = zlib.compressobj(9, wbits=-15)
    assert unpacked("deflate", raw.compress(CONTENT) + raw.flush()) == CONTENT
    assert unpacked("deflate", zlib.compress(CONTENT)[2:-1]) == CONTENT  # fastavro's rest of a checksum
    snappy = pa.Codec("snappy").compress(CONTENT, asbytes=True)
    assert unpacked("snappy", snappy + zlib.crc32(CONTENT).to_bytes(4, "big")) == CONTENT
    assert unpacked("zstandard", pa.Codec("zstd", 9).compress(CONTENT, asbytes=True)) == CONTENT
    for content in (b"", b"x", CONTENT, bytes(1 << 20), random.Random(1).randbytes(300_000)):
        assert unpacked("zstandard", frame_without_size(content)) == content


def test_what_is_packed_is_read_by_other_libraries():
    snappy = packed("snappy", CONTENT)
    assert pa.Codec("snappy").decompress(snappy[:-4], len(CONTENT), asbytes=True) == CONTENT
    frame = packed("zstandard", CONTENT)
    assert pa.Codec("zstd").decompress(frame, len(CONTENT), asbytes=True) == CONTENT
    parameters = zstandard.get_frame_parameters(frame)
    assert (parameters.content_size, parameters.has_checksum) == (len(CONTENT), True)
    assert zlib.decompress(packed("deflate", CONTENT), -15) == CONTENT


@pytest.mark.parametrize("codec", [codec for codec in CODECS if codec != "null"])
def test_cut_data_is_refused(codec):
    data = packed(codec, CONTENT[:2000])
    for size in range(len(data)):
        assert refusal(codec, data[:size])
    for size in range(len(whole := frame_without_size(CONTENT[:2000]))):
        assert refusal("zstandard", whole[:size])


@pytest.mark.parametrize("codec", ["snappy", "zstandard"])
def test_checksums_find_every_changed_bit(codec):
    data = packed(codec, CONTENT[:700])
    for at in range(8 * len(data)):
        changed = bytearray(data)
        changed[at // 8] ^= 1 << at % 8
        try:
            assert unpacked(codec, bytes(changed)) == CONTENT[:700]  # a bit that says nothing about the content
        except AvroError:
            continue


@pytest.mark.parametrize("codec", CODECS)
@given(data=st.binary(max_size=60), begin=st.integers(0, 12))
@settings(max_examples=300, deadline=None, derandomize=True)
def test_noise_is_content_or_refused(codec, data, begin):
    begun = packed(codec, CONTENT)[:begin] + data
    try:
        assert len(unpacked(codec, begun)) <= MAX_BLOCK_BYTES
    except AvroError:
        return


@pytest.mark.parametrize(
    ("codec", "data", "message"),
    [
        ("deflate", b"\x06\0", "corrupt deflate data: Error -3 while decompressing data: invalid block type"),
        ("snappy", b"\xff\xff\xff\xff\x0f\0crc.", "block too large: expected at most 268435456 bytes, got 4294967295 bytes"),
        ("zstandard", b"", "corrupt zstandard data: "),
        ("zstandard", b"not a frame", "corrupt zstandard data: "),
        ("zstandard", packed("zstandard", CONTENT) + b"x", "corrupt zstandard data: "),
        ("zstandard", frame_without_size(CONTENT) + b"xyz", "corrupt zstandard data: bytes after its end: got 3 more"),
        ("zstandard", frame_without_size(CONTENT) + bytes(5000), "corrupt zstandard data: bytes after its end: got 5000 more"),
        ("zstandard", frame_without_size(CONTENT)[:-1], "corrupt zstandard data: it ends too early"),
        ("zstandard", b"\x28\xb5\x2f\xfd\xe0" + (2**60).to_bytes(8, "little"), f"block too large: expected at most 268435456 bytes, got {2**60} bytes"),
        ("zstandard", b"\x28\xb5\x2f\xfd\xe0" + (2**20).to_bytes(8, "little"), "corrupt zstandard data: it is too short for what it says it holds: got 1048576 bytes"),
        ("zstandard", b"\x28\xb5\x2f\xfd\x20\x05\x01\0\0", "corrupt zstandard data: "),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said(codec, data, message):
    assert refusal(codec, data).startswith(message)


def bomb(codec: str, size: int) -> bytes:
    match codec:
        case "deflate":
            compressor = zlib.compressobj(9, wbits=-15)
        case _:
            compressor = zstandard.ZstdCompressor(write_content_size=False).compressobj()
    out = io.BytesIO()
    for _ in range(size >> 20):
        out.write(compressor.compress(bytes(1 << 20)))
    out.write(compressor.flush())
    return out.getvalue()


@pytest.mark.parametrize("codec", ["deflate", "zstandard"])
def test_what_does_not_say_its_size_is_unpacked_up_to_the_limit(monkeypatch, codec):
    monkeypatch.setattr(codecs, "MAX_BLOCK_BYTES", 1 << 20)
    assert unpacked(codec, bomb(codec, 1 << 20)) == bytes(1 << 20)
    data = bomb(codec, 1 << 28)
    tracemalloc.start()
    try:
        assert refusal(codec, data) == "block too large: expected at most 1048576 bytes, got more than 1048576 bytes"
        assert tracemalloc.get_traced_memory()[1] < 50 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("codec", "data"),
    [
        ("snappy", b"\x80\x80\x80\x7f" + b"\xfe\xff\xff" * 1000 + b"crc."),
        ("zstandard", b"\x28\xb5\x2f\xfd\xa0" + (200 << 20).to_bytes(4, "little") + b"\x03\0\0x" * 1000),
    ],
)
def test_no_memory_is_taken_for_what_cannot_be_in_the_data(codec, data):
    tracemalloc.start()
    try:
        assert refusal(codec, data).endswith("bytes")
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_an_unknown_codec_is_refused():
    with pytest.raises(
        AvroError, match=r"^unknown codec: expected one of deflate, null, snappy, zstandard, got 'zip'$"
    ):
        codecs.codec_named("zip")
