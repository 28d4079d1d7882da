"""The options of the pipelines, defined once, and the checks that turn them into settings.

Beam's pipeline options, the ``retail`` command, the template metadata and the README's tables all come from
:data:`OPTIONS`. Nothing here imports Beam, so that ``retail --help`` answers at once.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from beam_pipelines import tables
from beam_pipelines.defects import AVRO_KINDS, CLEAN, KINDS, Rates
from beam_pipelines.formats import CODECS
from beam_pipelines.option_types import (
    BIGQUERY_PROJECT,
    DAY,
    NUMBER,
    Form,
    Option,
    Remote,
    cloud_storage_folder,
    listed,
)
from beam_pipelines.world import LAST, OPENING, SCALES, World


class UsageError(ValueError):
    """An option has a value that it cannot have; ``str()`` is one line that names it."""

    def __init__(self, option: str, expected: str, got: object) -> None:
        super().__init__(
            f"--{option}: expected {expected}, got {got!r}" if got is not None else f"--{option}: {expected}"
        )
        self.option = option


AUTO_CODEC = "auto"
NAMES = tuple(table.name for table in tables.LAKE)
_KINDS = "|".join(KINDS)

SCALE = Form(NUMBER, f"a number from {SCALES[0]:g} to {SCALES[1]:,}")
SEED = Form("[0-9]{1,19}", "a whole number from 0 to 2**63 - 1")
SHARE = Form(NUMBER, "a number from 0 to 1")
LIST_OF_TABLES = Form(listed("|".join(NAMES)), f"names of {', '.join(NAMES)}, separated by commas")
LIST_OF_RATES = Form(
    f" *none *|{listed(f'({_KINDS}) *= *{NUMBER}')}",
    f"KIND=RATE, separated by commas, with kinds of {', '.join(KINDS)}",
)
FORMATS = {"avro": "Avro", "parquet": "Parquet", "jsonl": "JSON lines", "csv": "CSV"}

OPTIONS = {
    option.name: option
    for option in (
        Option(
            name="output",
            help="Folder of the lake to write: a local path or gs://BUCKET/FOLDER.",
            metavar="PATH",
            label="Lake to write",
            group="Lake",
            kind="GCS_WRITE_FOLDER",
            required=True,
            remote=Remote("Folder of the lake to write: gs://BUCKET/FOLDER.", cloud_storage_folder("write")),
        ),
        Option(
            name="input",
            help="Folder of the lake to read: a local path or gs://BUCKET/FOLDER.",
            metavar="PATH",
            label="Lake to read",
            group="Lake",
            kind="GCS_READ_FOLDER",
            required=True,
            remote=Remote("Folder of the lake to read: gs://BUCKET/FOLDER.", cloud_storage_folder("read")),
        ),
        Option(
            name="start_date",
            help=f"First day, in UTC, from {OPENING} on.",
            metavar="YYYY-MM-DD",
            label="First day",
            group="Days",
            required=True,
            form=DAY,
        ),
        Option(
            name="end_date",
            help=f"Last day, inclusive, up to {LAST}.",
            metavar="YYYY-MM-DD",
            label="Last day",
            group="Days",
            required=True,
            form=DAY,
        ),
        Option(
            name="scale",
            help=f"Volume: 1 opens with about 1,000 orders a day; from {SCALES[0]:g} to {SCALES[1]:,}.",
            metavar="NUMBER",
            label="Scale",
            group="World",
            kind="NUMBER",
            default="1",
            form=SCALE,
        ),
        Option(
            name="seed",
            help="Which world: another seed, other customers, prices and orders.",
            metavar="INTEGER",
            label="Seed",
            group="World",
            kind="NUMBER",
            default="42",
            form=SEED,
        ),
        Option(
            name="tables",
            help=f"Tables to write, or to load, separated by commas, of: {', '.join(NAMES)}.",
            metavar="NAMES",
            label="Tables",
            group="Tables",
            default=",".join(NAMES),
            form=LIST_OF_TABLES,
        ),
        Option(
            name="dimension_history",
            help="complete: also write the days before start_date of tables that later rows refer to, where the lake "
            f"has them not: all of {', '.join(name for name, days in tables.HISTORY.items() if days is None)}, "
            f"{tables.LONGEST_IN_STOCK} days of {tables.INVENTORY_ITEMS.name}; none: the days asked for only.",
            metavar="complete|none",
            label="Earlier days of dimensions",
            group="Tables",
            kind="ENUM",
            default="complete",
            choices={"complete": "All that later rows refer to", "none": "None"},
        ),
        Option(
            name="format",
            help="Format of the files: avro, parquet, jsonl (JSON lines) or csv. Load reads Avro.",
            metavar="NAME",
            label="Format",
            group="Files",
            kind="ENUM",
            default="avro",
            choices={name: FORMATS[name] for name in CODECS},
        ),
        Option(
            name="codec",
            help="Compression: snappy, deflate (Avro only), zstandard or null; auto is snappy for Avro and Parquet, "
            "and null for jsonl and csv, which have no other.",
            metavar="NAME",
            label="Compression",
            group="Files",
            kind="ENUM",
            default=AUTO_CODEC,
            choices={name: name.capitalize() for name in (*CODECS["avro"], AUTO_CODEC)},
        ),
        Option(
            name="defect_rate",
            help="Share of the rows, blocks or files that each kind of defect befalls, from 0 to 1; what is defective "
            "is recorded in the lake's folder _truth.",
            metavar="NUMBER",
            label="Rate of every defect",
            group="Defects",
            kind="NUMBER",
            default="0",
            form=SHARE,
        ),
        Option(
            name="defects",
            help="Rates of single kinds, in place of defect_rate: KIND=RATE, separated by commas, of: "
            f"{', '.join(KINDS)}.",
            metavar="RATES",
            label="Rates of single defects",
            group="Defects",
            default="none",
            form=LIST_OF_RATES,
        ),
        Option(
            name="warehouse",
            help="Where the tables are: bigquery://PROJECT, or the path of a DuckDB file on this machine.",
            metavar="PROJECT|PATH",
            label="Warehouse",
            group="Warehouse",
            required=True,
            remote=Remote("The project of BigQuery where the tables are: bigquery://PROJECT.", BIGQUERY_PROJECT),
        ),
        Option(
            name="replay_dead_letters",
            help="true: load only the partitions of these days that have dead letters, after what was wrong with the "
            "lake, or with a rule, has been mended.",
            metavar="true|false",
            label="Only what has dead letters",
            group="Tables",
            kind="BOOLEAN",
            default="false",
            choices={"true": "Yes", "false": "No"},
        ),
    )
}

GENERATE = (
    *("output", "start_date", "end_date", "scale", "seed", "tables", "dimension_history"),
    *("format", "codec", "defect_rate", "defects"),
)
LOAD = ("input", "start_date", "end_date", "warehouse", "tables", "replay_dead_letters")

NO_DEFAULTS: Mapping[str, str] = {}


def add_to(parser: argparse.ArgumentParser, names: Iterable[str], defaults: Mapping[str, str] = NO_DEFAULTS) -> None:
    """Adds options to a parser, as text and none of them required: the settings check them all alike.

    ``defaults`` take the place of the options' own.
    """
    for name in names:
        option = OPTIONS[name]
        default = defaults.get(name, option.default)
        note = "required" if default is None else f"default {default}"
        text = f"{option.help} ({note})".replace("%", "%%")
        switch: dict[str, Any] = {"nargs": "?", "const": "true"} if option.is_switch else {}
        parser.add_argument(option.flag, help=text, metavar=option.metavar, default=default, **switch)


@dataclass(frozen=True)
class Period:
    """The days from start to end, both included."""

    start: date
    end: date

    @staticmethod
    def of(given: argparse.Namespace) -> Period:
        """The period of start_date and end_date."""
        start, end = (_date(option, required(given, option)) for option in ("start_date", "end_date"))
        if end < start:
            raise UsageError("end_date", f"a day on or after start_date ({start})", str(end))
        return Period(start, end)


@dataclass(frozen=True)
class GenerateSettings:
    """What the generate pipeline is asked to do."""

    output: str
    period: Period
    world: World
    tables: tuple[str, ...]
    complete_history: bool
    codec: str
    file_format: str = "avro"
    rates: Rates = CLEAN

    @staticmethod
    def of(given: argparse.Namespace) -> GenerateSettings:
        """The settings of the options; UsageError for the first that is wrong."""
        file_format = _checked("format", given.format)
        return GenerateSettings(
            output=required(given, "output").rstrip("/"),
            period=Period.of(given),
            world=_world(given),
            tables=_tables(given),
            complete_history=_checked("dimension_history", given.dimension_history) == "complete",
            codec=_codec(given, file_format),
            file_format=file_format,
            rates=_rates(given, file_format),
        )


@dataclass(frozen=True)
class LoadSettings:
    """What the load pipeline is asked to do."""

    input: str
    period: Period
    warehouse: str
    tables: tuple[str, ...] = NAMES
    """The lake tables that are loaded, with what is derived from them."""
    replays: bool = False
    """Whether only partitions that have dead letters are loaded."""

    @staticmethod
    def of(given: argparse.Namespace) -> LoadSettings:
        """The settings of the options; UsageError for the first that is wrong."""
        return LoadSettings(
            input=required(given, "input").rstrip("/"),
            period=Period.of(given),
            warehouse=required(given, "warehouse"),
            tables=_tables(given),
            replays=_checked("replay_dead_letters", given.replay_dead_letters) == "true",
        )


@dataclass(frozen=True)
class VerifySettings:
    """Which days of which lake are to be verified, and whether by realism."""

    input: str
    start: date | None
    """None for the lake's first day."""
    end: date | None
    """None for the lake's last day."""
    realism: bool
    warehouse: str | None = None
    """Whose load of these days is to be scored against the lake's truth; None for the lake alone."""

    @staticmethod
    def of(given: argparse.Namespace) -> VerifySettings:
        """The settings of the options; UsageError for the first that is wrong."""
        if given.truth and given.realism:
            raise UsageError("truth", "expected not together with --realism", None)
        if given.warehouse and not given.truth:
            raise UsageError("warehouse", "expected with --truth only", None)
        warehouse = required(given, "warehouse") if given.truth else None
        start = _date("start_date", given.start_date) if given.start_date else None
        end = _date("end_date", given.end_date) if given.end_date else None
        if start and end and end < start:
            raise UsageError("end_date", f"a day on or after start_date ({start})", str(end))
        return VerifySettings(required(given, "input").rstrip("/"), start, end, bool(given.realism), warehouse)


