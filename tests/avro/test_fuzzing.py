"""A short run of the fuzzer, and that it finds what it is there to find."""

import io
import json
import os
import re
import signal
import subprocess
import sys
from collections import Counter
from random import Random

import pytest

from beam_pipelines.avro import CODECS, AvroError, read_blocks
from beam_pipelines.avro.words import SLACK
from tests.avro.fuzzing import campaign, planted, worker
from tests.avro.fuzzing.black_box import BlackBox
from tests.avro.fuzzing.campaign import ROOT, run
from tests.avro.fuzzing.corpus import corpus_of
from tests.avro.fuzzing.guard_pages import GARBAGE, REGION_BYTES, GuardedMemory
from tests.avro.fuzzing.mutations import mutated

RUNS = 5000


@pytest.fixture(scope="module")
def report(tmp_path_factory):
    return run(seed=20251128, runs=RUNS, folder=tmp_path_factory.mktemp("fuzz"))


def test_broken_avro_gives_right_rows_or_a_clean_error(report):
    assert report.findings == []
    assert report.cases == RUNS


def test_mutations_are_neither_all_harmless_nor_all_fatal(report):
    kinds: dict[str, Counter[str]] = {}
    for outcome, count in report.outcomes.items():
        case, _, what = outcome.partition(": ")
        kinds.setdefault(case, Counter())[what.partition(":")[0]] += count
    assert kinds.keys() >= {case.__name__.removesuffix("_case") for case in worker.CASES} - {"bomb"}
    for case in ("block", "file", "header", "reader"):
        assert set(kinds[case]) >= {"equal rows", "other valid rows", "error"}
    assert set(kinds["crafted_block"]) >= {"other valid rows", "error"}
    assert kinds["file"]["damage, and the blocks around it"] > 50
    assert kinds["batch"].keys() == {"equal rows", "other valid rows", "error", "nothing to change"}
    block = kinds["block"]
    assert 0.02 < block["equal rows"] / block.total() < 0.2
    assert 0.6 < block["error"] / block.total() < 0.95


def test_errors_are_of_many_kinds(report):
    kinds = {outcome.partition(": ")[2] for outcome in report.outcomes if outcome.startswith("block: error")}
    assert len(kinds) >= 12


def test_time_and_memory_are_bounded(report):
    assert report.worst_seconds < worker.SECONDS
    assert report.peak_bytes < worker.MEMORY_BYTES


def test_a_case_is_the_same_again_whatever_was_run_before_it(tmp_path):
    """Else what is found could not be looked into alone."""
    code = f"""
from pathlib import Path
from tests.avro.fuzzing.worker import *
box = BlackBox(Path({str(tmp_path / "box")!r}), new=True)
context = Context(corpus_of(3), GuardedMemory(), box.note)
forwards = {{number: run_lot(3, [number], context, box)["outcomes"] for number in range(200)}}
backwards = {{number: run_lot(3, [number], context, box)["outcomes"] for number in reversed(range(200))}}
assert forwards == backwards
"""
    assert died(code) == 0


@pytest.fixture(scope="module")
def corpus():
    return corpus_of(1)


