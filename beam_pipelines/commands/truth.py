"""``retail verify --truth``: what a load made of a lake's defects, scored against the truth about them."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from google.api_core.exceptions import GoogleAPICallError
from google.cloud import bigquery

from beam_pipelines.commands.display import Display
from beam_pipelines.commands.errors import CommandError
from beam_pipelines.commands.warehouses import is_bigquery, opened, refusal
from beam_pipelines.options import UsageError, VerifySettings
from beam_pipelines.verification.scoring import Ask, Scope, Score, score
from beam_pipelines.verification.scoring.scores import together
from beam_pipelines.warehouse.client import connect

HEADERS = ("kind", "injected", "caught", "missed", "false alarms", "unreadable", "recall", "precision")


def run(settings: VerifySettings, warehouse: str, display: Display) -> None:
    """Scores a load and prints a line for each kind of defect; CommandError if it is not perfect."""
    if not is_bigquery(warehouse) and not Path(warehouse).is_file():
        raise UsageError(
            "warehouse", "a DuckDB file that is there (retail load creates one) or bigquery://PROJECT", warehouse
        )
    started = time.monotonic()
    with opened(warehouse) as address:
        scores = score(settings.input, Scope(settings.start, settings.end), asking(connect(address)))
    kinds = together(scores)
    seconds = time.monotonic() - started
    document = {"input": settings.input, "warehouse": warehouse, "seconds": round(seconds, 3)}
    display.result(document | {"kinds": list(map(described, kinds)), "tables": list(map(described, scores))})
    if not display.as_json:
        display.table("", HEADERS, list(map(shown, kinds)))
        for line in notes(kinds):
            display.say(line)
        display.say(f"\n{seconds:.1f} s")
    if wrong := [one for one in kinds if not one.is_perfect]:
        missed, false = (sum(getattr(one, name) for one in wrong) for name in ("missed", "false_alarms"))
        raise CommandError(f"{missed:,} missed and {false:,} false alarms: {', '.join(one.kind for one in wrong)}")


def asking(client: bigquery.Client) -> Ask:
    """Runs queries through Google's client; CommandError, with the warehouse's own words, for what it refuses."""

    def ask(sql: str, parameters: Mapping[str, str]) -> pa.Table:
        given = [bigquery.ScalarQueryParameter(name, "STRING", text) for name, text in parameters.items()]
        try:
            found = client.query_and_wait(sql, job_config=bigquery.QueryJobConfig(query_parameters=given))
            # There may be no Storage API, and what is asked for is little.
            return found.to_arrow(create_bqstorage_client=False)
        except GoogleAPICallError as error:
            raise refusal(error) from error

    return ask


def described(one: Score) -> dict[str, Any]:
    """A score for programs."""
    shares = {"recall": one.recall, "precision": one.precision}
    told = {name: text for name, text in vars(one).items() if text != ""}
    return told | {"missed": one.missed} | shares


def shown(one: Score) -> Sequence[str]:
    """A score as a line of the table."""
    numbers = (one.injected, one.caught, one.missed, one.false_alarms, one.unreadable)
    return (one.kind, *(f"{number:,}" for number in numbers), share(one.recall), share(one.precision))


def share(value: float | None) -> str:
    """A share as people read it: 1 only if it is that, nothing if there is none.

    >>> share(1.0), share(0.99999), share(None)
    ('1', '0.9999', '')
    """
    if value is None or value == 1:
        return "" if value is None else "1"
    return f"{int(value * 10_000) / 10_000:.4f}"


def notes(kinds: Sequence[Score]) -> list[str]:
    """What the first ones are that were missed, or were none; nothing if all is well."""
    found = []
    for one in kinds:
        for what, first in (("missed", one.first_missed), ("false alarm", one.first_false_alarm)):
            if first:
                found.append(f"{one.kind}: first {what}: {first}")
    return ["", *found] if found else []