def required(given: argparse.Namespace, option: str) -> str:
    """The option's text; UsageError if it was not given or is empty."""
    text = getattr(given, option, None)
    if not text:
        raise UsageError(option, f"required: {OPTIONS[option].help}", None)
    return str(text)


def require_remote(option: str, text: str) -> None:
    """UsageError if what an option names is on this machine only, where workers on others have to use it."""
    remote = OPTIONS[option].remote
    if remote and not remote.form.fits(text):
        raise UsageError(option, remote.form.expected, text)


def _checked(option: str, text: str) -> str:
    """The text; UsageError if it does not look as the option's text has to."""
    form = OPTIONS[option].checked_form
    if form and not form.fits(text):
        raise UsageError(option, form.expected, text)
    return text


def _date(option: str, text: str) -> date:
    try:
        day = date.fromisoformat(_checked(option, text))
    except ValueError:
        raise UsageError(option, DAY.expected, text) from None
    if not OPENING <= day <= LAST:
        raise UsageError(option, f"a day from {OPENING}, when the shop opened, to {LAST}", text)
    return day


def _world(given: argparse.Namespace) -> World:
    scale, seed = _number("scale", given.scale, SCALES, SCALE.expected), _checked("seed", given.seed)
    try:
        return World(seed=int(seed), scale=scale)
    except ValueError:
        raise UsageError("seed", SEED.expected, seed) from None


