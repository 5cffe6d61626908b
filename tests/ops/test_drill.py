"""A verdict computed again from the lake alone, after the lake or the stored profiles were changed."""

import gzip
import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import msgspec
import pytest
from moto import mock_aws

from contract import checks, layout
from lambda_monitor import monitor
from lambda_monitor.hours import athena as counting
from lambda_monitor.run import Clients, Span
from lambda_monitor.settings import Settings
from ops import __main__ as command_line
from ops import drill
from ops.drill import DrillError, Lake
from tests.lambda_monitor.hours.duck_athena import DuckAthena
from tests.lambda_monitor.synthetic import ARTIFACTS, HOUR, LAKE, MODEL, NOON, Stack, moment, synthetic_rides

WINDOW = layout.window_name(NOON, NOON + 2 * HOUR)
REPORT = layout.report_prefix(MODEL.name, NOON, NOON + 2 * HOUR) + "report.json"


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    # Evidently's pages take seconds and are no part of a verdict.
    monkeypatch.setattr(
        monitor.verdict, "drawn", lambda findings: msgspec.structs.replace(findings, pictures=[])
    )
    with mock_aws():
        yield Stack()


def lake(stack: Stack) -> Lake:
    return Lake(stack.s3, artifacts=ARTIFACTS, lake=LAKE, model=MODEL.name, label_delay=timedelta(days=7))


def add_hour(stack: Stack, hour: int, *, stretch: float = 1.0, labelled: bool = False) -> list[str]:
    start = NOON + hour * HOUR
    rides = synthetic_rides(300, seed=70 + hour, stretch=stretch)
    lines = stack.events(rides, start)
    if labelled:
        ids = [json.loads(line)["ride_id"] for line in lines]
        stack.label(dict(zip(ids, rides["duration"].tolist(), strict=True)), start)
    return stack.put([*lines, *lines[:5]], start, objects=3)


def run(
    stack: Stack,
    start: datetime = NOON,
    end: datetime = NOON + 2 * HOUR,
    asked: bool = True,
    athena: DuckAthena | None = None,
) -> Any:
    clients: Any = Clients(
        s3=stack.s3,
        sns=stack.sns,
        cloudwatch=boto3.client("cloudwatch"),
        athena=athena or boto3.client("athena"),
    )
    counted = {
        "ATHENA_WORKGROUP": "workgroup",
        "PREDICTIONS_TABLE": "predictions",
        "ID_COLUMN": "ride_id",
        "ATHENA_MIN_BYTES": "1",
    }
    values = counted if athena is not None else {}
    settings = Settings.from_environment(stack.environment(WINDOW_HOURS="2", **values))
    now = datetime.now(UTC) + timedelta(seconds=1)
    return monitor.run(clients, settings, Span(start=start, end=end, asked=asked), moment("run", now))


@pytest.fixture
def watched(stack: Stack) -> Stack:
    """Return a stack with a drifted and labelled window, read in two runs, and its report."""
    stack.bundle()
    add_hour(stack, 0, labelled=True)
    run(stack, NOON, NOON + HOUR)
    add_hour(stack, 1, stretch=1.6, labelled=True)
    assert run(stack, asked=False)["status"] == "alert"
    return stack


def test_the_verdict_is_rebuilt_without_the_stored_profiles(watched: Stack) -> None:
    for key in watched.keys(f"{layout.PROFILES}/"):
        watched.s3.put_object(Bucket=LAKE, Key=key, Body=b"damaged")
    before = {key: watched.read(key) for key in watched.keys("")}

    found = drill.drill(lake(watched), WINDOW)

    assert found.differences == []
    assert "The verdict is rebuilt as reported: alert" in str(found)
    assert found.report.records == 600
    assert any(check.name.startswith("performance") for check in found.report.checks)
    assert {key: watched.read(key) for key in watched.keys("")} == before


def test_the_newest_report_is_the_default(watched: Stack) -> None:
    run(watched, NOON, NOON + HOUR)
    assert drill.drill(lake(watched)).report.window.end == "2026-03-02T14:00:00.000Z"


def test_performance_of_an_earlier_window_is_rebuilt(stack: Stack) -> None:
    stack.bundle()
    for hour in (0, 1):
        add_hour(stack, hour, labelled=True)
    run(stack)
    for hour in (2, 3):
        add_hour(stack, hour)
    run(stack, NOON + 2 * HOUR, NOON + 4 * HOUR)

    found = drill.drill(lake(stack))

    assert found.report.counts["LabelledRecords"] == 600
    assert found.differences == []


