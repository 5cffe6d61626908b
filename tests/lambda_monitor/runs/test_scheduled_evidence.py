"""Scheduled runs decide over days, windows by hand on their own."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from contract.timestamps import timestamp
from lambda_monitor.reports import evidently_report
from tests.lambda_monitor.synthetic import HOUR, NOON, Stack, synthetic_rides

DAY = timedelta(days=1)
PER_HOUR = 40
Run = Callable[..., dict]


def fill(stack: Stack, days: int, stretch: float, invoke: Run) -> None:
    """Put days of rides that end at noon, and read them, as runs of these days did."""
    for number in range(days * 24):
        start = NOON - (number + 1) * HOUR
        rides = synthetic_rides(PER_HOUR, seed=number, stretch=stretch)
        stack.put(stack.events(rides, start, prefix=f"H{number}-"), start)
    invoke(NOON - days * DAY, NOON)


def distance(stack: Stack, summary: dict) -> dict:
    report = json.loads(stack.read(summary["report"].replace("report.html", "report.json")))
    [found] = [
        c for c in report["checks"] if c["name"] == "drift.feature" and c["columns"] == ["trip_distance"]
    ]
    return found


@pytest.mark.usefixtures("no_pictures")
def test_a_small_drift_of_days_alerts_by_schedule_and_not_by_hand(
    stack: Stack, invoke: Run, scheduled: Run
) -> None:
    stack.bundle()
    fill(stack, 4, 1.12, invoke)
    stack.notifications()
    by_hand = distance(stack, invoke(NOON - DAY, NOON))
    stack.empty("reports/")
    summary = scheduled(NOON - DAY, NOON)
    found = distance(stack, summary)

    assert by_hand["status"] == "ok"
    assert "evidence" not in by_hand["detail"]
    assert found["status"] == "alert"
    hours = found["detail"]["evidence"]["hours"]
    assert hours > 24
    assert found["detail"]["evidence"]["since"] == timestamp(NOON - hours * HOUR)
    window = found["detail"]["evidence"]["window"]
    assert (window["value"], window["threshold"]) == (by_hand["value"], by_hand["threshold"])
    [message] = stack.notifications()
    assert f"Decided over {hours // 24} days, since {timestamp(NOON - hours * HOUR)}" in " ".join(
        message["Message"].split()
    )


@pytest.mark.usefixtures("no_pictures")
def test_a_repeated_run_decides_the_same(stack: Stack, invoke: Run, scheduled: Run) -> None:
    stack.bundle()
    fill(stack, 2, 1.16, invoke)
    stack.empty("reports/")
    first, again = (distance(stack, scheduled(NOON - DAY, NOON, name)) for name in ("first", "again"))

    assert first == again


@pytest.mark.usefixtures("no_pictures")
def test_without_earlier_hours_the_window_decides(stack: Stack, invoke: Run, scheduled: Run) -> None:
    stack.bundle()
    fill(stack, 4, 1.12, invoke)
    stack.empty("profiles/", "reports/")
    found = distance(stack, scheduled(NOON - DAY, NOON))

    assert found["status"] == "ok"
    assert found["detail"]["evidence"]["hours"] == 24


@pytest.fixture
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave Evidently's report out: it takes seconds, and decides nothing."""
    rendered = evidently_report.Rendered(b"<html>", b"{}")
    monkeypatch.setattr(evidently_report, "render", lambda *_, **__: rendered)
