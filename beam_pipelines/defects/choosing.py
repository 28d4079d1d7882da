"""Which rows, blocks and files are defective: hashes of their numbers, so that anybody finds the same."""

from __future__ import annotations

import numpy as np

from beam_pipelines.defects.candidates import applies
from beam_pipelines.defects.rates import CORRUPT, LATE, OLDER, ROW_KINDS, Rates
from beam_pipelines.schema import Table
from beam_pipelines.world import draw

LONGEST_DELAY = 3
"""Late rows land up to so many days after their own."""

NOTHING = len(ROW_KINDS)
"""The code of a row without a defect; that of a defect is its kind's position in ROW_KINDS."""


def kinds_of_rows(seed: int, rates: Rates, table: Table, day: int, block: int, rows: int) -> draw.U8:
    """The kind of each of a block's rows, as a position in ROW_KINDS."""
    keys = row_keys(day, block, np.arange(rows))
    codes = np.full(rows, NOTHING, np.uint8)
    for code in reversed(range(len(ROW_KINDS))):
        kind = ROW_KINDS[code]
        if (rate := rates.of_kind(kind)) and applies(kind, table):
            codes[draw.unit(draw.hashed(_stream(seed, kind, table), keys)) < rate] = code
    return codes


def row_keys(day: int, block: int, rows: draw.I64) -> draw.I64:
    """Numbers of a block's rows, each different from every other row's of the table."""
    return rows + (day * (1 << 32) + block * draw.BLOCK_ROWS)


def how(seed: int, kind: str, table: Table, keys: draw.I64) -> draw.U64:
    """64 random bits for each row, that say how a defect changes it."""
    return draw.hashed(draw.key(seed, "defects", kind, table.name, "how"), keys)


def delay(seed: int, table: Table, day: int, block: int) -> int:
    """How many days after their own the late rows of a block land, 1 to 3; all of them together."""
    word = draw.hashed(draw.key(seed, "defects", LATE, table.name, "delay"), _number(day, block))
    return 1 + int(draw.below(word, LONGEST_DELAY)[0])


def is_corrupt(seed: int, rates: Rates, table: Table, day: int, block: int) -> bool:
    """Whether a block of a day's files is corrupt."""
    return _hits(seed, rates, CORRUPT, table, day, block)


def is_older(seed: int, rates: Rates, table: Table, day: int, part: int) -> bool:
    """Whether a file of a day has an earlier schema."""
    return _hits(seed, rates, OLDER, table, day, part)


def where_to_flip(seed: int, table: Table, day: int, block: int) -> float:
    """The place in a corrupt block where bits are flipped, as a share of it."""
    word = draw.hashed(draw.key(seed, "defects", CORRUPT, table.name, "where"), _number(day, block))
    return float(draw.unit(word)[0])


def _hits(seed: int, rates: Rates, kind: str, table: Table, day: int, number: int) -> bool:
    rate = rates.of_kind(kind)
    return bool(rate and draw.unit(draw.hashed(_stream(seed, kind, table), _number(day, number)))[0] < rate)


def _number(day: int, number: int) -> draw.I64:
    return np.array([day * (1 << 32) + number])


def _stream(seed: int, kind: str, table: Table) -> int:
    return draw.key(seed, "defects", kind, table.name)
