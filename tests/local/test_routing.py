"""The embedded AWS's share of an alias: weights, processes by version, metrics by version."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from local import routing
from local.function_metrics import FunctionMetrics, Point, embedded
from local.runtime import Runtime, _Worker

WEIGHTED = {"FunctionVersion": "1", "RoutingConfig": {"AdditionalVersionWeights": {"2": 0.1}}}


def test_a_weighted_alias_draws_for_each_invocation() -> None:
    drawn = [routing.choose(WEIGHTED, number / 1000) for number in range(1000)]
    assert drawn.count("2") == 100
    assert drawn.count("1") == 900


@pytest.mark.parametrize(
    "alias", [{"FunctionVersion": "7"}, {"FunctionVersion": "7", "RoutingConfig": {}}], ids=["none", "empty"]
)
def test_an_alias_without_weights_has_one_version(alias: dict[str, Any]) -> None:
    assert {routing.choose(alias, draw) for draw in (0.0, 0.5, 0.999)} == {"7"}


class Stub(Runtime):
    """A runtime whose processes only sleep; each answer is its process."""

    def _answer(self, slot: Any, config: Mapping[str, Any], *_: Any) -> Any:
        if slot.worker is None:
            sleeping = [sys.executable, "-c", "import time; time.sleep(600)"]
            slot.worker = _Worker(config["Version"], subprocess.Popen(sleeping), 0)
        return slot.worker.process.pid


def test_two_versions_keep_their_processes_and_a_third_ends_the_oldest(tmp_path: Path) -> None:
    runtime = Stub(tmp_path, tmp_path, tmp_path, {})

    def pid(version: str) -> int:
        found: int = runtime.invoke({"FunctionName": "f", "Version": version}, {}, {})["body"]
        return found

    try:
        first, second = pid("1"), pid("2")
        assert first != second
        assert [pid("1"), pid("2"), pid("1")] == [first, second, first]
        pid("3")
        assert pid("1") == first, "used later than version 2"
        assert pid("2") != second
    finally:
        runtime.close()


LINE = {
    "_aws": {
        "Timestamp": 1_700_000_000_500,
        "CloudWatchMetrics": [
            {"Namespace": "N", "Dimensions": [["A"], ["A", "B"]], "Metrics": [{"Name": "x", "Unit": "Count"}]}
        ],
    },
    "A": "a",
    "B": "b",
    "x": [1, 2.5],
}


def test_a_log_line_is_one_point_per_value_and_set_of_dimensions() -> None:
    moment = 1_700_000_000.5
    expected = [
        Point("N", "x", dimensions, moment, "Count", value)
        for dimensions in ({"A": "a"}, {"A": "a", "B": "b"})
        for value in (1, 2.5)
    ]
    assert list(embedded(json.dumps(LINE))) == expected


@pytest.mark.parametrize("line", ["", "START RequestId: 1", "[1]", '"text"', "{}", '{"_aws": 1}', "7"])
def test_other_output_is_no_metric(line: str) -> None:
    assert list(embedded(line)) == []


def test_a_log_is_read_on_and_a_line_that_is_being_written_waits(tmp_path: Path) -> None:
    stored: list[Point] = []
    metrics = FunctionMetrics(tmp_path, stored.append)
    metrics.read_log("f")
    line = json.dumps(LINE)
    log = tmp_path / "f.log"
    log.write_text(f"output\n{line}\n{line[:20]}")
    metrics.read_log("f")
    assert len(stored) == 4
    with log.open("a") as file:
        file.write(f"{line[20:]}\n")
    metrics.read_log("f")
    metrics.read_log("f")
    assert len(stored) == 8


def test_an_invocation_is_counted_under_the_dimensions_of_its_version(tmp_path: Path) -> None:
    stored: list[Point] = []
    FunctionMetrics(tmp_path, stored.append).invoked("f", "live", "2", failed=True)
    dimensions = {"FunctionName": "f", "Resource": "f:live", "ExecutedVersion": "2"}
    assert [(p.name, p.value, p.dimensions) for p in stored] == [
        ("Invocations", 1, dimensions),
        ("Errors", 1, dimensions),
    ]
