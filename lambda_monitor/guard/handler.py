"""Lambda entry point of the guard: one look at the alias, each minute."""

import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import boto3
import msgspec

from lambda_monitor.guard.candidate import Alias, look
from lambda_monitor.guard.message import Topic
from lambda_monitor.guard.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sns import SNSClient

_LAMBDA: "LambdaClient" = boto3.client("lambda")
_SNS: "SNSClient" = boto3.client("sns")


def handler(_event: Any, _context: Any) -> dict[str, Any]:
    """Return the candidate of a release that does not watch it any more; return what was done."""
    settings = Settings.from_environment(os.environ)
    alias = Alias(_LAMBDA, settings.predict_function, settings.predict_alias)
    topic = Topic(_SNS, settings)
    summary = {"function": settings.predict_function, "done": look(alias, topic, datetime.now(UTC))}
    print(msgspec.json.encode(summary).decode())  # noqa: T201  # the log
    return summary
