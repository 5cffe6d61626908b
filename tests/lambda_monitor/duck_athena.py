"""Athena as the embedded AWS has it: DuckDB over the objects of the lake, results as CSV in S3."""

import csv
import io
from pathlib import Path
from typing import Any

import duckdb

from contract import layout
from tests.lambda_monitor.made import LAKE, Stack


class DuckAthena:
    """The client calls the monitor makes."""

    def __init__(self, stack: Stack, folder: Path) -> None:
        self._stack = stack
        self._folder = folder
        self._states: dict[str, tuple[str, str]] = {}
        self.queries: list[str] = []
        self.stopped: list[str] = []
        self.slow = False

    def start_query_execution(self, *, QueryString: str, **_: Any) -> dict[str, str]:  # noqa: N803  # boto3's names
        number = str(len(self.queries))
        self.queries.append(QueryString)
        self._states[number] = ("RUNNING", "") if self.slow else self._run(QueryString, number)
        return {"QueryExecutionId": number}

    def get_query_execution(self, *, QueryExecutionId: str) -> dict[str, Any]:  # noqa: N803  # boto3's names
        state, told = self._states[QueryExecutionId]
        return {
            "QueryExecution": {
                "Status": {"State": state, "StateChangeReason": told},
                "ResultConfiguration": {
                    "OutputLocation": f"s3://{LAKE}/athena-results/{QueryExecutionId}.csv"
                },
            }
        }

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
                    # Our own folder is all that is put in.
                    f"CREATE VIEW predictions AS SELECT * FROM read_json_auto('{folder}/**/*.gz', "  # noqa: S608  # see above
                    f"union_by_name = true, hive_partitioning = true, {types})"
                )
                result = engine.execute(query)
                text = io.StringIO()
                writer = csv.writer(text)
                writer.writerow([column[0] for column in result.description])
                writer.writerows(result.fetchall())
        except duckdb.Error as error:
            return "FAILED", str(error)
        self._stack.s3.put_object(
            Bucket=LAKE, Key=f"athena-results/{number}.csv", Body=text.getvalue().encode()
        )
        return "SUCCEEDED", ""