def _number(option: str, text: str, bounds: tuple[float, float], expected: str) -> float:
    """The number; UsageError if it is none, or not within the bounds."""
    number = float(text) if SCALE.fits(text) else -1.0
    if not bounds[0] <= number <= bounds[1]:
        raise UsageError(option, expected, text)
    return number


def _tables(given: argparse.Namespace) -> tuple[str, ...]:
    names = [name.strip() for name in given.tables.split(",") if name.strip()]
    if not names or set(names) - set(NAMES):
        unknown = ",".join(sorted(set(names) - set(NAMES)))
        raise UsageError("tables", LIST_OF_TABLES.expected, unknown or given.tables)
    return tuple(name for name in NAMES if name in names)


def _codec(given: argparse.Namespace, file_format: str) -> str:
    codec = _checked("codec", given.codec)
    known = CODECS[file_format]
    if codec not in (*known, AUTO_CODEC):
        raise UsageError("codec", f"{' or '.join((*known, AUTO_CODEC))} with --format={file_format}", codec)
    return known[0] if codec == AUTO_CODEC else codec


def _rates(given: argparse.Namespace, file_format: str) -> Rates:
    """The rates of all kinds of defects; those that only Avro can have are 0 in other formats, unless asked for."""
    known = [kind for kind in KINDS if file_format == "avro" or kind not in AVRO_KINDS]
    rates = dict.fromkeys(known, _number("defect_rate", given.defect_rate, (0, 1), SHARE.expected))
    text = given.defects.strip()
    for part in [] if text == "none" else [part.strip() for part in text.split(",") if part.strip()]:
        kind, equals, rate = (word.strip() for word in part.partition("="))
        if not equals or kind not in KINDS:
            raise UsageError("defects", LIST_OF_RATES.expected, part)
        rates[kind] = _number("defects", rate, (0, 1), f"a rate from 0 to 1 for {kind}")
        if rates[kind] and kind not in known:
            raise UsageError("defects", f"{kind} with --format=avro only", file_format)
    return Rates.of(rates)
