"""Records that land after the window of their arrival was monitored."""

import json
from datetime import datetime, timedelta
from typing import Any

import boto3
import pytest

from contract import layout
from contract.timestamps import timestamp
from lambda_monitor import monitor
from lambda_monitor.checks import service, verdict
from lambda_monitor.reports import index
from lambda_monitor.run import Clients, Span
from lambda_monitor.settings import Settings
from tests.lambda_monitor.synthetic import HOUR, LAKE, MODEL, NOON, Stack, moment, synthetic_rides

LATE = "lake.late"


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(verdict, "drawn", lambda findings: findings)


def run(stack: Stack, start: datetime, *, length: timedelta = HOUR, asked: bool = False) -> dict[str, Any]:
    """Monitor the window that starts at `start`, 20 minutes after its end."""
    clients = Clients(
        s3=stack.s3,
        sns=stack.sns,
        cloudwatch=boto3.client("cloudwatch"),
        athena=boto3.client("athena"),
    )
    settings = Settings.from_environment(stack.environment())
    span = Span(start=start, end=start + length, asked=asked)
    now = start + length + timedelta(minutes=20)
    return monitor.run(clients, settings, span, moment(f"{start}", now))


def late(summary: dict[str, Any]) -> dict[str, Any]:
    [found] = [check for check in summary["checks"] if check["name"] == LATE]
    return found


def fill(stack: Stack, hours: int, start: datetime = NOON) -> list[list[bytes]]:
    """Upload a bundle, and put 100 records into each hour but ten of the first, which are returned."""
    stack.bundle()
    lines = [stack.events(synthetic_rides(100, seed=n), start + n * HOUR) for n in range(hours)]
    stack.put(lines[0][:90], start)
    for number, own in enumerate(lines[1:], 1):
        stack.put(own, start + number * HOUR)
    return lines


@pytest.mark.parametrize("landed", [0, 2])
def test_records_that_land_after_their_window_are_reported_once_final(stack: Stack, landed: int) -> None:
    lines = fill(stack, 6)
    found = []
    for number in range(6):
        if number == 3:
            stack.put([*lines[0][90:], *lines[0][:5]], NOON + landed * HOUR)
        found.append(late(run(stack, NOON + number * HOUR)))

    assert [check["status"] for check in found] == ["skipped"] * 4 + ["alert", "ok"]
    assert (found[4]["value"], found[4]["detail"]) == (0.1, {"late": {"2026-03-02T12:00:00.000Z": 10}})
    assert "10 of 100 records" in found[4]["sentence"]
    assert '{"start": "2026-03-02T12:00:00.000Z", "end": "2026-03-02T13:00:00.000Z"}' in found[4]["sentence"]
    assert found[5]["value"] == 0


def test_records_that_firehose_delivers_hours_later_are_found_after_a_day(stack: Stack) -> None:
    lines = fill(stack, 1)
    run(stack, NOON)
    assert late(run(stack, NOON + 4 * HOUR))["status"] == "ok"
    stack.put(lines[0][90:], NOON)

    assert late(run(stack, NOON + 23 * HOUR))["status"] == "skipped"
    assert late(run(stack, NOON + 24 * HOUR))["value"] == 0.1


def test_a_window_that_was_monitored_again_has_no_late_records(stack: Stack) -> None:
    lines = fill(stack, 1)
    run(stack, NOON)
    stack.put(lines[0][90:], NOON)
    run(stack, NOON, asked=True)

    assert late(run(stack, NOON + 4 * HOUR))["value"] == 0


def test_windows_of_a_day_are_compared_with_the_one_before(stack: Stack) -> None:
    lines = fill(stack, 3)
    run(stack, NOON - 21 * HOUR, length=24 * HOUR)
    stack.put(lines[0][90:], NOON)

    found = late(run(stack, NOON + 3 * HOUR, length=24 * HOUR))

    assert "10 of 300 records" in found["sentence"]


_OTHER_VERSION = {
    "model": {"name": MODEL.name, "version": "0"},
    "window": {"start": timestamp(NOON), "end": timestamp(NOON + HOUR)},
    "status": "ok",
    "records": 90,
    "checks": [],
}


@pytest.mark.parametrize("body", [b"{", json.dumps(_OTHER_VERSION).encode()])
def test_a_damaged_report_or_one_of_another_version_is_not_compared(
    stack: Stack, body: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(index, "update", lambda *_: None)
    fill(stack, 1)
    key = layout.report_prefix(MODEL.name, NOON, NOON + HOUR) + "report.json"
    stack.s3.put_object(Bucket=LAKE, Key=key, Body=body)

    assert late(run(stack, NOON + 4 * HOUR))["status"] == "skipped"


def test_redelivered_records_do_not_account_for_lost_ones(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = fill(stack, 1)
    stack.put(lines[0][:10], NOON)
    accounted = []
    check = service.check_service

    def record(*given: Any, **named: Any) -> Any:
        accounted.append(named["accounted"])
        return check(*given, **named)

    monkeypatch.setattr(service, "check_service", record)
    run(stack, NOON)

    assert accounted == [90]
