"""What is to become of a lake's units, in plain Python and row by row."""

from collections import Counter, defaultdict
from datetime import date
from decimal import Decimal
from typing import Any, NamedTuple

from beam_pipelines import tables
from beam_pipelines.transforms.accounting import Account
from beam_pipelines.transforms.partitions import LONGEST_LATENESS, partition_of
from beam_pipelines.transforms.references import DayKey
from tests.transforms.lakes import DAY, Lake, Row, days_from

UNITS = tables.INVENTORY_ITEMS
FOUR = days_from(DAY, 4)
KEYS = (
    DayKey("distribution_centers", 1, 10),
    DayKey("products", FOUR[0].toordinal(), 7),
    DayKey("products", FOUR[2].toordinal(), 8),
)
"""Product 7 is there from the first of four days on, product 8 from the third."""


def cents(row: Row) -> int:
    return int((row["cost"] or Decimal(0)) * 100)


def day_of(row: Row, landed: date, days: list[date]) -> date:
    """The day whose partition a unit belongs to."""
    if row["created_at"] is None:
        return landed
    own = row["created_at"].date()
    return own if own in days and 0 <= (landed - own).days <= LONGEST_LATENESS else landed


def reason_of(row: Row, landed: date, days: list[date]) -> tuple[str, str] | None:
    """The first rule that a unit breaks, by reason and column; None if it breaks none."""
    for name in ("inventory_item_id", "product_id", "distribution_center_id", "created_at", "cost"):
        if row[name] is None:
            return "required", name
        if (name == "cost" and row[name] < 0) or (name.endswith("_id") and row[name] < 1):
            return "range", name
    day = day_of(row, landed, days)
    if row["product_id"] > (7 if day < FOUR[2] else 8):
        return "references", "product_id"
    if day == landed != row["created_at"].date():
        return "partition", "created_at"
    return None


class Written(NamedTuple):
    """A lake of units, and in which of its blocks each row is."""

    lake: Lake
    days: list[date]
    blocks: list[tuple[date, list[Row], bool]]
    """The day on which a block landed, its rows, and whether it is corrupt."""


def expected_accounts(written: Written, loaded: set[str]) -> dict[str, Account]:
    """The account of every partition without its files, row by row."""
    found = {partition: Account() for partition in loaded}
    standing: dict[tuple[str, Any], list[Row]] = defaultdict(list)
    for landed, rows, is_corrupt in written.blocks:
        if is_corrupt and (own := partition_of(UNITS, landed)) in loaded:
            found[own] += Account(blocks_unreadable=1)
        for row in rows:
            day = day_of(row, landed, written.days)
            partition = partition_of(UNITS, day)
            if partition not in loaded:
                continue
            account = Account(rows_in=1, rows_late=int(day != landed), amounts_in=(cents(row),))
            if is_corrupt:
                account = Account(rows_in=1, rows_late=int(day != landed), rows_unreadable=1)
            elif reason_of(row, landed, written.days):
                account += Account(rows_refused=1, amounts_refused=(cents(row),))
            else:
                standing[partition, row["inventory_item_id"]].append(row)
            found[partition] += account
    for (partition, _), rows in standing.items():
        others, best = sum(map(cents, rows)), cents(max(rows, key=rank))
        found[partition] += Account(rows_loaded=1, rows_deduplicated=len(rows) - 1, amounts_loaded=(best,))
        found[partition] += Account(amounts_deduplicated=(others - best,))
    return found


def rank(row: Row) -> tuple[Any, ...]:
    """The newest is the greatest, and of several the greatest column by column."""
    return row["created_at"], row["product_id"], row["distribution_center_id"], row["cost"]


def expected_rows(written: Written, partition: str) -> list[Row]:
    """The rows that a partition is to hold, by key."""
    standing: dict[int, list[Row]] = defaultdict(list)
    for landed, rows, is_corrupt in written.blocks:
        for row in [] if is_corrupt else rows:
            of = partition_of(UNITS, day_of(row, landed, written.days))
            if of == partition and not reason_of(row, landed, written.days):
                standing[row["inventory_item_id"]].append(row)
    return [max(standing[key], key=rank) for key in sorted(standing)]


def expected_letters(written: Written, partition: str) -> Counter[Any]:
    """Why records were refused: rule, column and key; of a corrupt block nothing but that it is one."""
    found: Counter[Any] = Counter()
    for landed, rows, is_corrupt in written.blocks:
        if is_corrupt:
            found["corrupt_block", None, None] += int(partition_of(UNITS, landed) == partition)
            continue
        for row in rows:
            reason = reason_of(row, landed, written.days)
            if reason and partition_of(UNITS, day_of(row, landed, written.days)) == partition:
                found[*reason, row["inventory_item_id"]] += 1
    return +found
