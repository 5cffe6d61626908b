"""Notifications: compose one for a window, and publish it."""

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec
from botocore.exceptions import ClientError, ParamValidationError

from contract.schema import Contract, ModelRef
from lambda_monitor.alerts import advice, details, mail
from lambda_monitor.alerts.links import Presigned
from lambda_monitor.alerts.payload import Kind, by_protocol, message_attributes
from lambda_monitor.alerts.state import Message, RefusedError, State
from lambda_monitor.findings import CheckResult
from lambda_monitor.untrusted import one_line

if TYPE_CHECKING:
    from mypy_boto3_sns import SNSClient

_SENTENCE, _ATTRIBUTE = 600, 200
# Error codes by which SNS refuses the message itself, so that sending it again is of no use.
_REFUSED = {"InvalidParameter", "InvalidParameterValue", "ParameterValueInvalid", "ValidationException"}


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """Content of every message on one window; `topic_arn` gives partition, region and account.

    Without a `contract`, which an unreadable bundle lacks, columns have the monitor's names.
    """

    model: ModelRef
    use_case: str
    environment: str = ""
    topic_arn: str
    start: datetime
    end: datetime
    report: str
    records: int = 0
    checks: Sequence[CheckResult] = ()
    reason: str = ""
    contract: Contract | None = None
    link: Presigned | None = None

    @property
    def failing(self) -> list[CheckResult]:
        """The checks that failed or could not be made."""
        return [c for c in self.checks if c.status in {"alert", "error"}]

    @property
    def title(self) -> str:
        """The use case, and the environment if there is one."""
        return self.target.title

    @property
    def target(self) -> advice.Target:
        """What the commands of a message act on."""
        return advice.Target(use_case=self.use_case, version=self.model.version, environment=self.environment)


def compose(context: Context, kind: Kind, before: State) -> Message:
    """Return the message of that `kind`; `before` is the state that it changes."""
    alert_id = str(uuid.uuid4())
    payload = details.describe(context, kind, before, alert_id)
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
        subject=mail.subject(context, payload),
        text=mail.text(context, payload, before),
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
    try:
        sns.publish(
            TopicArn=topic_arn,
            Subject=message.subject,
            Message=by_protocol(message.alert_id, message.subject, message.text, message.payload),
            MessageStructure="json",
            MessageAttributes=message_attributes(message.attributes),
        )
    except ParamValidationError as error:
        raise RefusedError(str(error)) from error
    except ClientError as error:
        if error.response["Error"]["Code"] not in _REFUSED:
            raise
        raise RefusedError(str(error)) from error


def _short(message: Message, error: Exception) -> Message:
    """Return a message without content from outside, in place of one that SNS refused."""
    tag = mail.TAGS.get(message.kind, "ALERT")
    about = {
        name: mail.ascii_only(one_line(message.attributes.get(name, "unknown")))
        for name in ("use_case", "model", "model_version", "window_start", "window_end")
    }
    lines = [f"{name}: {value}" for name, value in about.items()]
    return msgspec.structs.replace(
        message,
        subject=f"{tag}: {message.kind.value}: the full message was refused",
        text="\n".join(
            [
                "Amazon SNS refused the full message: " + mail.ascii_only(one_line(error, _SENTENCE)),
                *lines,
                "The report of the window has every check: make report opens the report site.\n",
            ]
        ),
        attributes={"alert_id": message.alert_id, "kind": message.kind.value},
        payload=None,
    )


def as_json(value: Any) -> bytes:
    """Return `value` as indented JSON with a final newline."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2) + b"\n"
