"""Scheduled runs decide the mean error from the sums in the reports of earlier days."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest

from lambda_monitor.checks import verdict
from tests.lambda_monitor.synthetic import HOUR, NOON, Stack, synthetic_rides

DAY = timedelta(days=1)
PER_HOUR = 18
Run = Callable[..., dict]


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave Evidently's report out: it takes seconds, and decides nothing."""
    monkeypatch.setattr(verdict, "drawn", lambda findings: findings)


def mean_error(stack: Stack, summary: dict) -> dict:
    report = json.loads(stack.read(summary["report"].replace("report.html", "report.json")))
    [found] = [check for check in report["checks"] if check["name"] == "performance.mean_error"]
    return found


def day(stack: Stack, number: int, moved: float, scheduled: Run) -> dict:
    """Put a day of rides, of which 24 get a label, and return the check of its scheduled run."""
    start, labels = NOON + number * DAY, {}
    for hour in range(0, 24, 3):
        rides = synthetic_rides(PER_HOUR, seed=number * 24 + hour)
        events = stack.events(rides, start + hour * HOUR, prefix=f"D{number}-{hour}-")
        stack.put(events, start + hour * HOUR)
        for event, duration in zip(events[:3], rides["duration"], strict=False):
            labels[json.loads(event)["ride_id"]] = float(duration) + moved
    stack.label(labels, start)
    return mean_error(stack, scheduled(start, start + DAY, f"run-{number}"))


def test_a_moved_target_of_few_labels_is_found_from_the_reports_of_days(stack: Stack, scheduled: Run) -> None:
    stack.bundle()
    before = [day(stack, number, 0.0, scheduled) for number in range(8)]
    after = [day(stack, number, 4.0, scheduled) for number in (8, 9)]

    assert [one["status"] for one in before] == ["skipped"] * 2 + ["ok"] * 6
    assert all(sum(one["detail"]["sums"]["rows"]) == 24 for one in [*before, *after])
    assert after[-1]["status"] == "alert"
    assert after[-1]["detail"]["evidence"]["hours"] in {48, 72}
    assert after[-1]["sentence"].startswith("Predictions are too low: without its oddest 12 hours in a row")
    [message] = stack.notifications()
    assert "Predictions are too low" in message["Message"]
