"""``retail demo``: a lake, a warehouse over it, and something to ask it."""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from beam_pipelines import storage
from beam_pipelines.commands import generate, load
from beam_pipelines.commands.display import Display, size
from beam_pipelines.commands.warehouses import opened, row_counts
from beam_pipelines.options import GENERATE, GenerateSettings, LoadSettings, UsageError
from beam_pipelines.pipelines.beam_options import pipeline_options
from beam_pipelines.tables import WAREHOUSE

QUERIES = (
    (
        "The best days",
        "SELECT day, orders, revenue, average_order FROM retail.daily_revenue ORDER BY revenue DESC LIMIT 5",
    ),
    (
        "What sold on Black Friday",
        "SELECT category, SUM(units) AS units, SUM(revenue) AS revenue, ROUND(SUM(margin) / SUM(revenue), 3) AS margin "
        'FROM retail.daily_sales WHERE day = "2025-11-28" GROUP BY category ORDER BY revenue DESC LIMIT 5',
    ),
    (
        "Who buys, asked as one asks theLook on BigQuery",
        "SELECT u.country, COUNT(DISTINCT u.id) AS buyers, COUNT(*) AS items, ROUND(SUM(i.sale_price), 2) AS revenue "
        "FROM `bigquery-public-data.thelook_ecommerce.order_items` AS i "
        "JOIN `bigquery-public-data.thelook_ecommerce.users` AS u ON u.id = i.user_id "
        "GROUP BY u.country ORDER BY revenue DESC LIMIT 5",
    ),
)
"""Queries to try, each with what it shows."""


def run(given: argparse.Namespace, flags: Sequence[str], display: Display) -> None:
    """Generates and loads the demo's days, and shows what is there."""
    started = time.monotonic()
    folder = given.output
    if storage.is_remote(folder):
        raise UsageError("output", "a folder on this machine; retail generate writes to gs:// too", folder)
    given.output = storage.join(folder, "lake")
    settings, _ = generate.write(GenerateSettings.of(given), pipeline_options(flags, GENERATE), display)
    warehouse = storage.join(folder, "warehouse.duckdb")
    loading = LoadSettings(settings.output, settings.period, warehouse)
    options = load.checked_options(loading, flags)
    with opened(warehouse) as address:
        load.write(loading, address, options, display)
        rows = row_counts(address)
    seconds = time.monotonic() - started
    counted = generate.lake_rows(display)
    display.result(
        {"lake": settings.output, "warehouse": warehouse, "seconds": round(seconds, 3), "tables": counted, "rows": rows}
    )
    if display.as_json:
        return
    shown = []
    for table in WAREHOUSE:
        there = rows[f"{table.dataset}.{table.name}"]
        found = counted.get(table.name)
        if found or table.dataset == "retail":
            lake = (f"{found['rows']:,}", f"{found['files']:,}", size(found["bytes"])) if found else ("", "", "")
            shown.append((table.name, *lake, f"{there:,}"))
    refused = sum(count for name, count in rows.items() if name.startswith("ops.dead_letters"))
    display.say()
    headers = ("table", "lake rows", "files", "size", "warehouse rows")
    display.table(f"{settings.period.start} to {settings.period.end} in {folder}", headers, shown)
    display.say(f"\n{seconds:.1f} s, {refused:,} records refused. Queries to try:")
    for title, query in QUERIES:
        display.say(f"\n# {title}\n{program()} query {_warehouse_flag(folder)}{shlex.quote(query)}")


def program() -> str:
    """How the reader has called this command, so that pasting it works."""
    called = Path(sys.argv[0])
    if not called.is_absolute():
        return shlex.quote(str(called))
    try:
        return shlex.quote(str(called.relative_to(Path.cwd())))
    except ValueError:
        return shlex.quote(str(called)) if called.name == "retail" else "retail"


def _warehouse_flag(folder: str) -> str:
    return "" if folder == "retail-data" else f"--warehouse={shlex.quote(storage.join(folder, 'warehouse.duckdb'))} "
