"""DuckDB connection of the process, and quoting of names and values."""

import os
import tempfile
from functools import cache
from pathlib import Path

import duckdb


@cache
def engine() -> duckdb.DuckDBPyConnection:
    """Return the process's connection to an empty database in memory; opening one takes 25 ms."""
    # A relative folder, which is the default, would lie in the function's read-only root.
    temporary = Path(tempfile.gettempdir(), f"duckdb-{os.getpid()}")
    connection = duckdb.connect(
        config={"threads": str(os.cpu_count() or 1), "temp_directory": str(temporary)}
    )
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def struct(fields: dict[str, str]) -> str:
    """Return the STRUCT type of those fields."""
    return f"STRUCT({', '.join(f'{name(field)} {kind}' for field, kind in fields.items())})"


def name(identifier: str) -> str:
    """Return `identifier` quoted."""
    return '"' + identifier.replace('"', '""') + '"'


def text(value: str) -> str:
    """Return `value` as a literal."""
    return "'" + value.replace("'", "''") + "'"
