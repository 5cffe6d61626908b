"""Common form of the monitor's alerts and CloudWatch's alarms, for every chat service."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import msgspec

from lambda_monitor.alerts import links, payload
from lambda_monitor.alerts.payload import FailedCheck, Kind, Payload, Published
from lambda_monitor.alerts.severity import Severity
from lambda_monitor.untrusted import one_line

# A channel shows the first checks and steps; the report has all.
_CHECKS, _STEPS = 8, 6
_SUBJECT, _TITLE, _SENTENCE, _STEP, _REASON, _TEXT = 110, 150, 300, 300, 1000, 2500
# Age from which a message says that it is late: the queue delivers again what could not be posted.
_LATE = timedelta(minutes=10)
# Name by which a channel's filter selects CloudWatch's alarms.
ALARM = "alarm"
# Alarms for working hours (docs/operations.md); all others are critical.
_SLOW = "-budget-slow"


class Tone(StrEnum):
    """What the colour of a message stands for."""

    CRITICAL = "critical"
    WARNING = "warning"
    RESOLVED = "resolved"
    PLAIN = "plain"


class Envelope(msgspec.Struct, frozen=True, rename="pascal"):
    """What SNS delivers to a queue; the topic's region is that of the alarms."""

    message_id: str
    topic_arn: str
    message: str
    timestamp: datetime
    subject: str = ""


class Alarm(msgspec.Struct, frozen=True, rename="pascal"):
    """A state change of a CloudWatch alarm."""

    alarm_name: str
    alarm_arn: str
    new_state_value: str
    new_state_reason: str
    state_change_time: str
    alarm_description: str | None = None


class Line(msgspec.Struct, frozen=True):
    """One failed check: what failed, its value against the limit, and a sentence."""

    title: str
    figures: str
    sentence: str


class Notification(msgspec.Struct, frozen=True, kw_only=True):
    """A message for a channel.

    `id` is the same whenever the message is delivered. `severity` and `concerns` are what a filter selects
    by: the severity, empty if it has none, and the names of checks. `more` counts the checks that `checks`
    leaves out.
    """

    id: str
    title: str
    tone: Tone
    severity: str
    concerns: list[str]
    facts: list[tuple[str, str]] = []
    text: str = ""
    checks: list[Line] = []
    more: int = 0
    steps: list[str] = []
    buttons: list[tuple[str, str]] = []
    sent_at: datetime


def read(body: str, dashboard: str = "") -> Notification:
    """Return the message of an SNS envelope; `dashboard` names the CloudWatch dashboard to link."""
    envelope = msgspec.json.decode(body, type=Envelope)
    where = links.place(envelope.topic_arn)
    shared = [("Dashboard", links.dashboard(where, dashboard))] if dashboard else []
    published = payload.read(envelope.message)
    if published is not None and published.details is not None:
        return _alert(published, published.details, envelope, shared)
    if published is not None:
        return _other(published.alert_id, published.subject, published.text, envelope, shared)
    try:
        alarm = msgspec.json.decode(envelope.message, type=Alarm)
    except msgspec.DecodeError:
        return _other(envelope.message_id, envelope.subject, envelope.message, envelope, shared)
    return _alarm(alarm, envelope, [("Alarm", links.alarm(where, alarm.alarm_name)), *shared])


def wanted(notification: Notification, severities: Sequence[str], checks: Sequence[str]) -> bool:
    """Return whether a channel with that filter takes the message; an empty list takes all.

    A name in `checks` stands for the checks of that name and for those that start with it and a dot. A
    message without severity or check, such as one sent by hand, passes.
    """
    severe = not severities or not notification.severity or notification.severity in severities
    concerns = notification.concerns
    about = not checks or not concerns or any(f"{c}.".startswith(f"{n}.") for c in concerns for n in checks)
    return severe and about


