"""The process that runs cases: ``python -m tests.avro.fuzzing.worker``. Its parent is :mod:`campaign`.

Each case may use so much processor time, and the process so much memory. Who uses more time is killed by a signal; who
asks for more memory gets an error. The parent learns of a death from the exit status and the case from the black box.
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import resource
import signal
import sys
import time
import traceback
from collections import Counter
from pathlib import Path
from random import Random
from typing import Any

from tests.avro.fuzzing.batches import batch_case
from tests.avro.fuzzing.black_box import BlackBox
from tests.avro.fuzzing.blocks import block_case
from tests.avro.fuzzing.context import Context
from tests.avro.fuzzing.corpus import corpus_of
from tests.avro.fuzzing.files import bomb_case, crafted_block_case, file_case
from tests.avro.fuzzing.guard_pages import GuardedMemory
from tests.avro.fuzzing.headers import header_case, reader_case, schema_case

CASES = {
    block_case: 550,
    batch_case: 100,
    file_case: 180,
    crafted_block_case: 40,
    header_case: 60,
    reader_case: 49,
    schema_case: 20,
    bomb_case: 1,
}
"""The kinds of cases, and how many of a thousand each is."""
LOT = 200
"""Cases between two reports to the parent."""
MEMORY_BYTES = 3 << 30
"""That the process may map beyond what it has before the first case."""
SECONDS = 2.0
"""Of processor time for a case and all its checks."""


def main() -> None:
    """Runs lots of cases, and prints a line of JSON for each lot and each finding."""
    parser = argparse.ArgumentParser(prog="python -m tests.avro.fuzzing.worker", description=__doc__)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--first", type=int, required=True)
    parser.add_argument("--runs", type=int, required=True)
    parser.add_argument("--skip", type=int, nargs="*", default=[], help="Cases that are known to be deadly.")
    parser.add_argument("--box", type=Path, required=True)
    given = parser.parse_args()
    box = BlackBox(given.box)
    context = Context(corpus_of(given.seed), GuardedMemory(), box.note)
    faulthandler.enable()
    faulthandler.register(signal.SIGPROF, chain=True)  # says where the time went, then lets the signal kill
    _limit_memory()
    stop = given.first + given.runs
    for lot in range(given.first, stop, LOT):
        after = min(lot + LOT, stop)
        numbers = [number for number in range(lot, after) if number not in given.skip]
        _say({"next": after, **run_lot(given.seed, numbers, context, box)})


def _limit_memory() -> None:
    """Sees to errors where too much memory is asked for; only Linux says how much there is already."""
    mapped = Path("/proc/self/statm")
    if mapped.exists():
        pages = int(mapped.read_text().split()[0])
        resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize() + MEMORY_BYTES, -1))


def run_lot(seed: int, numbers: list[int], context: Context, box: BlackBox) -> dict[str, Any]:
    """Runs these cases; what came of them."""
    outcomes: Counter[str] = Counter()
    worst, worst_case, growth, growth_case, peak = 0.0, -1, 0, -1, _peak()
    for number in numbers:
        random = Random(f"{seed} {number}")
        case = random.choices(list(CASES), list(CASES.values()))[0]
        box.begin(number)
        context.memory.reset()
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        begun = time.process_time()
        try:
            outcome = case(random, context)
        except Exception as error:  # whatever it is, it is a finding
            outcome = "FOUND"
            _say({"finding": finding(number, case.__name__, error, box)})
        spent = time.process_time() - begun
        signal.setitimer(signal.ITIMER_PROF, 0)
        outcomes[f"{case.__name__.removesuffix('_case')}: {outcome}"] += 1
        if spent > worst:
            worst, worst_case = spent, number
        if _peak() - peak > growth:
            growth, growth_case = _peak() - peak, number
        peak = _peak()
    return {
        "outcomes": outcomes,
        "worst": [worst, worst_case],
        "growth": [growth, growth_case],
        "peak": peak,
        "processor": time.process_time(),
    }


def finding(number: int, kind: str, error: Exception, box: BlackBox) -> dict[str, Any]:
    """What the parent is to know of a case that went wrong."""
    text = "".join(traceback.format_exception(error))
    message = f"{type(error).__name__}: {error}"
    return {"case": number, "kind": kind, "message": message[:400], "trace": text[-6000:], "what": box.read().what}


def _peak() -> int:
    """The most memory that the process has had so far, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


def _say(content: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
