"""The lakes that the load is measured on: products, orders with defects, and what orders may refer to."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

from beam_pipelines import lake, storage, tables
from beam_pipelines.world import VERSION as WORLD_VERSION
from beam_pipelines.world import World, calendar, day_number, inventory

SEED = 42
DEFECTS = "duplicate=0.005,newer_version=0.002,out_of_range=0.003,unbalanced=0.002"
Generate = Callable[[list[str]], None]


def by_command(flags: list[str]) -> None:
    """Generates with the command, in a process of its own."""
    command = [str(Path(sys.executable).parent / "retail"), "generate", *flags]
    subprocess.run(command, check=True, capture_output=True)


def write(
    folder: Path,
    scale: float,
    first: date,
    last: date,
    *,
    file_format: str = "avro",
    defects: str = DEFECTS,
    generate: Generate = by_command,
) -> None:
    """Writes a lake of orders, with all versions of all products up to the last day.

    Products have no defects, so that every side knows the same ones. Of the other tables there are manifests only,
    which is all that references to customers and units need.
    """
    flags = [
        *(f"--output={folder}", f"--start_date={first}", f"--end_date={last}"),
        *(f"--scale={scale}", f"--seed={SEED}", f"--format={file_format}"),
    ]
    generate([*flags, "--tables=distribution_centers,products"])
    generate([*flags, "--tables=orders", "--dimension_history=none", f"--defects={defects}"])
    write_manifests_of_others(folder, World(seed=SEED, scale=scale), first, last)


def orders(folder: Path, days: tuple[date, date]) -> int:
    """How many orders a lake's manifests name on some days, duplicates and defective ones included."""
    first, last = days
    manifests = [
        storage.join(lake.folder(str(folder), tables.ORDERS.name, date.fromordinal(day)), lake.MANIFEST)
        for day in range(first.toordinal(), last.toordinal() + 1)
    ]
    return sum(lake.Manifest.from_json(storage.read(path).decode(), path).rows for path in manifests)


def write_manifests_of_others(folder: Path, world: World, first: date, last: date) -> None:
    """Manifests that say which customers and units there are on each day, and name no files."""
    last_keys = {
        tables.CUSTOMERS.name: calendar.first_keys(world.seed, world.scale, calendar.CUSTOMERS),
        tables.INVENTORY_ITEMS.name: inventory.first_keys(world.seed, world.scale),
    }
    for table in tables.LAKE:
        if table in (tables.DISTRIBUTION_CENTERS, tables.PRODUCTS, tables.ORDERS):
            continue
        for number in range((last - first).days + 1):
            day = first + timedelta(days=number)
            manifest = lake.manifest_of(
                table, day, world=WORLD_VERSION, seed=world.seed, scale=world.scale, codec="snappy", files=()
            )
            keys = last_keys.get(table.name)
            last_key = int(keys[day_number(day) + 1]) if keys is not None else 0
            text = dataclasses.replace(manifest, last_key=last_key).to_json().encode()
            path = storage.join(lake.folder(str(folder), table.name, day), lake.MANIFEST)
            storage.write(path, lambda file, text=text: file.write(text))  # type: ignore[misc]