def test_labels_joined_to_a_sample_by_athena_are_left_out(
    stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(counting, "SAMPLE_ROWS", 100)
    stack.bundle()
    for hour in (0, 1):
        add_hour(stack, hour, labelled=True)
    run(stack, athena=DuckAthena(stack, tmp_path))

    found = drill.drill(lake(stack))

    assert found.report.counts["LabelledRecords"] == 200
    assert found.differences == []
    assert re.search(r"left out  \d checks of labelled records: Athena counted", str(found))
    stack.s3.delete_object(Bucket=LAKE, Key=stack.keys(f"{layout.PREDICTIONS}/")[0])
    assert "records: reported 600" in str(drill.drill(lake(stack)))


def test_a_removed_object_is_found(watched: Stack) -> None:
    watched.s3.delete_object(Bucket=LAKE, Key=watched.keys(f"{layout.PREDICTIONS}/")[0])
    found = drill.drill(lake(watched), WINDOW)
    assert re.search(r"^records: reported 600, rebuilt \d+$", str(found), re.MULTILINE)


def test_a_removed_label_object_is_found(watched: Stack) -> None:
    watched.s3.delete_object(Bucket=LAKE, Key=watched.keys(f"{layout.GROUND_TRUTH}/")[0])
    found = drill.drill(lake(watched), WINDOW)
    assert "LabelledRecords: reported 600.0, rebuilt 300.0" in str(found)


def test_an_object_changed_after_the_report_is_named(watched: Stack) -> None:
    key = watched.keys(f"{layout.PREDICTIONS}/")[0]
    forge(watched, key)
    store_later(key)

    found = drill.drill(lake(watched), WINDOW)

    assert found.differences[0].what == "records"
    assert f"stored after the report: {key}" in str(found)


def test_an_object_changed_within_the_second_of_the_report_is_found(watched: Stack) -> None:
    forge(watched, watched.keys(f"{layout.PREDICTIONS}/")[0])
    found = drill.drill(lake(watched), WINDOW)
    assert any("drift" in difference.what for difference in found.differences), str(found)


def test_records_that_land_after_the_report_are_no_difference(watched: Stack) -> None:
    for key in add_hour(watched, 1):
        store_later(key)
    found = drill.drill(lake(watched), WINDOW)
    assert (found.differences, len(found.later)) == ([], 3)
    assert "left out  3 objects stored after the report" in str(found)


def test_objects_stored_during_the_run_are_no_difference(watched: Stack) -> None:
    run_json = REPORT.replace("report.json", "run.json")
    facts = json.loads(watched.read(run_json))
    began = datetime.now(UTC) - timedelta(hours=1)
    watched.s3.put_object(
        Bucket=LAKE, Key=run_json, Body=json.dumps({**facts, "ran_at": began.isoformat()}).encode()
    )
    assert drill.drill(lake(watched), WINDOW).differences == []


def test_a_changed_report_is_found(watched: Stack) -> None:
    report = json.loads(watched.read(REPORT))
    drift = next(check for check in report["checks"] if check["name"] == "drift.feature")
    drift["value"] += 0.001
    report["checks"].remove(report["checks"][-1])
    watched.s3.put_object(Bucket=LAKE, Key=REPORT, Body=json.dumps(report | {"status": "ok"}).encode())

    found = drill.drill(lake(watched), WINDOW)

    whats = [difference.what for difference in found.differences]
    assert len(whats) == 3
    assert "status: reported ok, rebuilt alert" in str(found)
    assert any(what.startswith("check drift.feature") and what.endswith(", value") for what in whats)


def test_the_checks_in_force_at_the_report_are_used(stack: Stack) -> None:
    stack.bundle()
    add_hour(stack, 0)
    add_hour(stack, 1, stretch=1.6)
    off = b'{"checks": {"drift.feature": {"enabled": false}}}'
    checks.upload(stack.s3, ARTIFACTS, MODEL.name, off, "2026-03-01T00:00:00Z")
    run(stack)
    checks.upload(stack.s3, ARTIFACTS, MODEL.name, None, "2026-03-02T00:00:00Z")

    found = drill.drill(lake(stack))

    assert found.report.configuration.version == 1
    assert found.differences == []


def test_a_window_without_a_report_is_an_error(watched: Stack) -> None:
    with pytest.raises(DrillError, match="has no complete report"):
        drill.drill(lake(watched), layout.window_name(NOON, NOON + 9 * HOUR))
    with pytest.raises(DrillError, match="yesterday is no window"):
        drill.drill(lake(watched), "yesterday")
    watched.empty(f"{layout.REPORTS}/")
    with pytest.raises(DrillError, match="the monitor has not run yet"):
        drill.drill(lake(watched))


def test_the_command_fails_with_the_next_step(
    watched: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    names = {"artifact_bucket": ARTIFACTS, "lake_bucket": LAKE, "model_name": MODEL.name}
    monkeypatch.setattr(command_line.deployment, "running_outputs", lambda _: names)
    assert command_line.main(["drill", "--use-case", "green_taxi"]) == 1
    assert "run make deploy USE_CASE=green_taxi" in capsys.readouterr().err
    known = names | {"label_delay_days": 7}
    monkeypatch.setattr(command_line.deployment, "running_outputs", lambda _: known)
    command = ["drill", "--use-case", "green_taxi", "--window", WINDOW]
    assert command_line.main(command) == 0
    watched.empty(f"{layout.PREDICTIONS}/")
    assert command_line.main(command) == 1
    assert f"aws s3api list-object-versions --bucket {LAKE} --prefix predictions/" in capsys.readouterr().err
    assert command_line.main([*command[:-1], "never"]) == 1


def forge(stack: Stack, key: str) -> None:
    """Multiply the distances in an object by ten."""
    events = [json.loads(line) for line in gzip.decompress(stack.read(key)).splitlines()]
    for event in events:
        event["features"]["trip_distance"] *= 10
    data = b"".join(json.dumps(event).encode() + b"\n" for event in events)
    stack.s3.put_object(Bucket=LAKE, Key=key, Body=gzip.compress(data))


def store_later(key: str) -> None:
    """Give an object a time of storage in the future."""
    from moto.s3.models import s3_backends  # noqa: PLC0415  moto's only way to set it

    backend = next(iter(s3_backends.values()))["aws"]
    backend.buckets[LAKE].keys[key].last_modified = datetime.now(UTC).replace(tzinfo=None) + timedelta(days=1)
