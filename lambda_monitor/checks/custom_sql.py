"""Evaluate one SQL expression over a Parquet file, in a process of its own.

The process has no credentials, limits on memory and processor time, and a DuckDB connection that can
read nothing but that file. It reads a request from standard input and writes a JSON answer.
"""

import json
import resource
import sys
from typing import Any

import duckdb

_MOST_BYTES = 1 << 30
_MOST_SECONDS = 30
_LOCKED = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "lock_configuration": "true",
}


def main() -> None:
    """Answer the request on standard input: `{"path", "sql"}` to `{"value"}` or `{"error"}`."""
    for limit, most in ((resource.RLIMIT_AS, _MOST_BYTES), (resource.RLIMIT_CPU, _MOST_SECONDS)):
        hard = resource.getrlimit(limit)[1]
        resource.setrlimit(limit, (most, hard) if hard == resource.RLIM_INFINITY else (min(most, hard), hard))
    request = json.load(sys.stdin)
    answer: dict[str, float | str | None]
    try:
        answer = {"value": evaluate(request["path"], request["sql"])}
    except (duckdb.Error, ValueError, MemoryError) as error:
        answer = {"error": (str(error).splitlines() or [type(error).__name__])[0]}
    json.dump(answer, sys.stdout)


def evaluate(path: str, sql: str) -> float | None:
    """Return the value of the aggregate `sql` over the table `rows`. Raises ValueError, duckdb.Error."""
    connection = duckdb.connect(config={"threads": "1", "memory_limit": "256MB", "temp_directory": ""})
    file = "'" + path.replace("'", "''") + "'"
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"SET allowed_paths = [{file}]")
    connection.execute(f"CREATE VIEW rows AS SELECT * FROM read_parquet({file})")  # noqa: S608
    for name, setting in _LOCKED.items():
        connection.execute(f"SET {name} = {setting}")
    # The line break ends a comment at the end of the expression.
    query = f"SELECT CAST((\n{sql}\n) AS DOUBLE) FROM rows"  # noqa: S608  # the connection is locked
    statements = connection.extract_statements(query)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise ValueError("it is not one expression")
    found: list[tuple[Any, ...]] = connection.execute(statements[0]).fetchmany(2)
    if len(found) != 1 or len(found[0]) != 1:
        raise ValueError("it has no or several results: use an aggregate, such as avg(...)")
    value: float | None = found[0][0]
    return value


if __name__ == "__main__":
    main()