def _alert(
    published: Published, details: Payload, envelope: Envelope, shared: list[tuple[str, str]]
) -> Notification:
    resolved = details.state == "resolved"
    return Notification(
        id=published.alert_id,
        title=one_line(published.subject, _SUBJECT),
        tone=Tone.RESOLVED if resolved else Tone(details.severity),
        severity=details.severity.value,
        concerns=details.concerns,
        facts=_facts(details, resolved=resolved),
        text=one_line(details.reason, _REASON),
        checks=[_line(check) for check in details.checks[:_CHECKS]],
        more=details.failed - min(len(details.checks), _CHECKS),
        steps=[one_line(step, _STEP) for step in details.next_steps[:_STEPS]],
        buttons=[("Report", details.report), *shared],
        sent_at=envelope.timestamp,
    )


def _facts(details: Payload, *, resolved: bool) -> list[tuple[str, str]]:
    window = f"{_moment(details.window_start)} to {_moment(details.window_end)}"
    facts = [
        ("Since", _moment(details.since)),
        ("Severity", ": ".join(filter(None, [details.severity.value, one_line(details.meaning)]))),
        ("Window", f"{window}, {details.records:,} records"),
        ("Model", f"{details.model} version {details.model_version}"),
    ]
    if details.kind is not Kind.RESOLVED and details.failed:
        facts.append(("Failed", f"{details.failed} of {details.made} checks made"))
    if resolved and details.concerns:
        facts.append(("Passes again", one_line(", ".join(details.concerns), _SENTENCE)))
    return [*facts, ("Account", f"{details.account}, {details.region}")]


def _line(check: FailedCheck) -> Line:
    title = check.title or ", ".join([check.name, *check.columns])
    return Line(one_line(title, _TITLE), one_line(check.figures, _TITLE), one_line(check.sentence, _SENTENCE))


def _alarm(alarm: Alarm, envelope: Envelope, buttons: list[tuple[str, str]]) -> Notification:
    level = Severity.WARNING if alarm.alarm_name.endswith(_SLOW) else Severity.CRITICAL
    tones = {"ALARM": Tone(level.value), "OK": Tone.RESOLVED}
    reason = one_line(alarm.new_state_reason, _SENTENCE)
    return Notification(
        # The same change has the same id, also if CloudWatch publishes it twice.
        id=f"{alarm.alarm_name}-{alarm.state_change_time}",
        title=one_line(f"{alarm.new_state_value}: {alarm.alarm_name}", _SUBJECT),
        tone=tones.get(alarm.new_state_value, Tone.PLAIN),
        severity=level.value,
        concerns=[ALARM],
        facts=[("Since", one_line(alarm.state_change_time)), ("Alarm", one_line(alarm.alarm_name))],
        text=f"{one_line(alarm.alarm_description or alarm.alarm_name, _REASON)}\n{reason}",
        buttons=buttons,
        sent_at=envelope.timestamp,
    )


def _other(
    identity: str, subject: str, text: str, envelope: Envelope, buttons: list[tuple[str, str]]
) -> Notification:
    lines = [one_line(line, _SENTENCE) for line in text.splitlines()]
    shown = "\n".join(lines).strip()
    return Notification(
        id=identity,
        title=one_line(subject or "Message", _SUBJECT),
        tone=Tone.PLAIN,
        severity="",
        concerns=[],
        text=shown if len(shown) <= _TEXT else f"{shown[:_TEXT]}... (cut)",
        buttons=buttons,
        sent_at=envelope.timestamp,
    )


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def delay(notification: Notification, now: datetime) -> str:
    """Return the note on a message that is posted late, empty if it is not."""
    if now - notification.sent_at < _LATE:
        return ""
    return f"Posted late: sent {_moment(notification.sent_at)}. Newer messages may stand above this one."


def key_of(identity: str) -> str:
    """Return `identity` as part of an S3 key."""
    return re.sub(r"[^A-Za-z0-9._-]", "_", identity)[:200]
