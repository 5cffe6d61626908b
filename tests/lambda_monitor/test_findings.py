"""Checks whose threshold is the least value: status, ratio, and what messages and pages show."""

import pytest

from lambda_monitor.alerts import severity, titles
from lambda_monitor.findings import LARGEST_RATIO, CheckResult, ratio
from lambda_monitor.reports import plain_page


def auc(value: float, least: float | None = 0.8) -> CheckResult:
    return CheckResult.below("performance.auc", value, least, "The area is small.", detail={"reference": 0.9})


def test_a_value_below_the_least_is_an_alert() -> None:
    assert [auc(value).status for value in (0.79, 0.8, 0.9)] == ["alert", "ok", "ok"]
    assert auc(0.1, None).status == "ok"
    assert auc(0.1).detail["reference"] == 0.9


def test_the_ratio_is_above_one_beyond_either_limit() -> None:
    assert auc(0.4).ratio == 2.0
    assert auc(1.0).ratio == 0.8
    assert auc(0.0).ratio == LARGEST_RATIO
    assert severity.times(auc(0.4)) == 2.0
    assert ratio(3.0, 2.0, {}) == 1.5
    assert ratio(3.0, 0.0, {}) is None
    assert ratio(None, 2.0, {}) is None


def test_messages_and_pages_name_the_least_value() -> None:
    assert titles.figures(auc(0.4), None) == "0.4, least 0.8"
    precision = CheckResult.below("performance.precision", 0.4, 0.8, "", detail={})
    assert titles.figures(precision, None) == "40%, least 80%"
    assert titles.summary(auc(0.4), None) == "the model separates the classes too badly"
    assert "(value 0.4, least 0.8)" in plain_page._failure(auc(0.4))
    above = CheckResult.above("performance.log_loss", 0.9, 0.5, "It is large.")
    assert "(value 0.9, limit 0.5)" in plain_page._failure(above)


@pytest.mark.parametrize("value", [0.1, 0.9])
def test_rounding_keeps_the_status_of_the_exact_value(value: float) -> None:
    assert auc(value).rounded(1).status == auc(value).status
