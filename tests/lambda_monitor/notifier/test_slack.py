"""What a channel shows: alerts, reminders, resolutions, alarms and others, within Slack's limits."""

import json
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from lambda_monitor.alerts.payload import Kind
from lambda_monitor.findings import CheckResult, Status
from lambda_monitor.notifier import notification
from lambda_monitor.notifier.slack import message
from tests.lambda_monitor.alerts.test_messages import BEFORE, DRIFT
from tests.lambda_monitor.notifier import strict_slack
from tests.lambda_monitor.notifier.conftest import alarm, alert, envelope, shown
from tests.lambda_monitor.synthetic import HOUR, NOON

OPEN = msgspec.structs.replace(
    BEFORE, status=Status.ALERT, since=NOON - HOUR, reported=[DRIFT.key], severity="critical"
)
RED, YELLOW, GREEN, GREY = "#c62828", "#f9a825", "#2e7d32", "#757575"
HARM = msgspec.structs.replace(DRIFT, name="performance", columns=[])


def posted(body: str) -> dict:
    """Return the message of an envelope, as Slack takes it."""
    found = message(notification.read(body, "scorewatch-green-taxi-eu-west-1"), datetime.now(UTC))
    strict_slack.check(json.loads(shown(found)))
    return found


def test_an_alert_shows_value_limit_since_and_links() -> None:
    found = posted(alert())
    text = shown(found)

    assert found["attachments"][0]["color"] == YELLOW
    for expected in (
        "trip_distance drifted",
        "0.41, limit 0.08, 5.1 times the limit",
        "trip_distance drifted: its mean is higher.",
        "*Since*\\n2026-03-02 13:00 UTC",
        "*Severity*\\nwarning: data moved",
        "2,000 records",
        "What to do next",
    ):
        assert expected in text
    [actions] = [b for b in found["attachments"][0]["blocks"] if b["type"] == "actions"]
    assert [(b["text"]["text"], b["url"].split("#")[-1]) for b in actions["elements"]] == [
        (
            "Report",
            "https://console.aws.amazon.com/s3/object/lake?region=eu-west-1&prefix=reports/m/w/report.html",
        ),
        ("Dashboard", "dashboards/dashboard/scorewatch-green-taxi-eu-west-1"),
    ]


def test_harm_has_its_own_colour_and_says_so() -> None:
    found = posted(alert(Kind.ALERT, HARM))
    assert found["attachments"][0]["color"] == RED
    assert "*Severity*\\ncritical: model harmed" in shown(found)


def test_the_message_of_an_earlier_release_has_its_severity_alone() -> None:
    body = alert(Kind.ALERT, HARM).replace(r"\"meaning\":\"model harmed\"", r"\"meaning\":\"\"")
    assert '"*Severity*\\ncritical"' in shown(posted(body))


def test_a_reminder_and_a_resolution_show_since_when() -> None:
    reminder = posted(alert(Kind.REMINDER, before=OPEN))
    resolved = posted(alert(Kind.RESOLVED, before=OPEN))

    for found in (reminder, resolved):
        assert "*Since*\\n2026-03-02 11:00 UTC" in shown(found)
    assert [m["attachments"][0]["color"] for m in (reminder, resolved)] == [RED, GREEN]
    assert "*Passes again*\\ndrift.feature" in shown(resolved)
    assert "What to do next" not in shown(resolved)


@pytest.mark.parametrize("kind", Kind)
def test_every_kind_is_taken_by_slack(kind: Kind) -> None:
    posted(alert(kind, before=OPEN, reason="the bundle is gone"))


def test_an_alarm_for_working_hours_is_a_warning() -> None:
    found = posted(alarm(name="scorewatch-green-taxi-lake-budget-slow"))
    assert found["attachments"][0]["color"] == "#f9a825"


def test_an_alarm_shows_its_reason_its_runbook_and_its_page() -> None:
    begins, ends = posted(alarm()), posted(alarm("OK", "2026-03-02T13:00:00.000+0000"))

    assert [m["attachments"][0]["color"] for m in (begins, ends)] == [RED, GREEN]
    for expected in ("ALARM: scorewatch-green-taxi-scoring-late", "#alarm-scoring-late", "Threshold Crossed"):
        assert expected in shown(begins)
    assert "#alarmsV2:alarm/scorewatch-green-taxi-scoring-late" in shown(begins)


@pytest.mark.parametrize(
    "text", ["hello\nworld", "x" * 200_000, "<!channel> & *all*", '{"AlarmName": "a"}', "."]
)
def test_any_other_message_is_posted_as_text(text: str) -> None:
    found = posted(envelope(text, subject="By hand"))
    assert found["attachments"][0]["color"] == GREY
    assert "By hand" in found["text"]


HOSTILE = [
    "<!channel>",
    "<https://evil.example|Report>",
    "&lt;",
    "*_~`",
    "@here",
    "\u202e\x00\n",
    '"' * 900,
    "🎉" * 900,
    "<>&" * 300,
]


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("kind", Kind)
def test_hostile_names_make_a_message_that_slack_takes_and_does_not_parse(kind: Kind, name: str) -> None:
    bad = CheckResult(
        name=f"drift.{name}",
        value=1e300,
        threshold=1e-300,
        status="alert",
        columns=[name] * 30,
        sentence=name * 30,
    )
    before = msgspec.structs.replace(OPEN, reported=[f"{name}: {name}"] * 40)
    found = posted(alert(kind, *[bad] * 40, before=before, reason=name * 9, use_case=name))

    # Only mrkdwn is parsed; strict_slack refuses an unescaped < there.
    parsed = [f["text"] for a in found["attachments"] for b in a["blocks"] for f in b.get("fields", [])]
    assert all("<" not in text and "@here" not in text for text in parsed if name != "@here")


def test_a_late_message_says_when_it_was_sent() -> None:
    now = datetime(2026, 3, 2, 13, 30, tzinfo=UTC)
    sent = notification.read(envelope("hello", at=now - timedelta(hours=1)))

    assert "Posted late: sent 2026-03-02 12:30 UTC" in shown(message(sent, now))
    assert "Posted late" not in shown(message(sent, now - timedelta(minutes=55)))


def test_the_strict_slack_refuses_what_slack_refuses() -> None:
    header = {"type": "header", "text": {"type": "plain_text", "text": "a" * 151}}
    section = {"type": "section", "text": {"type": "mrkdwn", "text": "<!channel>"}}
    fields = {"type": "section", "fields": [{"type": "mrkdwn", "text": "a"}] * 11}
    divider = {"type": "divider"}
    for blocks in ([header], [section], [fields], [divider], [{"type": "actions", "elements": []}]):
        with pytest.raises(strict_slack.InvalidError):
            strict_slack.check({"text": "a", "blocks": blocks})
