"""Text of notifications: failed checks, values, links, next steps."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from botocore.exceptions import ClientError, ParamValidationError

from contract import layout
from contract.schema import ModelRef
from lambda_monitor.alerts import advice, details, links
from lambda_monitor.alerts.payload import Kind, publishable
from lambda_monitor.alerts.state import Message, RefusedError, State
from lambda_monitor.findings import LISTED, PERFORMANCE_HTML, REPORT_HTML, CheckResult, Status
from lambda_monitor.untrusted import one_line

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

# SNS takes subjects of fewer than 100 ASCII characters, and 256 KiB of texts and attributes in total. The
# text goes out twice: as the mail, and escaped once more in the payload.
_SUBJECT_LIMIT = 99
_TEXT_BYTES = 16 * 1024
_SENTENCE, _REASON, _ATTRIBUTE = 600, 2000, 200
# Error codes by which SNS refuses the message itself, so that sending it again is of no use.
_REFUSED = {"InvalidParameter", "InvalidParameterValue", "ParameterValueInvalid", "ValidationException"}
_TAGS = {Kind.RESOLVED: "RESOLVED", Kind.REMINDER: "REMINDER"}


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """Content of every message on one window; `topic_arn` gives partition, region and account."""

    model: ModelRef
    use_case: str
    topic_arn: str
    start: datetime
    end: datetime
    records: int
    checks: Sequence[CheckResult]
    report: str
    reason: str = ""

    @property
    def failing(self) -> list[CheckResult]:
        """The checks that failed or could not be made."""
        return [c for c in self.checks if c.status in {"alert", "error"}]

    @property
    def target(self) -> advice.Target:
        """What the commands of a message act on."""
        return advice.Target(use_case=self.use_case, version=self.model.version)


def compose(context: Context, kind: Kind, before: State) -> Message:
    """Return the message of that `kind`; `before` is the state that it changes."""
    alert_id = str(uuid.uuid4())
    payload = details.describe(context, kind, before, alert_id)
    parts = [_opening(context, kind, before), _facts(context)]
    if kind is not Kind.RESOLVED:
        parts += [_failing(context), _not_checked(context, before), _next_steps(context, kind)]
    parts.append(_links(context))
    attributes = {
        "alert_id": alert_id,
        "kind": kind.value,
        "state": payload.state,
        "severity": payload.severity,
        "use_case": context.use_case,
        "model": context.model.name,
        "model_version": context.model.version,
        "window_start": context.start.isoformat(),
        "window_end": context.end.isoformat(),
        "checks": ",".join(sorted({c.name for c in context.failing})) or "none",
    }
    return Message(
        alert_id=alert_id,
        kind=kind,
        subject=_subject(context, kind),
        text=_cut("\n\n".join(part for part in parts if part) + "\n"),
        attributes={name: one_line(value, _ATTRIBUTE) or "none" for name, value in attributes.items()},
        payload=payload,
    )


def publish(sns: "SNSClient", topic_arn: str, message: Message) -> None:
    """Publish `message`, or a short one in its place if SNS refuses it.

    Raises RefusedError if SNS refuses both, ClientError and BotoCoreError if the topic can't be reached.
    """
    try:
        _publish(sns, topic_arn, message)
    except RefusedError as error:
        _publish(sns, topic_arn, _short(message, error))


def _publish(sns: "SNSClient", topic_arn: str, message: Message) -> None:
    attributes: Any = {
        name: {"DataType": "String", "StringValue": value} for name, value in message.attributes.items()
    }
    try:
        sns.publish(
            TopicArn=topic_arn,
            Subject=message.subject,
            Message=_by_protocol(message),
            MessageStructure="json",
            MessageAttributes=attributes,
        )
    except ParamValidationError as error:
        raise RefusedError(str(error)) from error
    except ClientError as error:
        if error.response["Error"]["Code"] not in _REFUSED:
            raise
        raise RefusedError(str(error)) from error


def _by_protocol(message: Message) -> str:
    """Return the text for mail and short messages, and JSON for every other protocol."""
    default = publishable(message.alert_id, message.subject, message.text, message.payload)
    texts = {"default": default, "email": message.text, "sms": message.subject}
    return msgspec.json.encode(texts).decode()


def _short(message: Message, error: Exception) -> Message:
    """Return a message without content from outside, in place of one that SNS refused."""
    tag = _TAGS.get(message.kind, "ALERT")
    about = {
        name: _ascii(one_line(message.attributes.get(name, "unknown")))
        for name in ("use_case", "model", "model_version", "window_start", "window_end")
    }
    lines = [f"{name}: {value}" for name, value in about.items()]
    return msgspec.structs.replace(
        message,
        subject=f"{tag}: {message.kind.value}: the full message was refused",
        text="\n".join(
            [
                "Amazon SNS refused the full message: " + _ascii(one_line(error, _SENTENCE)),
                *lines,
                "The report of the window has every check: make report opens the report site.\n",
            ]
        ),
        attributes={"alert_id": message.alert_id, "kind": message.kind.value},
        payload=None,
    )


def _subject(context: Context, kind: Kind) -> str:
    failing = context.failing
    columns = list(dict.fromkeys(one_line(column) for check in failing for column in check.columns))
    what = {
        Kind.ALERT: f"{len(failing)} checks failed" if len(failing) != 1 else f"{failing[0].name} failed",
        Kind.REMINDER: "still failing",
        Kind.RESOLVED: "all checks pass again",
        Kind.NO_DATA: "no predictions arrived",
        Kind.ERROR: "monitoring failed",
    }[kind]
    subject = f"{_TAGS.get(kind, 'ALERT')}: {one_line(context.model.name)}: {what}"
    if kind is Kind.ALERT and columns:
        subject += f" ({', '.join(columns)})"
    plain = _ascii(subject)
    return plain if len(plain) <= _SUBJECT_LIMIT else plain[: _SUBJECT_LIMIT - 3] + "..."


def _opening(context: Context, kind: Kind, before: State) -> str:
    model = f"{one_line(context.model.name)} version {one_line(context.model.version)}"
    since = f"since the window that ended {_moment(before.since)}"
    if before.damaged:
        was = "The stored alert state was damaged and is started anew: notifications may repeat."
    else:
        was = f"It had status {before.status} {since}."
    if before.status is Status.NO_DATA and kind is Kind.REMINDER and context.records:
        return f"Predictions of {model} arrive again; checks that failed earlier are still open."
    return {
        Kind.ALERT: f"Monitoring checks of {model} failed.",
        Kind.REMINDER: f"{model} still has status {before.status}, {since}.",
        Kind.RESOLVED: f"Every check of {model} passes again. {was}",
        Kind.NO_DATA: f"No prediction of {model} arrived in the window.",
        Kind.ERROR: f"The monitor could not check {model}: {one_line(context.reason, _REASON)}",
    }[kind] + (f" {was}" if before.damaged and kind is not Kind.RESOLVED else "")


def _facts(context: Context) -> str:
    _, region, account = links.place(context.topic_arn)
    return (
        f"Window: {_moment(context.start)} to {_moment(context.end)}, {context.records:,} records.\n"
        f"Use case: {context.use_case}\nAWS account: {account}, region: {region}"
    )


def _failing(context: Context) -> str:
    failing = context.failing
    if not failing:
        return ""
    made = sum(check.status != "skipped" for check in context.checks)
    lines = [f"Failed ({len(failing)} of {made} checks made):"]
    lines += [f"  - {_line(check)}" for check in failing[:LISTED]]
    if len(failing) > LISTED:
        lines.append(f"  ... and {len(failing) - LISTED} more, in the report")
    return "\n".join(lines)


def _line(check: CheckResult) -> str:
    sentence = one_line(check.sentence, _SENTENCE)
    if check.value is None or check.threshold is None:
        return f"{check.name}: {sentence}"
    return f"{check.name}: {sentence} (value {check.value:.4g}, limit {check.threshold:.4g})"


def _not_checked(context: Context, before: State) -> str:
    """Return the checks that failed earlier and were not made in this window."""
    left = sorted(set(before.open or []) & {c.key for c in context.checks if c.status == "skipped"})
    if not left:
        return ""
    lines = ["Failed earlier, not checked in this window:"]
    return "\n".join(lines + [f"  - {one_line(key, _SENTENCE)}" for key in left[:LISTED]])


def _next_steps(context: Context, kind: Kind) -> str:
    names = [check.name for check in context.failing]
    found = advice.steps(names, context.target, no_data=kind is Kind.NO_DATA, error=kind is Kind.ERROR)
    return "\n".join(["What to do next:", *found])


def _links(context: Context) -> str:
    """Return the links to the window's pages, the site and the runbook."""
    names = [check.name for check in context.failing]
    bucket = context.report.removeprefix("s3://").partition("/")[0]
    blocks = [_link("Report", context.report, context)]
    if "performance" in advice.topics(names):
        page = context.report.removesuffix(REPORT_HTML) + PERFORMANCE_HTML
        blocks.append(_link("Performance report", page, context))
    blocks.append(
        f"All reports: s3://{bucket}/{layout.REPORTS}/index.html\n  in a terminal:  {context.target.site}"
    )
    blocks.append("Runbook: " + ", ".join(advice.anchors(names)))
    return "\n".join(blocks)


def _link(title: str, uri: str, context: Context) -> str:
    where = links.place(context.topic_arn)
    return (
        f"{title}: {uri}\n  in the console: {links.s3_object(where, uri)}\n"
        f"  in a terminal:  aws s3 presign {uri} --region {where.region}"
    )


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _ascii(text: str) -> str:
    return text.encode("ascii", "replace").decode()


def _cut(text: str) -> str:
    """Return `text`, cut to what a message may hold."""
    data = text.encode()
    if len(data) <= _TEXT_BYTES:
        return text
    return data[:_TEXT_BYTES].decode(errors="ignore") + "\n... (cut; the report has every check)\n"


def as_json(value: Any) -> bytes:
    """Return `value` as indented JSON with a final newline."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
