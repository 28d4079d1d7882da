"""Every large table, drawn, encoded, compressed and written, beside the fastest data generator we know."""

from __future__ import annotations

from typing import Any

from tests.benchmarks import avro
from tests.benchmarks.avro import Comparison

AT_LEAST = {"orders": 2.5, "order_events": 2.5, "inventory_items": 2.5, "web_events": 1.5, "customers": 1.5}
"""How many times tpchgen-cli's field values per CPU second; the aim is twice that. The last two are mostly strings."""

COMPARISONS = tuple(
    Comparison(
        f"{table}: draw, encode, snappy, write, beside tpchgen-cli parquet snappy",
        f"write_{table}",
        "tpch_parquet",
        "values",
        least,
        2 * least,
    )
    for table, least in AT_LEAST.items()
)


def measure(repeats: int) -> dict[str, dict[str, Any]]:
    """The ratio of each table: the median over rounds in which every table and the peer had its turn."""
    return avro.measure(repeats, COMPARISONS)
