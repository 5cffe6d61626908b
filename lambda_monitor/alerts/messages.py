"""Text of notifications: failed checks, values, links, next steps."""

import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from contract.schema import ModelRef
from lambda_monitor.alerts.state import Kind, Message, State
from lambda_monitor.findings import LISTED, CheckResult

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

# SNS accepts subjects of at most 100 ASCII characters.
_SUBJECT_LIMIT = 100


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """Content of every message on one window."""

    model: ModelRef
    use_case: str
    start: datetime
    end: datetime
    records: int
    checks: Sequence[CheckResult]
    report: str | None
    reason: str = ""

    @property
    def failing(self) -> list[CheckResult]:
        """The checks that failed or could not be made."""
        return [c for c in self.checks if c.status in {"alert", "error"}]


def compose(context: Context, kind: Kind, before: State) -> Message:
    """Return the message of that `kind`; `before` is the state that it changes."""
    alert_id = str(uuid.uuid4())
    parts = [_opening(context, kind, before), _facts(context)]
    if kind is not Kind.RESOLVED:
        parts += [_failing(context), _next_steps(context, kind)]
    if context.report:
        parts.append(_links(context.report))
    return Message(
        alert_id=alert_id,
        kind=kind,
        subject=_subject(context, kind),
        text="\n\n".join(part for part in parts if part) + "\n",
        attributes={
            "alert_id": alert_id,
            "kind": kind.value,
            "use_case": context.use_case,
            "model": context.model.name,
            "model_version": context.model.version,
            "window_start": context.start.isoformat(),
            "window_end": context.end.isoformat(),
            "checks": ",".join(sorted({c.name for c in context.failing})) or "none",
        },
    )


def publish(sns: "SNSClient", topic_arn: str, message: Message) -> None:
    """Publish `message`; its attributes let a subscription filter by kind, model or check."""
    sns.publish(
        TopicArn=topic_arn,
        Subject=message.subject,
        Message=message.text,
        MessageAttributes={
            name: {"DataType": "String", "StringValue": value} for name, value in message.attributes.items()
        },
    )


def _subject(context: Context, kind: Kind) -> str:
    failing = context.failing
    columns = list(dict.fromkeys(column for check in failing for column in check.columns))
    what = {
        Kind.ALERT: f"{len(failing)} checks failed" if len(failing) != 1 else f"{failing[0].name} failed",
        Kind.REMINDER: "still failing",
        Kind.RESOLVED: "all checks pass again",
        Kind.NO_DATA: "no predictions arrived",
        Kind.ERROR: "monitoring failed",
    }[kind]
    tag = {Kind.RESOLVED: "RESOLVED", Kind.REMINDER: "REMINDER"}.get(kind, "ALERT")
    subject = f"{tag}: {context.model.name}: {what}"
    if kind is Kind.ALERT and columns:
        subject += f" ({', '.join(columns)})"
    plain = subject.encode("ascii", "replace").decode().replace("\n", " ")
    return plain if len(plain) <= _SUBJECT_LIMIT else plain[: _SUBJECT_LIMIT - 3] + "..."


def _opening(context: Context, kind: Kind, before: State) -> str:
    model = f"{context.model.name} version {context.model.version}"
    since = f"since the window that ended {_moment(before.since)}"
    return {
        Kind.ALERT: f"Monitoring checks of {model} failed.",
        Kind.REMINDER: f"{model} still has status {before.status}, {since}.",
        Kind.RESOLVED: f"Every check of {model} passes again. It had status {before.status} {since}.",
        Kind.NO_DATA: f"No prediction of {model} arrived in the window.",
        Kind.ERROR: f"The monitor could not check {model}: {context.reason}",
    }[kind]


def _facts(context: Context) -> str:
    window = f"Window: {_moment(context.start)} to {_moment(context.end)}"
    return f"{window}, {context.records:,} records.\nUse case: {context.use_case}"


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
    if check.value is None or check.threshold is None:
        return f"{check.name}: {check.sentence}"
    return f"{check.name}: {check.sentence} (value {check.value:.4g}, limit {check.threshold:.4g})"


# Next step by the first part of a check's name.
_ADVICE = {
    "service": "Look at the prediction function's log group and the stream's iterator age: records may be "
    "delayed or rejected. Rejected records are under rejected/ with the reason.",
    "quality": "Ask the sender what changed: new categories, missing fields, changed units or ranges.",
    "outliers": "Look at the unusual values in the report for a changed unit, a broken sensor or a new kind "
    "of record.",
    "drift": "The report shows which values became more or less frequent. If the change is real and "
    "permanent, retrain (make retrain) and compare the challenger with the champion.",
    "performance": "Compare the segments in the report. If the higher error persists, retrain on labelled "
    "records (make retrain) or go back to an earlier version (make rollback VERSION=...).",
    "labels": "Some files or lines of ground truth can't be read; the report names them.",
    "model": "Another model version made the predictions: deploy the version to be monitored, or wait for "
    "the rollout to end.",
    "monitor": "Invoke the function for the hours that were left out, as the check says.",
    "lake": "Some objects of the lake can't be read; the report lists them. Copy them aside, then repair or "
    "delete them; the next run reads the partition again.",
}


def _next_steps(context: Context, kind: Kind) -> str:
    if kind is Kind.NO_DATA:
        steps = [
            "Check that the sender puts records: the input stream's IncomingRecords metric.",
            "Check the prediction function's errors and the delivery stream's delivery-errors/ prefix.",
        ]
    else:
        topics = dict.fromkeys(check.name.split(".")[0] for check in context.failing)
        steps = ["Open the report."] if context.report else []
        steps += [_ADVICE[topic] for topic in topics if topic in _ADVICE]
        if kind is Kind.ERROR:
            steps.append(
                "Read the monitor's log of this run; after the repair invoke it again for this window."
            )
    return "What to do next:\n" + "\n".join(f"  {n}. {step}" for n, step in enumerate(steps, 1))


def _links(report: str) -> str:
    bucket, _, key = report.removeprefix("s3://").partition("/")
    console = f"https://console.aws.amazon.com/s3/object/{bucket}?prefix={key}"
    return f"Report: {report}\n  in the console: {console}\n  in a terminal:  aws s3 presign {report}"


def _moment(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def as_json(value: Any) -> bytes:
    """Return `value` as indented JSON with a final newline."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
