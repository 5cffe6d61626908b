"""Lambda entry point of the notifier: post one message of the channel's queue."""

import os
from datetime import UTC, datetime, timedelta
from types import ModuleType
from typing import TYPE_CHECKING, Any

import boto3
import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from contract.conditional import ConflictError
from lambda_monitor.notifier import notification, slack, teams, webhook
from lambda_monitor.notifier.claims import Claims
from lambda_monitor.notifier.notification import Notification
from lambda_monitor.notifier.settings import Service, Settings

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_FORMS: dict[Service, ModuleType] = {Service.SLACK: slack, Service.TEAMS: teams}
_S3: "S3Client" = boto3.client("s3")
_SECRETS: webhook.Secrets = boto3.client("secretsmanager")


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Post the message and return what was done; an error leaves it in the queue, for a later delivery."""
    settings = Settings.from_environment(os.environ)
    # The event source mapping delivers one message at a time, so that no other is posted again with it.
    [record] = event["Records"]
    found = notification.read(record["body"], settings.dashboard)
    done = _deliver(settings, found, context)
    summary = {"channel": settings.channel, "id": found.id, "severity": found.severity, "done": done}
    print(msgspec.json.encode(summary).decode())  # noqa: T201  # the log
    return summary


def _deliver(settings: Settings, found: Notification, context: Any) -> str:
    if not notification.wanted(found, settings.severities, settings.checks):
        return "filtered"
    now = datetime.now(UTC)
    until = now + timedelta(seconds=_remaining(context))
    claims = Claims(_S3, settings.lake_bucket, settings.model_name, settings.channel)
    taken = claims.take(found.id, context.aws_request_id, now, until)
    if taken is None:
        return "posted before"
    try:
        done = _post(settings, found, context, now)
    except Exception:
        taken.release(datetime.now(UTC))
        raise
    try:
        taken.posted(datetime.now(UTC))
    except (BotoCoreError, ClientError, ConflictError) as error:
        # It was posted: an error here would make the queue deliver it again.
        _log(f"message {found.id} can't be marked as posted: {error}")
    return done


def _post(settings: Settings, found: Notification, context: Any, now: datetime) -> str:
    """Post the message, or one line in its place if the service refuses its form."""
    form = _FORMS[settings.service]
    target = webhook.load(_SECRETS, settings.secret_arn, settings.webhook_hosts)
    try:
        webhook.post(target, msgspec.json.encode(form.message(found, now)), lambda: _remaining(context))
    except webhook.RefusedError as error:
        if not error.malformed:
            raise
        _log(str(error))
        webhook.post(target, msgspec.json.encode(form.plain(found)), lambda: _remaining(context))
        return "posted in short"
    return "posted"


def _log(text: str) -> None:
    print(msgspec.json.encode({"message": text}).decode())  # noqa: T201  # the log


def _remaining(context: Any) -> float:
    return float(context.get_remaining_time_in_millis()) / 1000
