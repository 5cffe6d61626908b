"""Scheduled decisions on labels from the reports of earlier days."""

import json

import msgspec
import pytest

from contract import layout
from contract.timestamps import timestamp
from lambda_monitor.check_config import CheckConfig, CheckOverride
from lambda_monitor.checks import days
from lambda_monitor.findings import LEAST_VALUE, CheckResult
from tests.lambda_monitor.synthetic import HOUR, LAKE, MODEL, NOON, Stack

DAY = 24 * HOUR


def error(value: float, name: str = "performance", **detail: object) -> CheckResult:
    return CheckResult.above(name, value, 10.0, "The error is this.", detail=dict(detail))


@pytest.mark.parametrize(
    ("earlier", "times"),
    [
        ([], days.AT_ONCE),
        ([0.5], days.AT_ONCE),
        ([1.3], 1.3),
        ([1.5], 1.1),
        ([9.0], 1.1),
        ([1.1, 1.1, 1.1, 1.1], 1.1),
        ([1.2, 1.2, 1.2, 1.2], 1.0),
        ([1.5, 1.5, 1.5, 1.5], 1.0),
    ],
)
def test_days_before_lower_what_the_newest_needs(earlier: list[float], times: float) -> None:
    assert days.needed(earlier) == pytest.approx(times)


def test_one_bad_day_is_no_alert_and_a_bad_week_is() -> None:
    def status(earlier: list[float], value: float = 12.0) -> str:
        [found] = days.decide(CheckConfig(), [error(value)], {"performance: ": earlier}, [])
        return found.status

    assert status([0.8] * 4) == "ok"
    assert status([1.2] * 4) == "alert"
    assert status([0.8] * 4, value=18.0) == "alert", "far beyond the limit"


def test_the_result_shows_the_limit_that_counts_and_why() -> None:
    [found] = days.decide(CheckConfig(), [error(12.0)], {"performance: ": [0.8]}, [])

    assert found.threshold == 17.5
    assert found.detail["evidence"] == {"days": [0.8], "window": {"value": 12.0, "threshold": 10.0}}
    assert "Beyond the limit of one window, 10, on 1 of the last 2 days" in found.sentence
    [first] = days.decide(CheckConfig(), [error(12.0)], {}, [])
    assert "Beyond the limit of one window, 10, on this day; an alert needs 1.75 times" in first.sentence


def test_an_open_alert_ends_within_the_limit_of_one_window() -> None:
    results = [days.decide(CheckConfig(), [error(v)], {}, ["performance: "])[0].status for v in (10.5, 9.9)]

    assert results == ["alert", "ok"]


def test_a_least_value_is_lowered() -> None:
    recall = CheckResult.below("performance.recall", 0.5, 0.7, "Recall.", detail={})
    [found] = days.decide(CheckConfig(), [recall], {}, [])

    assert found.threshold == pytest.approx(0.4)
    assert found.status == "ok"
    assert found.detail[LEAST_VALUE]


def test_other_checks_and_the_users_limits_are_left_alone() -> None:
    own = CheckConfig(checks={"performance": CheckOverride(threshold=10.0)})
    missing = error(12.0, "quality.missing")

    assert days.decide(CheckConfig(), [missing], {}, []) == [missing]
    assert days.decide(own, [error(12.0)], {}, []) == [error(12.0)]


def report(stack: Stack, shift: int, *, version: str = "1", check: dict[str, object] | None = None) -> None:
    start = NOON - shift * HOUR
    body = {
        "model": {"name": MODEL.name, "version": version, "run_id": ""},
        "window": {"start": timestamp(start), "end": timestamp(start + DAY)},
        "status": "alert",
        "records": 100,
        "checks": [msgspec.to_builtins(error(12.0)) | {"status": "alert"} | (check or {})],
    }
    key = layout.report_prefix(MODEL.name, start, start + DAY) + "report.json"
    stack.s3.put_object(Bucket=LAKE, Key=key, Body=json.dumps(body).encode())


def read(stack: Stack) -> dict[str, list[float]]:
    return days.read(stack.s3, LAKE, MODEL, NOON, NOON + DAY).ratios


def test_reports_of_the_days_before_are_read_newest_first(stack: Stack) -> None:
    report(stack, 24)
    over_days = {"threshold": 17.5, "detail": {"evidence": {"window": {"value": 8.0, "threshold": 10.0}}}}
    report(stack, 48, check={"value": 8.0, **over_days})
    report(stack, 96)

    assert read(stack) == {"performance: ": [1.2, 0.8]}, "up to the missing day, by the window's own limit"


def test_a_value_over_days_is_read_as_that_of_its_window(stack: Stack) -> None:
    window = {"value": 8.0, "threshold": 10.0}
    report(stack, 24, check={"value": 3.0, "threshold": 1.0, "detail": {"evidence": {"window": window}}})

    assert read(stack) == {"performance: ": [0.8]}


def test_sums_are_read_beyond_a_missing_report(stack: Stack) -> None:
    report(stack, 48, check={"detail": {"sums": {"since": 1}}})
    report(stack, 30 * 24, check={"detail": {"sums": {"since": 2}}})
    report(stack, 31 * 24, check={"detail": {"sums": {"since": 3}}})

    found = days.read(stack.s3, LAKE, MODEL, NOON, NOON + DAY)

    assert found.ratios == {}
    assert found.sums == {"performance: ": [{"since": 1}, {"since": 2}]}


def test_reports_of_another_version_end_the_days(stack: Stack) -> None:
    report(stack, 24, version="0")
    report(stack, 48)

    assert read(stack) == {}


def test_checks_that_failed_in_the_window_before_are_open(stack: Stack) -> None:
    assert days.still_open(stack.s3, LAKE, MODEL, NOON, NOON + DAY) == []
    report(stack, 3)
    assert days.still_open(stack.s3, LAKE, MODEL, NOON, NOON + DAY) == ["performance: "]
    report(stack, 1, check={"status": "ok"})
    assert days.still_open(stack.s3, LAKE, MODEL, NOON, NOON + DAY) == []
