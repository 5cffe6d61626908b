"""Counts of the service level objective: each record once, on time or late."""

import json
import time
from collections.abc import Sequence
from typing import Any

import msgspec
import pytest

from lambda_predict import handler as handlers
from lambda_predict import metrics
from lambda_predict.score import Line
from tests.lambda_predict import synthetic
from tests.lambda_predict.world import Shard, World

NOW = synthetic.NOW


def arrived(*ages: float, now: float = NOW.timestamp()) -> list[dict[str, Any]]:
    """Return one record per age in seconds."""
    records = synthetic.kinesis([synthetic.ride()] * len(ages), first=9)
    for record, age in zip(records, ages, strict=True):
        record["kinesis"]["approximateArrivalTimestamp"] = now - age
    return records


def test_a_record_is_late_after_the_objective() -> None:
    assert metrics.timeliness(arrived(0, 59, 60, 61, 3_600), None, 60, NOW) == {"OnTime": 3, "Late": 2}
    assert metrics.timeliness(arrived(0, 59, 60, 61, 3_600), None, 10, NOW) == {"OnTime": 1, "Late": 4}


def test_records_that_lambda_delivers_again_are_not_counted_yet() -> None:
    # Sequence numbers from 9: as text, 10 comes before 9.
    assert metrics.timeliness(arrived(0, 90, 0, 90), "11", 60, NOW) == {"OnTime": 1, "Late": 1}
    assert metrics.timeliness(arrived(0, 90), "9", 60, NOW) == {"OnTime": 0, "Late": 0}


@pytest.fixture
def world(model: synthetic.Model, monkeypatch: pytest.MonkeyPatch) -> World:
    return World(monkeypatch, model)


def counted(capsys: pytest.CaptureFixture[str]) -> tuple[int, int]:
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    names = [{m["Name"] for m in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]} for line in lines]
    assert all({"OnTime", "Late"} <= found for found in names)
    return sum(line["OnTime"] for line in lines), sum(line["Late"] for line in lines)


def test_the_handler_counts_when_its_events_are_published(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    start = lambda: (synthetic.SETTINGS, world.scorer, world.output, world.rejected)  # noqa: E731
    monkeypatch.setattr(handlers, "start", start)
    handlers.handler({"Records": arrived(1, 50, 70, 500, now=time.time())}, synthetic.Context(30))
    assert counted(capsys) == (2, 2)


def test_metrics_are_in_the_namespace_of_the_stack(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = msgspec.structs.replace(synthetic.SETTINGS, metrics_namespace="Scorewatch/dev")
    monkeypatch.setattr(handlers, "start", lambda: (settings, world.scorer, world.output, world.rejected))
    handlers.handler({"Records": arrived(1, now=time.time())}, synthetic.Context(30))
    [directive] = json.loads(capsys.readouterr().out)["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Scorewatch/dev"


def test_each_record_is_counted_once_over_all_retries(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    calls = iter(range(1_000_000))

    def every_third(lines: Sequence[Line]) -> list[bool]:
        return [next(calls) % 3 != 0 for _ in lines]

    world.output, world.seconds = synthetic.Sink(every_third), 2.01
    data = [b"?" if number % 7 == 0 else synthetic.ride(str(number)) for number in range(100)]
    world.run(shard := Shard("shardId-000000000000", data))
    world.check(shard, poison=15)
    on_time, late = counted(capsys)
    assert (on_time + late, on_time) == (100, 0)


def test_some_counts_are_also_metrics_of_the_functions_version(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = msgspec.structs.replace(synthetic.SETTINGS, aws_lambda_function_version="7")
    monkeypatch.setattr(handlers, "start", lambda: (settings, world.scorer, world.output, world.rejected))
    names = []
    for bad in ([], [b"?"], [b"?", b"?"]):
        given = [*arrived(1, now=time.time()), *synthetic.kinesis(bad, first=20)]
        handlers.handler({"Records": given}, synthetic.Context(30))
        line = json.loads(capsys.readouterr().out)
        total, versioned = line["_aws"]["CloudWatchMetrics"]
        assert total["Dimensions"] == [["UseCase"]]
        assert versioned["Dimensions"] == [["UseCase", "ExecutedVersion"]]
        assert line["ExecutedVersion"] == "7"
        names.append([m["Name"] for m in versioned["Metrics"]])
    assert names[0] == ["Records"], "what did not happen costs no metric"
    assert names[1] == names[2] == ["Records", "Rejected", "Late"], "the bad records are old, too"


def test_an_empty_batch_only_starts_the_function(
    world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    start = lambda: (synthetic.SETTINGS, world.scorer, world.output, world.rejected)  # noqa: E731
    monkeypatch.setattr(handlers, "start", start)
    assert handlers.handler({"Records": []}, synthetic.Context(30)) == {"batchItemFailures": []}
    assert not capsys.readouterr().out
