"""Mail: first line, figures with units, the user's names, one link."""

import re
from datetime import timedelta

import msgspec
import pytest

from contract.schema import Target, Task
from lambda_monitor.alerts import mail, messages, titles
from lambda_monitor.alerts.links import Presigned
from lambda_monitor.alerts.payload import Kind
from lambda_monitor.check_config import CHECKS
from lambda_monitor.findings import CheckResult, Status
from lambda_monitor.profiles import distances
from tests.lambda_monitor.alerts.test_messages import BEFORE, DRIFT, FINE, context
from tests.lambda_monitor.synthetic import NOON, contract

CONTRACT = contract(value_names={"PULocationID": "zone"})
ERROR = CheckResult.above("performance", 9.4, 6.2, "The model's root mean squared error is 9.4.")
TARGET = CheckResult.above(
    "drift.target", 0.2, 0.25, "No.", columns=["target"], detail={"statistic": "shift"}
)
OPEN = msgspec.structs.replace(
    BEFORE,
    status=Status.ALERT,
    since=NOON - timedelta(hours=15),
    severity="critical",
    open=[TARGET.key],
    reported=[ERROR.key],
)


def first_line(kind: Kind, *checks: CheckResult, before=BEFORE, **changes) -> str:
    text = messages.compose(context(*checks, contract=CONTRACT, **changes), kind, before).text
    return text.splitlines()[0]


def test_the_first_line_says_what_how_bad_and_since_when() -> None:
    assert first_line(Kind.ALERT, DRIFT, FINE) == (
        "WARNING, data moved: green_taxi: trip_distance drifted, 5.1 times its limit. "
        "First seen at 2026-03-02 13:00 UTC."
    )
    assert first_line(Kind.ALERT, DRIFT, ERROR, before=OPEN) == (
        "CRITICAL, model harmed: green_taxi: the model's error is too high, 1.5 times its limit, "
        "and 1 more check failed. "
        "For 16 hours, since 2026-03-01 21:00 UTC."
    )
    assert first_line(Kind.REMINDER, FINE, before=OPEN) == (
        "CRITICAL, model harmed, reminder: green_taxi: checks that failed earlier are still open. "
        "For 16 hours, since 2026-03-01 21:00 UTC."
    )
    assert first_line(Kind.RESOLVED, FINE, before=OPEN) == (
        "RESOLVED: green_taxi: all checks pass again. The critical alert (model harmed) lasted 16 hours, "
        "from 2026-03-01 21:00 UTC."
    )
    assert first_line(Kind.NO_DATA, FINE) == (
        "CRITICAL, pipeline fault: green_taxi: no predictions arrived. First seen at 2026-03-02 13:00 UTC."
    )
    assert first_line(Kind.ERROR, FINE, reason="the bundle is gone") == (
        "CRITICAL, pipeline fault: green_taxi: monitoring failed: the bundle is gone. "
        "First seen at 2026-03-02 13:00 UTC."
    )


def figures(name: str, value: float, limit: float, detail: dict | None = None, declared=CONTRACT) -> str:
    return titles.figures(CheckResult.above(name, value, limit, "", detail=detail), declared)


@pytest.mark.parametrize(
    ("name", "value", "limit", "expected"),
    [
        ("quality.missing", 0.123, 0.05, "12.3%, limit 5%, 2.5 times the limit"),
        ("performance", 9.4, 6.2, "9.4 minutes, limit 6.2, 1.5 times the limit"),
        ("lake.bad_lines", 3.0, 0.0, "3 lines, limit 0"),
        ("monitor.gap", 2.0, 0.0, "2 hours, limit 0"),
        ("service.delay", 30.0, 15.0, "30 minutes, limit 15, 2.0 times the limit"),
        ("custom.fares", -3.0, -4.0, "-3, limit -4"),
        ("custom.fares", 5.0, 1e-9, "5, limit 1e-09, more than 1,000 times the limit"),
        ("quality.constant", 1.0, 0.0, ""),
    ],
)
def test_value_and_limit_have_a_unit_and_a_limit_of_zero_no_multiples(
    name: str, value: float, limit: float, expected: str
) -> None:
    assert figures(name, value, limit) == expected


def test_the_error_of_a_classification_is_a_share() -> None:
    classes = contract(task=Task.CLASSIFICATION, target=Target(name="quality"))
    assert figures("performance", 0.31, 0.25, declared=classes).startswith("31%, limit 25%")


