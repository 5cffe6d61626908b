"""Payload of notifications: severity, checks, since when, and what each protocol receives."""

import json

import msgspec
import pytest

from lambda_monitor.alerts import messages, payload
from lambda_monitor.alerts.payload import Kind, Payload
from lambda_monitor.alerts.severity import Severity
from lambda_monitor.alerts.state import Message, State
from lambda_monitor.findings import LISTED, CheckResult, Status
from tests.lambda_monitor.alerts.test_messages import BEFORE, DRIFT, LEFT_OUT, context
from tests.lambda_monitor.strict_sns import StrictSns
from tests.lambda_monitor.synthetic import HOUR, NOON

MILD = msgspec.structs.replace(DRIFT, value=0.2, threshold=0.1)
PERFORMANCE = msgspec.structs.replace(DRIFT, name="performance", value=9.0, threshold=3.0, columns=[])


def described(kind: Kind, before: State = BEFORE, *checks: CheckResult) -> Payload:
    found = messages.compose(context(*checks), kind, before).payload
    assert found is not None
    return found


def open_since(status: Status, *reported: str) -> State:
    return msgspec.structs.replace(BEFORE, status=status, since=NOON - HOUR, reported=list(reported))


def test_an_alert_has_each_failed_check_with_value_limit_and_severity() -> None:
    found = described(Kind.ALERT, BEFORE, MILD, PERFORMANCE, LEFT_OUT)

    assert [(c.name, c.columns, c.value, c.limit, c.times, c.severity.value) for c in found.checks] == [
        ("performance", [], 9.0, 3.0, 3.0, "critical"),
        ("drift.feature", ["trip_distance"], 0.2, 0.1, 2.0, "warning"),
    ]
    assert found.checks[1].title == "trip_distance drifted"
    assert found.checks[1].figures == "0.2, limit 0.1, 2.0 times the limit"
    assert (found.state, found.severity.value, found.failed, found.made) == ("open", "critical", 2, 2)
    assert found.concerns == ["drift.feature", "performance"]
    assert found.report.startswith("https://console.aws.amazon.com/s3/object/lake?region=eu-west-1")
    assert (found.account, found.region) == ("123456789012", "eu-west-1")


@pytest.mark.parametrize(
    ("kind", "before", "since"),
    [
        (Kind.ALERT, BEFORE, NOON + HOUR),
        (Kind.ALERT, open_since(Status.ALERT), NOON - HOUR),
        (Kind.ALERT, open_since(Status.NO_DATA), NOON + HOUR),
        (Kind.REMINDER, open_since(Status.ALERT), NOON - HOUR),
        (Kind.RESOLVED, open_since(Status.ALERT), NOON - HOUR),
        (Kind.REMINDER, msgspec.structs.replace(BEFORE, damaged=True, status=Status.ERROR), NOON + HOUR),
    ],
)
def test_since_is_the_first_window_with_the_status(kind: Kind, before: State, since: object) -> None:
    assert described(kind, before, DRIFT).since == since


@pytest.mark.parametrize("severity", ["warning", "critical"])
def test_a_resolved_message_is_about_all_that_was_notified(severity: str) -> None:
    before = open_since(Status.ALERT, "drift.feature: a", "performance: ")
    found = described(Kind.RESOLVED, msgspec.structs.replace(before, severity=severity), DRIFT)

    assert (found.state, found.severity, found.checks) == ("resolved", severity, [])
    assert found.concerns == ["drift.feature", "performance"]


@pytest.mark.parametrize("kind", [Kind.NO_DATA, Kind.ERROR])
def test_a_window_without_a_verdict_is_critical(kind: Kind) -> None:
    assert described(kind, BEFORE, LEFT_OUT).severity == Severity.CRITICAL


def test_mail_receives_the_text_and_every_other_protocol_the_payload() -> None:
    sns = StrictSns()
    message = messages.compose(context(), Kind.ALERT, BEFORE)

    messages.publish(sns, "topic", message)

    assert sns.delivered("email") == [message.text]
    assert sns.delivered("sms") == [message.subject]
    for protocol in ("sqs", "lambda", "http"):
        [found] = [payload.read(text) for text in sns.delivered(protocol)]
        assert found is not None
        assert (found.text, found.subject) == (message.text, message.subject)
        assert found.details == message.payload
    # docs.aws.amazon.com/chatbot, "Custom notifications": the form that Amazon Q shows.
    [shown] = [json.loads(text) for text in sns.delivered("https")]
    assert {name: shown[name] for name in ("version", "source", "id")} == {
        "version": "1.0",
        "source": "custom",
        "id": message.alert_id,
    }
    assert shown["content"]["textType"] == "client-markdown"
    assert shown["content"]["title"] == message.subject
    assert shown["content"]["description"].startswith(
        "WARNING, data moved: green_taxi: trip_distance drifted"
    )
    [sent] = sns.published
    attributes = {name: value["StringValue"] for name, value in sent["MessageAttributes"].items()}
    assert (attributes["severity"], attributes["state"]) == ("warning", "open")


@pytest.mark.parametrize("filler", ['"', "\\", "\U0001f600", "é", "\u202e", "\n"])
def test_the_worst_message_is_below_the_limit_of_sns(filler: str) -> None:
    bad = CheckResult(
        name="drift.feature",
        value=1e300,
        threshold=1e-300,
        status="alert",
        columns=[filler * 300] * 30,
        sentence=filler * 3000,
    )
    sns = StrictSns()
    before = open_since(Status.ALERT, *[f"drift.feature: {filler * 300}"] * 50)

    for kind in Kind:
        message = messages.compose(context(*[bad] * 40, reason=filler * 9000), kind, before)
        messages.publish(sns, "topic", message)

    # None was replaced by the short message.
    found = [payload.read(text) for text in sns.delivered("sqs")]
    assert all(one is not None and one.details is not None for one in found)
    assert max(len(one.details.checks) for one in found) == LISTED


def test_a_message_stored_by_an_earlier_release_is_published_without_details() -> None:
    stored = {"alert_id": "1", "kind": "alert", "subject": "ALERT: m", "text": "as before", "attributes": {}}
    sns = StrictSns()

    messages.publish(sns, "topic", msgspec.convert(stored, Message))

    [found] = [payload.read(text) for text in sns.delivered("sqs")]
    assert found is not None
    assert (found.text, found.details) == ("as before", None)


def test_another_message_on_the_topic_is_not_one_of_the_monitor() -> None:
    assert payload.read(json.dumps({"AlarmName": "a", "NewStateValue": "ALARM"})) is None
    assert payload.read("hello") is None


def test_amazon_q_can_be_made_to_mention_nobody() -> None:
    hostile = msgspec.structs.replace(DRIFT, sentence="<!channel> & <https://evil.example|Report>")
    sns = StrictSns()
    messages.publish(sns, "topic", messages.compose(context(hostile), Kind.ALERT, BEFORE))

    [shown] = sns.delivered("https")
    assert "<" not in shown
    assert "&lt;!channel&gt; &amp;" in shown


def test_next_steps_are_lines_without_numbers_and_escapes() -> None:
    found = described(Kind.ALERT, BEFORE, DRIFT)

    assert found.next_steps[0] == "Open the report."
    assert found.next_steps[1].endswith("the live one: make retrain USE_CASE=green_taxi")
