"""Notification for programs: what SNS delivers to queues, functions and the notifier."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal

import msgspec

from contract.base import StoredStruct
from lambda_monitor.alerts.severity import Severity, of_check, times
from lambda_monitor.findings import CheckResult

# Characters of the text that a chat shows; the report has the rest.
_CHAT = 2000


class Kind(StrEnum):
    """Reason for a message."""

    ALERT = "alert"
    REMINDER = "reminder"
    RESOLVED = "resolved"
    NO_DATA = "no_data"
    ERROR = "error"


class FailedCheck(StoredStruct, frozen=True, kw_only=True):
    """A check that failed, with value and limit in its own unit; None if it could not be made.

    `times` is the value divided by the limit, None if that can't be computed. `title` is what failed,
    `figures` value and limit with their unit, both for people.
    """

    name: str
    columns: list[str]
    value: float | None
    limit: float | None
    times: float | None
    sentence: str
    severity: Severity
    title: str = ""
    figures: str = ""


class Payload(StoredStruct, frozen=True, kw_only=True):
    """One notification of the monitor.

    `version` changes only if a field changes its meaning or goes. `since` is the end of the first window
    with this status. `meaning` is what the gravest check shows that failed since the alert started, empty in
    messages of earlier releases. `concerns` are the names of the checks that the message is about, the
    failing ones or those that were notified and pass again, and `no_data` or `error` without a verdict.
    `checks` lists the first of the `failed` failing checks. `reason` is the error of a run without a verdict.
    `environment` is empty for a stack without one.
    """

    version: int = 1
    alert_id: str
    kind: Kind
    state: Literal["open", "resolved"]
    severity: Severity
    use_case: str
    model: str
    model_version: str
    account: str
    region: str
    window_start: datetime
    window_end: datetime
    since: datetime
    records: int
    failed: int
    made: int
    concerns: list[str]
    checks: list[FailedCheck]
    reason: str
    next_steps: list[str]
    report: str
    runbook: list[str]
    meaning: str = ""
    environment: str = ""


class Published(StoredStruct, frozen=True, kw_only=True):
    """What SNS delivers: the payload with the mail's subject and text.

    `scorewatch` is the version of this struct, and distinguishes it from other messages on the topic.
    `details` is None in messages of earlier releases, and in the short message that replaces one that SNS
    refused.
    """

    scorewatch: int
    alert_id: str
    subject: str
    text: str
    details: Payload | None = None


def failed_check(
    check: CheckResult, sentence: str, columns: list[str], *, title: str, figures: str
) -> FailedCheck:
    """Return `check` with its texts made safe by the caller."""
    return FailedCheck(
        name=check.name,
        columns=columns,
        value=check.value,
        limit=check.threshold,
        times=times(check),
        sentence=sentence,
        severity=of_check(check),
        title=title,
        figures=figures,
    )


def by_protocol(alert_id: str, subject: str, text: str, details: Payload | None = None) -> str:
    """Return the text for mail and short messages, the form of Amazon Q, and JSON for the rest."""
    default = publishable(alert_id, subject, text, details)
    # Amazon Q Developer in chat applications subscribes by HTTPS.
    texts = {"default": default, "email": text, "sms": subject, "https": chat(alert_id, subject, text)}
    return msgspec.json.encode(texts).decode()


def message_attributes(values: Mapping[str, str]) -> dict[str, Any]:
    """Return texts by name as the attributes of an SNS message."""
    return {name: {"DataType": "String", "StringValue": value} for name, value in values.items()}


def publishable(alert_id: str, subject: str, text: str, details: Payload | None) -> str:
    """Return the message as JSON."""
    published = Published(scorewatch=1, alert_id=alert_id, subject=subject, text=text, details=details)
    return msgspec.json.encode(published).decode()


def chat(alert_id: str, subject: str, text: str) -> str:
    """Return the message in the form that Amazon Q Developer in chat applications shows; it drops others."""
    content = {
        "textType": "client-markdown",
        "title": _unparsed(subject),
        "description": _unparsed(text[:_CHAT]),
    }
    body = {"version": "1.0", "source": "custom", "id": alert_id, "content": content}
    return msgspec.json.encode(body).decode()


def _unparsed(text: str) -> str:
    """Return `text` without mentions and links for Slack, in whose Markdown they begin with <."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def read(message: str) -> Published | None:
    """Return a message of the monitor, None for any other message on the topic."""
    try:
        return msgspec.json.decode(message, type=Published)
    except msgspec.DecodeError:
        return None