def test_every_drift_statistic_has_a_unit() -> None:
    names = {getattr(distances, n) for n in ("SHIFT", "SPREAD", "SHAPE", "MIX", "LEVEL")}
    found = {n: figures("drift.feature", 0.2, 0.1, {"statistic": n}).split(", limit")[0] for n in names}
    assert found == {
        "shift": "0.2 standard deviations",
        "spread": "0.2 (logarithm of the ratio of the spreads)",
        "shape": "20%",
        "mix": "0.2 (distance of the shares, 0 to 1)",
        "level": "20 percentage points",
    }


@pytest.mark.parametrize("name", CHECKS)
def test_every_check_has_a_title(name: str) -> None:
    check = msgspec.structs.replace(DRIFT, name=name, columns=["target"])
    assert titles.title(check, CONTRACT) == titles.TITLES[name].format("duration")


def test_titles_name_target_predictions_segments_and_what_could_not_be_checked() -> None:
    segment = msgspec.structs.replace(
        DRIFT, name="drift.segment", columns=["PULocationID"], detail={"segment": "71"}
    )
    unmade = msgspec.structs.replace(DRIFT, name="service.errors", columns=[], status="error", value=None)
    own = msgspec.structs.replace(DRIFT, name="custom.fares", columns=[])
    many = msgspec.structs.replace(DRIFT, columns=list("abcde"))
    prediction = msgspec.structs.replace(DRIFT, columns=["prediction"])

    assert [titles.title(check, CONTRACT) for check in (segment, unmade, own, many, prediction)] == [
        "the predictions for PULocationID zone 71 drifted",
        "service.errors could not be checked",
        "custom.fares failed",
        "a, b, c and 2 more columns drifted",
        "predicted duration drifted",
    ]
    assert titles.title(prediction, None) == "prediction drifted"


def test_no_line_of_a_mail_calls_the_target_target() -> None:
    failed = msgspec.structs.replace(TARGET, status="alert", sentence="duration drifted: it is higher.")
    skipped = msgspec.structs.replace(TARGET, status="skipped", value=None)
    for kind, check in ((Kind.ALERT, failed), (Kind.REMINDER, skipped)):
        message = messages.compose(context(check, contract=CONTRACT), kind, OPEN)
        assert "duration" in message.text
        assert re.findall(r"\btarget\b(?!])", message.text) == []
        assert message.payload is not None
        assert [c.columns for c in message.payload.checks] == [["duration"]] * (kind is Kind.ALERT)


def test_the_gravest_check_comes_first() -> None:
    mild = msgspec.structs.replace(DRIFT, value=0.09, columns=["fare"])
    bad = CheckResult.above("lake.bad_lines", 3.0, 0.0, "3 lines.")
    message = messages.compose(context(mild, bad, DRIFT, ERROR), Kind.ALERT, BEFORE)

    assert re.findall(r"\[([a-z._]+)\]\n", message.text) == [
        "performance",
        "drift.feature",
        "drift.feature",
        "lake.bad_lines",
    ]
    assert message.text.index("trip_distance drifted") < message.text.index("fare drifted")
    assert message.payload is not None
    assert message.payload.checks[0].name == "performance"


def test_one_link_opens_the_report_and_states_how_long() -> None:
    link = Presigned("https://lake.s3.eu-west-1.amazonaws.com/report?X-Amz-Signature=1", NOON)
    text = messages.compose(context(link=link), Kind.ALERT, BEFORE).text

    assert f"Open the report (without login, until 2026-03-02 12:00 UTC at the latest):\n{link.url}\n" in text
    without = messages.compose(context(), Kind.ALERT, BEFORE).text
    assert "Open the report (AWS asks you to log in):\nhttps://console.aws.amazon.com/s3/object" in without


def test_a_long_mail_keeps_the_whole_link() -> None:
    link = Presigned("https://lake/?" + "t" * 2_500, NOON)
    long = msgspec.structs.replace(DRIFT, sentence="é" * 900, columns=["c" * 100])
    text = messages.compose(context(*[long] * 30, link=link), Kind.ALERT, BEFORE).text

    assert f"\n{link.url}\n" in text
    assert len(text.encode()) < 17_000


@pytest.mark.parametrize(
    ("text", "expected"),
    [("Zürich drifted", "Zurich drifted"), ("Genève, Köln", "Geneve, Koln"), ("価格 5 €", "?? 5 ?")],
)
def test_accents_are_removed_where_only_ascii_is_taken(text: str, expected: str) -> None:
    assert mail.ascii_only(text) == expected
