"""Metrics of Lambda and of the functions' logs, as CloudWatch receives them.

Runs in the embedded AWS's process, so it imports the standard library alone.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple


class Point(NamedTuple):
    """One value of a metric; `moment` in seconds since 1970."""

    namespace: str
    name: str
    dimensions: Mapping[str, str]
    moment: float
    unit: str
    value: float


Store = Callable[[Point], None]


def embedded(line: str) -> Iterator[Point]:
    """Yield the points of a log line in CloudWatch's embedded metric format, none for any other line."""
    try:
        document = json.loads(line)
        directives = document["_aws"]["CloudWatchMetrics"]
    except (ValueError, TypeError, KeyError):  # other output of the function
        return
    moment = document["_aws"]["Timestamp"] / 1000
    for directive in directives:
        for names in directive["Dimensions"]:
            dimensions = {name: str(document[name]) for name in names}
            for metric in directive["Metrics"]:
                given = document[metric["Name"]]
                for value in given if isinstance(given, list) else [given]:
                    unit = metric.get("Unit", "None")
                    yield Point(directive["Namespace"], metric["Name"], dimensions, moment, unit, value)


class FunctionMetrics:
    """Store of what functions measure; logs are read on from where the last call ended."""

    def __init__(self, logs: Path, store: Store) -> None:
        self._logs, self._store = logs, store
        self._read: dict[str, int] = {}
        self._guard = threading.Lock()

    def invoked(self, function: str, alias: str, version: str, *, failed: bool) -> None:
        """Count an invocation by an alias, with the dimensions that Lambda gives it."""
        dimensions = {
            "FunctionName": function,
            "Resource": f"{function}:{alias}",
            "ExecutedVersion": version,
        }
        for name, value in (("Invocations", 1), ("Errors", int(failed))):
            self._store(Point("AWS/Lambda", name, dimensions, time.time(), "Count", value))

    def read_log(self, function: str) -> None:
        """Store the metrics that a function has logged since the last call."""
        path = self._logs / f"{function}.log"
        with self._guard:
            if not path.is_file():
                return
            with path.open("rb") as log:
                log.seek(self._read.get(function, 0))
                complete, newline, _ = log.read().rpartition(b"\n")
            self._read[function] = self._read.get(function, 0) + len(complete) + len(newline)
        for line in complete.decode(errors="replace").splitlines():
            for point in embedded(line):
                self._store(point)


def store_in(cloudwatch: Any) -> Store:
    """Return a store that keeps points in MiniStack's CloudWatch, without judging its alarms.

    MiniStack's alarms ignore dimensions: the error of one function would raise the alarms of all.
    """

    def store(point: Point) -> None:
        arguments = (dict(point.dimensions), point.moment, point.unit, point.value, None, None, None)
        cloudwatch._store_datum(point.namespace, point.name, *arguments)

    return store
