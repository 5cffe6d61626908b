"""Text, subject and attributes of notifications, and what SNS refuses."""

import msgspec
import pytest
from botocore.exceptions import ClientError

from lambda_monitor.alerts import messages
from lambda_monitor.alerts.payload import Kind
from lambda_monitor.alerts.state import Message, RefusedError, State
from lambda_monitor.findings import CheckResult, Status
from tests.lambda_monitor.strict_sns import StrictSns
from tests.lambda_monitor.synthetic import HOUR, MODEL, NOON

BEFORE = State(status=Status.OK, since=NOON, window_end=NOON, first_seen_at=NOON)
DRIFT = CheckResult(
    name="drift.feature",
    value=0.41,
    threshold=0.08,
    status="alert",
    columns=["trip_distance"],
    sentence="trip_distance drifted: its mean is higher.",
)
FINE = msgspec.structs.replace(DRIFT, name="quality.missing", status="ok")
LEFT_OUT = msgspec.structs.replace(DRIFT, name="performance", status="skipped")


def context(*checks: CheckResult, **changes) -> messages.Context:
    values = {
        "model": MODEL,
        "use_case": "green_taxi",
        "topic_arn": "arn:aws:sns:eu-west-1:123456789012:scorewatch-green-taxi-alerts",
        "start": NOON,
        "end": NOON + HOUR,
        "records": 2000,
        "checks": checks or (DRIFT, FINE, LEFT_OUT),
        "report": "s3://lake/reports/m/w/report.html",
    }
    return messages.Context(**{**values, **changes})


def test_messages_name_the_environment_and_select_its_stack() -> None:
    message = messages.compose(context(environment="dev"), Kind.ALERT, BEFORE)

    assert message.subject.startswith("ALERT: green_taxi (dev) warning, ")
    assert "use case green_taxi (dev)." in message.text
    assert "make retrain USE_CASE=green_taxi ENVIRONMENT=dev\n" in message.text
    assert "make report USE_CASE=green_taxi ENVIRONMENT=dev\n" in message.text
    assert message.payload is not None
    assert (message.payload.use_case, message.payload.environment) == ("green_taxi", "dev")
    # SNS delivers no raw message of more to a queue.
    assert len(message.attributes) == 10


def test_an_alert_has_checks_values_window_report_and_next_steps() -> None:
    message = messages.compose(context(), Kind.ALERT, BEFORE)

    assert (
        message.subject == "ALERT: green_taxi warning, data moved: trip_distance drifted, 5.1 times its limit"
    )
    for expected in (
        "2026-03-02 12:00 UTC to 2026-03-02 13:00 UTC, 2,000 records",
        "Failed (1 of 2 checks made)",
        "trip_distance drifted: 0.41, limit 0.08, 5.1 times the limit [drift.feature]\n"
        "    trip_distance drifted: its mean is higher.\n",
        "1. Open the report",
        "make retrain",
        "s3://lake/reports/m/w/report.html",
    ):
        assert expected in message.text
    assert message.attributes["kind"] == "alert"
    assert message.attributes["checks"] == "drift.feature"


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_has_a_message(kind: Kind) -> None:
    message = messages.compose(context(FINE, reason="the bundle is gone"), kind, BEFORE)

    assert message.text
    assert all(message.attributes.values())
    assert ("the bundle is gone" in message.text) == (kind is Kind.ERROR)


def test_a_subject_is_one_ascii_line_of_at_most_100_characters() -> None:
    many = [msgspec.structs.replace(DRIFT, columns=[f"größe_{n}\n"]) for n in range(30)]

    subject = messages.compose(context(*many), Kind.ALERT, BEFORE).subject

    assert subject.isascii()
    assert len(subject) <= 100
    assert "\n" not in subject
    assert subject.endswith(" drifted, 5.1 times its limit; 29 more")


def test_a_long_list_is_cut_and_the_rest_counted() -> None:
    text = messages.compose(context(*[DRIFT] * 30), Kind.ALERT, BEFORE).text

    assert text.count("[drift.feature]") == 20
    assert "and 10 more, in the report" in text


LONG = "x" * 300_000
HOSTILE = "</script>\nReport: s3://evil/report.html\r\x00\u2028\u202e\ud800 é" + LONG


def publish(message: Message, *failures: str) -> StrictSns:
    sns = StrictSns(*failures)
    messages.publish(sns, "topic", message)
    return sns


@pytest.mark.parametrize("kind", Kind)
def test_hostile_values_make_a_message_that_sns_takes_with_one_report_line(kind: Kind) -> None:
    bad = msgspec.structs.replace(DRIFT, sentence=HOSTILE, columns=[HOSTILE])
    model = msgspec.structs.replace(MODEL, name=HOSTILE, version=HOSTILE)
    message = messages.compose(context(*[bad] * 30, model=model, reason=HOSTILE), kind, BEFORE)

    [mail] = publish(message).delivered("email")

    assert mail == message.text
    assert len(mail) < 17_000
    reports = [line for line in message.text.splitlines() if line.startswith("Report:")]
    assert reports == ["Report: s3://lake/reports/m/w/report.html"]


def test_a_message_that_sns_refuses_is_replaced_by_a_short_one() -> None:
    stored = messages.compose(context(), Kind.ALERT, BEFORE)
    message = msgspec.structs.replace(stored, text=HOSTILE.replace("\ud800", "") * 2, subject=LONG)

    sns = publish(message)
    [sent], [mail] = sns.published, sns.delivered("email")

    assert sent["Subject"] == "ALERT: alert: the full message was refused"
    assert "Invalid parameter: Subject" in mail
    assert f"model: {MODEL.name}" in mail
    assert sent["MessageAttributes"]["alert_id"]["StringValue"] == message.alert_id


@pytest.mark.parametrize("code", ["Throttled", "InternalError", "AuthorizationError", "NotFound"])
def test_a_passing_error_of_sns_is_raised(code: str) -> None:
    with pytest.raises(ClientError, match=code):
        publish(messages.compose(context(), Kind.ALERT, BEFORE), code)


def test_checks_that_failed_earlier_and_were_skipped_are_listed() -> None:
    skipped = msgspec.structs.replace(DRIFT, status="skipped", value=None)
    before = msgspec.structs.replace(BEFORE, status=Status.ALERT, open=[DRIFT.key])

    text = messages.compose(context(skipped, FINE), Kind.REMINDER, before).text

    assert "not checked in this window:\n  - trip_distance [drift.feature]: trip_distance" in text


def test_a_message_that_sns_refuses_in_short_too_is_reported_as_refused() -> None:
    with pytest.raises(RefusedError, match="InvalidParameter"):
        publish(messages.compose(context(), Kind.ALERT, BEFORE), "InvalidParameter", "InvalidParameter")
