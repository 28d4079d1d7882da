"""GoogleSQL functions that DuckDB lacks, as DuckDB macros stored in the file, so that views work in plain DuckDB."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files


@dataclass(frozen=True)
class Macros:
    """A schema of macros."""

    schema: str
    definitions: str

    @property
    def version(self) -> str:
        """Changes with the definitions, which are then stored again."""
        return hashlib.sha256(self.definitions.encode()).hexdigest()[:16]

    @property
    def script(self) -> str:
        """The DuckDB statements that define them."""
        return f"CREATE SCHEMA IF NOT EXISTS {self.schema};\n{self.definitions}"


MACROS = Macros("_googlesql", files(__package__).joinpath("macros.sql").read_text(encoding="utf-8"))
