"""What the statements of one query share: a connection, and of a script what it declares."""

from __future__ import annotations

from dataclasses import dataclass, field

from duckdb import DuckDBPyConnection

from beam_pipelines.local.bigquery.names import TableName
from beam_pipelines.local.bigquery.user_functions import UserFunction

TEMPORARY = "temp"
"""DuckDB's schema of temporary tables, which live as long as their connection."""


@dataclass
class Session:
    """One query, from its first statement to its last."""

    cursor: DuckDBPyConnection
    is_script: bool = False
    variables: dict[str, str] = field(default_factory=dict)
    """By name in small letters: the variable's DuckDB type. Its value is DuckDB's variable of that name."""
    temporary: set[str] = field(default_factory=set)
    """The names of the temporary tables."""
    functions: dict[str, UserFunction] = field(default_factory=dict)
    """The functions that the script defines, by name in small letters."""

    def temporary_table(self, project: str, name: str) -> TableName | None:
        """The temporary table of that name, if there is one."""
        return TableName(project, TEMPORARY, name) if name in self.temporary else None
