"""Severity of checks, messages and the alert state."""

import msgspec
import pytest

from lambda_monitor.alerts import messages, severity
from lambda_monitor.alerts.payload import Kind
from lambda_monitor.alerts.severity import Meaning, Severity
from lambda_monitor.alerts.state import decide
from lambda_monitor.check_config import CHECKS
from lambda_monitor.findings import CheckResult, Status
from tests.lambda_monitor.alerts.test_messages import BEFORE, DRIFT, context
from tests.lambda_monitor.alerts.test_state import REMINDER, verdict
from tests.lambda_monitor.synthetic import HOUR, NOON


def check(name: str, value: float | None, threshold: float | None) -> CheckResult:
    return msgspec.structs.replace(DRIFT, name=name, value=value, threshold=threshold)


@pytest.mark.parametrize(
    ("name", "value", "threshold", "expected"),
    [
        ("drift.feature", 0.29, 0.1, Severity.WARNING),
        ("drift.feature", 0.75, 0.25, Severity.WARNING),
        ("outliers", 0.75, 0.25, Severity.WARNING),
        ("custom.fares", 9.0, 1.0, Severity.WARNING),
        ("quality.missing", 0.29, 0.1, Severity.WARNING),
        ("quality.missing", 0.75, 0.25, Severity.CRITICAL),
        ("bias.error", 1.01, 1.0, Severity.CRITICAL),
        ("bias.prediction_rate", 9.0, 1.0, Severity.WARNING),
        ("report.evidently", None, None, Severity.WARNING),
        ("lake.late", 0.011, 0.01, Severity.CRITICAL),
        ("performance", 1.01, 1.0, Severity.CRITICAL),
        ("performance.estimate", 1.01, 1.0, Severity.CRITICAL),
        ("service.lost", None, None, Severity.CRITICAL),
        ("lake.unreadable_objects", 1.0, 0.0, Severity.CRITICAL),
        ("lake.bad_lines", 9.0, 0.0, Severity.WARNING),
        ("quality.constant", 1.0, 0.0, Severity.WARNING),
        ("labels.unreadable", 0.02, 0.01, Severity.WARNING),
    ],
)
def test_severity_of_a_check(
    name: str, value: float | None, threshold: float | None, expected: Severity
) -> None:
    assert severity.of_check(check(name, value, threshold)) is expected


@pytest.mark.parametrize(
    ("value", "threshold", "expected"),
    [(3.0, 2.0, 1.5), (3.0, 0.0, None), (3.0, -1.0, None), (None, 2.0, None)],
)
def test_a_limit_of_zero_has_no_multiples(
    value: float | None, threshold: float | None, expected: float | None
) -> None:
    assert severity.times(check("drift.feature", value, threshold)) == expected


def test_a_message_has_the_worst_severity_since_the_alert_started() -> None:
    mild = check("drift.feature", 0.11, 0.1)
    critical = msgspec.structs.replace(BEFORE, status=Status.ALERT, severity="critical")

    def of(kind: Kind, *checks: CheckResult, before=BEFORE) -> str:
        return messages.compose(context(*checks), kind, before).attributes["severity"]

    assert of(Kind.ALERT, mild) == "warning"
    assert of(Kind.ALERT, mild, check("performance", 2.0, 1.0)) == "critical"
    assert of(Kind.REMINDER, mild, before=critical) == "critical"
    assert of(Kind.RESOLVED, msgspec.structs.replace(mild, status="ok"), before=critical) == "critical"
    assert of(Kind.NO_DATA, msgspec.structs.replace(mild, status="skipped")) == "critical"


def test_the_state_keeps_the_worst_severity_until_the_alert_ends() -> None:
    found = []
    state = None
    for hour, (status, level) in enumerate(
        [("ok", ""), ("alert", "critical"), ("alert", "warning"), ("no_data", "critical"), ("ok", "")]
    ):
        seen = msgspec.structs.replace(verdict(status, hour), severity=level, passed=["drift: a"])
        state, _ = decide(state, seen, NOON + hour * HOUR, REMINDER)
        found.append(state.severity)
    assert found == ["", "critical", "critical", "critical", ""]


def test_a_severity_of_another_release_counts_as_a_warning() -> None:
    assert severity.worst(["high", ""]) is Severity.WARNING


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["drift.feature", "outliers", "bias.prediction_rate"], "data moved"),
        (["drift.feature", "quality.missing"], "pipeline fault"),
        (["service.lost", "performance.estimate", "drift.feature"], "model harmed"),
        (["bias.error"], "model harmed"),
        (["no_data"], "pipeline fault"),
        (["error", "performance.segment"], "model harmed"),
        ([], "pipeline fault"),
    ],
)
def test_the_gravest_check_decides_what_an_alert_means(names: list[str], expected: str) -> None:
    assert severity.gravest(names) == expected


@pytest.mark.parametrize("name", CHECKS)
def test_moved_data_alone_is_never_critical_and_harm_always(name: str) -> None:
    means = severity.meaning(name)
    found = {severity.of_check(check(name, value, 1.0)) for value in (1.01, 100.0)}
    if means is not Meaning.FAULT:
        assert found == {Severity.CRITICAL if means is Meaning.HARM else Severity.WARNING}


def test_a_message_means_the_gravest_check_since_the_alert_started() -> None:
    mild, harm = check("drift.feature", 0.11, 0.1), check("performance", 2.0, 1.0)
    harmed = msgspec.structs.replace(
        BEFORE, status=Status.ALERT, severity="critical", reported=["performance: "]
    )

    def of(kind: Kind, *checks: CheckResult, before=BEFORE) -> tuple[str, str]:
        found = messages.compose(context(*checks), kind, before)
        return found.payload.meaning, found.subject

    assert of(Kind.ALERT, mild)[0] == "data moved"
    assert of(Kind.ALERT, mild)[1].startswith("ALERT: green_taxi warning, data moved: ")
    assert of(Kind.ALERT, mild, harm)[1].startswith("ALERT: green_taxi critical, model harmed: ")
    assert of(Kind.ALERT, mild, before=harmed)[0] == "model harmed"
    assert of(Kind.RESOLVED, before=harmed)[0] == "model harmed"
    assert of(Kind.NO_DATA)[0] == "pipeline fault"


def test_harm_comes_before_a_fault_of_the_pipeline_and_data_that_moved_last() -> None:
    checks = [
        check("drift.feature", 9.0, 1.0),
        check("labels.conflicts", 1.0, 0.0),
        check("service.lost", 9.0, 1.0),
        check("performance", 1.1, 1.0),
    ]
    assert [c.name for c in sorted(checks, key=severity.rank)] == [
        "performance",
        "service.lost",
        "drift.feature",
        "labels.conflicts",
    ]
