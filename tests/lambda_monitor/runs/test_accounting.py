"""Records that a run accounts for, and windows that end in the future."""

from datetime import timedelta
from typing import Any

import boto3
import pytest

from lambda_monitor import monitor
from lambda_monitor.reports import evidently_report
from lambda_monitor.run import Clients, Span
from lambda_monitor.settings import Settings
from tests.lambda_monitor.synthetic import HOUR, NOON, Stack, moment, synthetic_rides


@pytest.fixture(autouse=True)
def _without_evidently(monkeypatch: pytest.MonkeyPatch) -> None:
    rendered = evidently_report.Rendered(b"<html>", b"{}")
    monkeypatch.setattr(evidently_report, "render", lambda *_, **__: rendered)


def run(stack: Stack, hour: int = 0, *, end: int | None = None, asked: bool = False) -> dict[str, Any]:
    """Monitor the hour `hour`, or up to the hour `end`, half an hour after `hour` has ended."""
    settings = Settings.from_environment(stack.environment(PREDICT_FUNCTION="predict", INPUT_STREAM="input"))
    clients = Clients(s3=stack.s3, sns=stack.sns, cloudwatch=boto3.client("cloudwatch"), athena=None)
    start = NOON + hour * HOUR
    span = Span(start=start, end=start + HOUR if end is None else NOON + end * HOUR, asked=asked)
    return monitor.run(clients, settings, span, moment(f"{hour} {end}", start + HOUR + timedelta(minutes=30)))


def put_incoming(records: int) -> None:
    boto3.client("cloudwatch").put_metric_data(
        Namespace="AWS/Kinesis",
        MetricData=[
            {
                "MetricName": "IncomingRecords",
                "Dimensions": [{"Name": "StreamName", "Value": "input"}],
                "Timestamp": NOON + timedelta(minutes=10),
                "Value": records,
            }
        ],
    )


def statuses(summary: dict[str, Any]) -> dict[str, str]:
    return {check["name"]: check["status"] for check in summary["checks"]}


@pytest.mark.parametrize(("others", "status"), [(500, "ok"), (400, "alert")])
def test_events_of_other_versions_are_accounted_for(stack: Stack, others: int, status: str) -> None:
    stack.bundle()
    stack.put(stack.events(synthetic_rides(500, seed=1)))
    stack.put(stack.events(synthetic_rides(others, seed=2), version="2"))
    put_incoming(1000)

    assert statuses(run(stack))["service.lost"] == status


def test_a_window_that_ends_in_the_future_does_not_mute_later_ones(stack: Stack) -> None:
    stack.bundle()
    stack.put(stack.events(synthetic_rides(1000, seed=1)))
    run(stack, 0, end=24)
    stack.notifications()
    stack.put(stack.events(synthetic_rides(1000, seed=2, stretch=2.0), NOON + HOUR), NOON + HOUR)

    summary = run(stack, 1)

    assert summary["status"] == "alert"
    assert [m["MessageAttributes"]["kind"]["Value"] for m in stack.notifications()] == ["alert"]


def test_a_window_asked_by_hand_neither_starts_nor_resolves_the_alert(stack: Stack) -> None:
    stack.bundle()
    stack.put(stack.events(synthetic_rides(1000, seed=1)))
    stack.put(stack.events(synthetic_rides(1000, seed=2, stretch=2.0), NOON + HOUR), NOON + HOUR)
    run(stack, 1)
    asked = run(stack, 0, asked=True)
    again = run(stack, 1)

    assert (asked["status"], again["status"], again["notified"]) == ("ok", "alert", False)
    assert [m["MessageAttributes"]["kind"]["Value"] for m in stack.notifications()] == ["alert"]
