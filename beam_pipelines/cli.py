"""The ``retail`` command: its subcommands, their options, and how it ends.

Exit status 0: done. 1: failed, with one line that says why. 2: wrong usage, with one line that names the option, what
was expected and what came. 130: interrupted. What a subcommand needs is imported when it runs, so ``--help`` is quick.
"""

from __future__ import annotations

import argparse
import atexit
import gc
import importlib
import os
import sys
from collections.abc import Callable, Sequence
from types import ModuleType
from typing import NoReturn

from beam_pipelines import options
from beam_pipelines.options import UsageError

DEMO_DEFAULTS = {"start_date": "2025-11-10", "end_date": "2025-12-09", "scale": "0.1", "seed": "42"}
"""The demo's world: the thirty days around Black Friday 2025."""

WAREHOUSE = "retail-data/warehouse.duckdb"


class _Parser(argparse.ArgumentParser):
    """Reports wrong usage in one line that names the command."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command and returns its exit status."""
    words = [_with_underscores(word) for word in (sys.argv[1:] if arguments is None else arguments)]
    parser = _parser()
    given, flags = parser.parse_known_args(words)
    if not given.command:
        parser.print_help()
        return 2
    return _run(given, flags)


def _run(given: argparse.Namespace, flags: Sequence[str]) -> int:
    # Nothing of a subcommand is imported before here: Beam alone takes two seconds.
    from beam_pipelines.commands.display import Display
    from beam_pipelines.commands.errors import explained
    from beam_pipelines.local.http_server import past_proxies

    os.environ |= past_proxies(os.environ)
    try:
        subcommand = _imported(given.command)
        subcommand.run(given, flags, Display(as_json=getattr(given, "json", False)))
    except UsageError as error:
        return _end(given, str(error), 2)
    except Exception as error:  # of any library: those that say what is wrong outside of this code are one line
        if line := explained(error):
            return _end(given, line, 1)
        raise  # a mistake of ours: the traceback is what a report of it needs
    except KeyboardInterrupt:
        _end(given, "interrupted; nothing is half-written, and the same command goes on from here", 130)
        sys.stderr.flush()
        # Beam's worker threads cannot be interrupted, and a normal exit would wait for them.
        os._exit(130)
    return 0


def _imported(command: str) -> ModuleType:
    """The subcommand's module.

    What modules make while they are imported stays to the end. Looking through all of it for garbage, again and again,
    would take a sixth of the CPU time of generating a year.
    """
    name = f"beam_pipelines.commands.{command}"
    if name in sys.modules:
        return sys.modules[name]
    gc.disable()
    subcommand = importlib.import_module(name)
    gc.freeze()
    gc.enable()
    atexit.register(gc.unfreeze)  # what is frozen at the end counts as leaked
    return subcommand


def _end(given: argparse.Namespace, message: str, status: int) -> int:
    print(f"retail {given.command}: {message}", file=sys.stderr)
    return status


def _with_underscores(word: str) -> str:
    """An option with hyphens as the one with underscores that Beam knows.

    >>> _with_underscores("--start-date=2025-11-10")
    '--start_date=2025-11-10'
    """
    if not word.startswith("--"):
        return word
    name, equals, value = word[2:].partition("=")
    return f"--{name.replace('-', '_')}{equals}{value}"


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="retail",
        description="A synthetic retail world: generate it as Avro, load it into BigQuery or DuckDB, query it.",
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", metavar="COMMAND", parser_class=_Parser)
    for name, text, add in COMMANDS:
        command = commands.add_parser(name, help=text, description=text, allow_abbrev=False)
        add(command)
    return parser


def _add_demo(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--output", metavar="PATH", default="retail-data", help="Folder for lake and warehouse. (default retail-data)"
    )
    options.add_to(parser, DEMO_DEFAULTS, DEMO_DEFAULTS)
    others = set(options.GENERATE) - {"output", *DEMO_DEFAULTS}
    parser.set_defaults(**{name: options.OPTIONS[name].default for name in others})
    _add_json(parser)


def _add_generate(parser: argparse.ArgumentParser) -> None:
    options.add_to(parser, options.GENERATE)
    _add_json(parser)


def _add_load(parser: argparse.ArgumentParser) -> None:
    options.add_to(parser, options.LOAD)
    _add_json(parser)


def _add_verify(parser: argparse.ArgumentParser) -> None:
    options.add_to(parser, ("input",))
    for name, which in (("start_date", "First"), ("end_date", "Last")):
        text = f"{which} day to verify, inclusive. (default the lake's {which.lower()})"
        parser.add_argument(f"--{name}", metavar=options.OPTIONS[name].metavar, help=text)
    parser.add_argument("--realism", action="store_true", help="Measure whether the world looks real instead.")
    parser.add_argument("--truth", action="store_true", help="Score a load of the lake against its defects instead.")
    warehouse = options.OPTIONS["warehouse"]
    parser.add_argument(
        warehouse.flag, metavar=warehouse.metavar, help=f"{warehouse.help} (with --truth, and required there)"
    )
    _add_json(parser)


def _add_query(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sql", metavar="SQL", nargs="?", help="The query, in GoogleSQL.")
    parser.add_argument("--file", metavar="PATH", help="A file with the query; - for standard input.")
    parser.add_argument("--format", choices=("table", "csv", "json"), default="table", help="How rows are printed.")
    options.add_to(parser, ("warehouse",), {"warehouse": WAREHOUSE})
    _add_json(parser)


def _add_serve(parser: argparse.ArgumentParser) -> None:
    options.add_to(parser, ("warehouse",), {"warehouse": WAREHOUSE})
    text = "Folder of Cloud Storage's buckets and objects. (default storage, beside the warehouse)"
    parser.add_argument("--storage", metavar="PATH", help=text)
    text = "First of four ports on 127.0.0.1; 0 for any. (default 9050)"
    parser.add_argument("--port", metavar="PORT", default="9050", help=text)


def _add_airflow(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--home", metavar="PATH", default="retail-data/airflow", help="Folder for all that it keeps.")
    parser.add_argument("--dags", metavar="PATH", help="Folder of DAGs. (default the repository's)")
    parser.add_argument("--port", metavar="PORT", default="8080", help="Airflow's port on 127.0.0.1. (default 8080)")
    text = "The local cloud's first port on 127.0.0.1; 0 for any. (default 9050)"
    parser.add_argument("--cloud_port", metavar="PORT", default="9050", help=text)


def _add_render(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--check", action="store_true", help="Write nothing; fail if a file is not as it would be.")


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="Print the result as JSON.")


COMMANDS: tuple[tuple[str, str, Callable[[argparse.ArgumentParser], None]], ...] = (
    ("demo", "Generate and load the thirty days around Black Friday 2025, and show what is there.", _add_demo),
    ("generate", "Draw days of the world and write them to the lake as Avro. Takes Beam's options too.", _add_generate),
    ("load", "Load days of the lake into the warehouse. Takes Beam's options too.", _add_load),
    (
        "verify",
        "Check a lake's files, keys, references, order and sums, how real it looks, or a load of it.",
        _add_verify,
    ),
    ("query", "Run GoogleSQL against the warehouse.", _add_query),
    ("serve", "Serve BigQuery, Cloud Storage and Dataflow on 127.0.0.1.", _add_serve),
    ("airflow", "Run Airflow with the repository's DAGs and the local cloud on 127.0.0.1.", _add_airflow),
    (
        "render",
        "Write the files that follow from the code: tables' documentation, option tables, templates, pools.",
        _add_render,
    ),
)

if __name__ == "__main__":
    sys.exit(main())
