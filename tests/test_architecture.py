"""Imports point one way: who may import what of ours, and who must start without Beam."""

import ast
from pathlib import Path

import pytest

import beam_pipelines

ROOT = Path(beam_pipelines.__file__).parent
PARTS = sorted({path.relative_to(ROOT).parts[0].removesuffix(".py") for path in ROOT.rglob("*.py")} - {"__init__"})
ALLOWED = {
    "schema": set(),
    "tables": {"schema"},
    "avro": set(),
    "columns": set(),
    "world": {"tables", "schema", "columns"},
    "formats": {"tables", "schema", "columns", "avro"},
    "defects": {"tables", "schema", "columns", "avro", "formats", "lake", "records", "storage", "world"},
    "verification": {"tables", "schema", "columns", "avro", "defects", "lake", "progress", "storage", "world"},
}
FORBIDDEN = {
    "local": {"pipelines", "transforms", "world", "warehouse"},
    "warehouse": {"transforms", "pipelines", "local"},
    "transforms": {"pipelines", "local"},
}
WITHOUT_BEAM = (
    *("schema", "tables", "columns", "world", "avro", "formats", "defects", "verification"),
    *("option_types", "options", "template_specs"),
)


def imported(part: str) -> dict[str, set[str]]:
    """What every file of a part imports, as dotted names: of ``from a import b`` both a and a.b."""
    files = sorted((ROOT / part).rglob("*.py")) if (ROOT / part).is_dir() else [ROOT / f"{part}.py"]
    names: dict[str, set[str]] = {}
    for file in files:
        found = names.setdefault(str(file.relative_to(ROOT)), set())
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{file}:{node.lineno}: relative imports hide where they lead"
                found |= {str(node.module)} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def our_parts(part: str) -> dict[str, set[str]]:
    """The other parts of ours that every file of a part imports."""
    ours = {
        file: {name.split(".")[1] for name in names if name.startswith("beam_pipelines.")}
        for file, names in imported(part).items()
    }
    return {file: (names & set(PARTS)) - {part} for file, names in ours.items()}


@pytest.mark.parametrize("part", PARTS)
def test_imports_point_one_way(part):
    forbidden = (FORBIDDEN.get(part, set()) | {"cli"}) - {part}
    if part in ALLOWED:
        forbidden |= set(PARTS) - ALLOWED[part] - {part}
    wrong = {file: names & forbidden for file, names in our_parts(part).items() if names & forbidden}
    assert not wrong, f"{part} must not import {wrong}"


@pytest.mark.parametrize("part", WITHOUT_BEAM)
def test_starts_without_beam(part):
    wrong = [file for file, names in imported(part).items() if any(name.startswith("apache_beam") for name in names)]
    assert not wrong, f"{wrong} import apache_beam"