def test_truncations_of_a_block_are_errors(corpus):
    for subject in corpus.subjects:
        for variant in subject.variants[::2]:
            for size in range(0, len(subject.data), 1 + len(subject.data) // 200):
                with pytest.raises(AvroError):
                    variant.decoder.decode(subject.data[:size], len(subject.rows))


@pytest.mark.parametrize("codec", CODECS)
def test_every_truncation_of_a_file_is_an_error_or_ends_between_blocks(corpus, codec):
    file = next(file for file in corpus.files if file.codec == codec and len(file.blocks) > 1)
    whole = [file.header.offset, *(block.offset + block.length for block in file.blocks)]
    for size in range(len(file.data)):
        if size in whole:
            assert len(list(read_blocks(io.BytesIO(file.data[:size])))) == whole.index(size)
        else:
            with pytest.raises(AvroError):
                list(read_blocks(io.BytesIO(file.data[:size])))


def test_mutations_follow_from_the_seed():
    data = bytes(range(100))
    assert mutated(Random(1), data) == mutated(Random(1), data)
    assert len({mutated(Random(i), data) for i in range(100)}) > 90
    assert all(mutated(Random(i), data, (), 50)[:50] == data[:50] for i in range(100))


def died(code: str) -> int:
    """The signal that a process which runs this code dies of."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONFAULTHANDLER": ""}
    return -subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, cwd=ROOT).returncode


@pytest.mark.parametrize("size", [8, REGION_BYTES, REGION_BYTES + 1])
def test_guarded_memory_has_garbage_in_it(size):
    """What is compared with it shows who wrote there."""
    memory = GuardedMemory()
    assert (memory.tail(size) == GARBAGE).all()
    assert (memory.head(size) == GARBAGE).all()


@pytest.mark.parametrize(("where", "beyond"), [("tail(8)", 8), ("head(8)", -1), ("tail(70000)", 70000)])
def test_a_guard_page_kills_who_reads_too_far(where, beyond):
    code = f"""
import ctypes
from tests.avro.fuzzing.guard_pages import GuardedMemory
place = GuardedMemory().{where}
place.tobytes()
ctypes.string_at(place.ctypes.data + {beyond}, 1)
"""
    assert died(code) == signal.SIGSEGV


def test_the_decoder_is_watched_to_the_byte():
    """Half of the padding that it is promised, and it reads where nobody may."""
    code = f"""
import numpy as np
from beam_pipelines import avro
from beam_pipelines.avro.decoder import Decoder
from tests.avro.fuzzing.guard_pages import GuardedMemory
decoder = Decoder(avro.parse_schema({{"type": "record", "name": "r", "fields": [{{"name": "a", "type": "string"}}]}}))
place = GuardedMemory().tail(2 + {SLACK} // 2)
place[:2] = 2, 97
decoder.decode_padded(np.lib.stride_tricks.as_strided(place, (2 + {SLACK},)), 1)
"""
    assert died(code) == signal.SIGSEGV


def test_a_process_that_dies_leaves_its_input(tmp_path):
    box = BlackBox(tmp_path / "box", new=True)
    box.begin(7)
    box.note("a block", b"\x02abc")
    assert BlackBox(tmp_path / "box").read() == (7, "a block", b"\x02abc")
    box.begin(8)
    assert box.read() == (8, "", b"")


MORTAL = """
import json, os, sys
from pathlib import Path
from tests.avro.fuzzing.black_box import BlackBox
given = dict(part[2:].split("=") for part in sys.argv[1:] if "=" in part)
box = BlackBox(Path(given["box"]))
for case in range(int(given["first"]), int(given["first"]) + int(given["runs"])):
    box.begin(case)
    box.note("a block", bytes([case]))
    if str(case) not in sys.argv and case % 4 == 2:
        os.kill(os.getpid(), 11)
    lot = {"next": case + 1, "outcomes": {"fine": 1}, "worst": [0, 0], "growth": [0, 0], "peak": 1, "processor": 1}
    print(json.dumps(lot if str(case) not in sys.argv else {**lot, "outcomes": {}}), flush=True)
"""


def test_a_campaign_goes_on_behind_a_case_that_kills_its_process(tmp_path, monkeypatch):
    monkeypatch.setattr(campaign, "WORKER", ("-c", MORTAL))
    report = run(seed=5, runs=8, folder=tmp_path)
    assert [(found["case"], found["what"]) for found in report.findings] == [(2, "a block"), (6, "a block")]
    assert report.cases == 8
    assert report.outcomes == {"fine": 6, "FOUND: death": 2}
    assert "SIGSEGV" in report.findings[0]["message"]
    assert (tmp_path / "5-6.bin").read_bytes() == b"\x06"
    assert "--seed 5 --first 6 --runs 1" in (tmp_path / "5-6.txt").read_text()


def test_a_crash_a_hang_and_too_much_memory_are_reported_with_their_input(tmp_path, monkeypatch):
    monkeypatch.setattr(campaign, "WORKER", ("-m", planted.__name__))
    report = run(seed=5, runs=200, folder=tmp_path)
    assert report.cases == 200
    found = {finding["case"]: finding["message"] for finding in report.findings}
    assert found.keys() == planted.DEADLY.keys()
    assert len(report.findings) == len(found)
    assert "SIGSEGV" in found[50]
    assert "too much time" in found[100]
    assert found[150].startswith("MemoryError")
    assert found[151].startswith("IndexError")
    for case in found:
        assert (tmp_path / f"5-{case}.bin").exists()
        assert f"--seed 5 --first {case} --runs 1" in (tmp_path / f"5-{case}.txt").read_text()
    assert planted.planted_hang.__name__ in (tmp_path / "5-100.txt").read_text()  # where the time went


def test_a_deadly_case_is_run_again_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(campaign, "WORKER", ("-m", planted.__name__))
    report = run(seed=5, runs=1, first=50, folder=tmp_path)
    assert report.cases == 1
    assert [finding["case"] for finding in report.findings] == [50]


def test_faults_are_found():
    ran = subprocess.run([sys.executable, "-m", planted.__name__], capture_output=True, cwd=ROOT, check=True)
    found = json.loads(ran.stdout)
    assert found.pop(planted.NO_FAULT) == []
    assert found.keys() == planted.FAULTS.keys()
    for name, message in {
        "rows the other way round": "rows that are others when encoded and decoded again",
        "one row less": "in place of",
        "trailing bytes": "of which fastavro takes",
        "texts that are not": "Invalid UTF8",
        "no checksum": "other rows than were written, despite the checksum",
        "one marker too far": "is lost|blocks lost|when cut at",
        "any marker": "when cut at|is lost|despite the checksum",
        "ranges begin late": "when cut at",
        "a message of two lines": "a message that is not one line",
        "before the output": "bytes written before the output",
        "one fingerprint": "a fingerprint that does not tell the rows",
    }.items():
        assert any(re.search(message, finding) for finding in found[name]), name
