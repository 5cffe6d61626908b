"""A stand-in for Athena, as in the embedded AWS: DuckDB over the objects of the lake."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from contract import layout
from tests.lambda_monitor.synthetic import Stack


class DuckAthena:
    """The client calls the monitor makes."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self._stack = stack
        self._folder = folder
        self._states: dict[str, tuple[str, str]] = {}
        self._results: dict[str, list[list[Any]]] = {}
        self.queries: list[str] = []
        self.stopped: list[str] = []
        self.slow = False

    def start_query_execution(self, *, QueryString: str, **_: Any) -> dict[str, str]:  # noqa: N803  # boto3's names
        number = str(len(self.queries))
        self.queries.append(QueryString)
        self._states[number] = ("RUNNING", "") if self.slow else self._run(QueryString, number)
        return {"QueryExecutionId": number}

    def get_query_execution(self, *, QueryExecutionId: str) -> dict[str, Any]:  # noqa: N803  # boto3's names
        state, reason = self._states[QueryExecutionId]
        return {
            "QueryExecution": {
                "Status": {"State": state, "StateChangeReason": reason},
            }
        }

    def get_paginator(self, _: str) -> "DuckAthena":
        return self

    def paginate(self, *, QueryExecutionId: str) -> Iterator[dict[str, Any]]:  # noqa: N803  # boto3's names
        """Yield pages of two rows, so that there are several."""
        rows = self._results[QueryExecutionId]
        columns = [{"Name": name} for name in rows[0]]
        for first in range(0, len(rows), 2):
            data = [
                {"Data": [{} if v is None else {"VarCharValue": str(v)} for v in row]}
                for row in rows[first : first + 2]
            ]
            yield {"ResultSet": {"Rows": data, "ResultSetMetadata": {"ColumnInfo": columns}}}

    def stop_query_execution(self, *, QueryExecutionId: str) -> None:  # noqa: N803  # boto3's names
        self.stopped.append(QueryExecutionId)

    def _run(self, query: str, number: str) -> tuple[str, str]:
        folder = self._folder / number
        for key in self._stack.keys(f"{layout.PREDICTIONS}/"):
            path = folder / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self._stack.read(key))
        try:
            with duckdb.connect() as engine:
                types = "hive_types = {year: VARCHAR, month: VARCHAR, day: VARCHAR, hour: VARCHAR}"
                engine.execute(
                    # The only value in the statement is the folder of the test.
                    f"CREATE VIEW predictions AS SELECT * FROM read_json_auto('{folder}/**/*.gz', "  # noqa: S608  # see above
                    f"union_by_name = true, hive_partitioning = true, {types})"
                )
                result = engine.execute(query)
                names = [column[0] for column in result.description]
                self._results[number] = [names, *(list(row) for row in result.fetchall())]
        except duckdb.Error as error:
            return "FAILED", str(error)
        return "SUCCEEDED", ""
