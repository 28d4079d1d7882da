"""Scoring a load: the truth, the answers of the warehouse, and what comes of comparing them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import duckdb

from beam_pipelines import lake, tables
from beam_pipelines.defects import truth
from beam_pipelines.defects.choosing import LONGEST_DELAY
from beam_pipelines.defects.rates import DUPLICATE, LATE, NEWER, OLDER
from beam_pipelines.lake import LakeError
from beam_pipelines.schema import Table
from beam_pipelines.verification import database
from beam_pipelines.verification.manifests import Days
from beam_pipelines.verification.scoring import (
    accounting,
    delivery,
    lake_days,
    lake_truth,
    samples,
    scores,
    verdicts,
    warehouse,
)
from beam_pipelines.verification.scoring.accounting import listed
from beam_pipelines.verification.scoring.lake_days import Scope
from beam_pipelines.verification.scoring.scores import Score
from beam_pipelines.verification.scoring.warehouse import Ask
from beam_pipelines.world import World


def score(root: str, scope: Scope, ask: Ask) -> list[Score]:
    """The score of each kind and table.

    Args:
        root: The lake.
        scope: Which of its days are scored.
        ask: Runs queries of the warehouse into which these days were loaded.

    Raises:
        LakeError: The lake is not one that can be scored: the line says why.
    """
    days = lake_days.manifests(root)
    if not any(scope.has(manifest.day) for own in days.manifests.values() for manifest in own):
        between = f"from {scope.start or 'the first day'} to {scope.end or 'the last'}"
        raise LakeError(f"{root}: expected manifests (TABLE/dt=YYYY-MM-DD/{lake.MANIFEST}) {between}, found none")
    with database() as connection:
        prepare(connection)
        lake_days.fill(connection, days, scope)
        read_truth(connection, days, scope)
        world = lake_days.world_of(days)
        accounting.account(connection, world, root)
        return list(_scores(connection, world, [tables.BY_NAME[name] for name in days.manifests], scope, ask))


def prepare(connection: duckdb.DuckDBPyConnection) -> None:
    """Makes the tables that are filled step by step, in an empty database."""
    for sql in (lake_days.CREATE, lake_truth.CREATE, warehouse.CREATE, verdicts.CREATE):
        connection.execute(sql)


def read_truth(connection: duckdb.DuckDBPyConnection, days: Days, scope: Scope) -> None:
    """Reads the truth about days in scope, and about those after them on which their rows may land."""
    found = False
    for name, manifests in days.manifests.items():
        table, known = tables.BY_NAME[name], {manifest.day for manifest in manifests}
        files = list(lake_truth.files_of(days.root, table))
        found |= bool(files)
        wanted = [
            lake_truth.truth_file(path, day, in_scope=scope.has(day))
            for path, day in files
            if day in known and (scope.has(day) or scope.has(day - timedelta(days=LONGEST_DELAY)))
        ]
        lake_truth.read(connection, table, wanted)
    rates = next((one.defects for own in days.manifests.values() for one in own if one.defects), {})
    if rates and not found:
        listed_rates = ", ".join(f"{kind} {rate:g}" for kind, rate in rates.items())
        raise LakeError(
            f"{truth.root(days.root)}: expected the truth about the defects that the manifests speak of "
            f"({listed_rates}), found none"
        )


def _scores(
    connection: duckdb.DuckDBPyConnection, world: World, own: list[Table], scope: Scope, ask: Ask
) -> Iterator[Score]:
    for table in own:
        warehouse.ask_letters(connection, ask, table)
        warehouse.ask_counts(connection, ask, table)
    accounting.examine(connection, scope)
    verdicts.judge_letters(connection)
    for table in own:
        samples.sample(connection, world, table)
        ask_named_rows(connection, ask, table)
        verdicts.judge_rows(connection, table)
        verdicts.judge_older(connection, table)
    yield from scores.tally(connection)
    for table in own:
        yield delivery.delivered(connection, ask, world, table)


def ask_named_rows(connection: duckdb.DuckDBPyConnection, ask: Ask, table: Table) -> None:
    """Asks for a table's rows that the truth names, and for those of files of an older schema that are looked at."""
    changed = verdicts.column_of(connection, table, NEWER)
    moment = table.partition.column if table.partition and changed else ""
    columns = sorted({changed, moment, verdicts.column_of(connection, table, OLDER)} - {""})
    keys = f"""
        SELECT key FROM truths WHERE in_scope AND NOT unreadable AND table_name = '{table.name}'
          AND kind IN {listed((LATE, DUPLICATE, NEWER))} AND number NOT IN (SELECT number FROM wanted_letters)
        UNION ALL SELECT key FROM samples WHERE table_name = '{table.name}'"""  # noqa: S608 - names of the domain
    warehouse.ask_rows(connection, ask, table, keys, columns)
