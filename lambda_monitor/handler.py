"""Lambda entry point of the monitor."""

import os
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore.config import Config

from lambda_monitor import monitor
from lambda_monitor.run import Clients, Run, requested_span
from lambda_monitor.settings import Settings

_CLIENTS = Clients(
    # Presigned links to encrypted objects need Signature Version 4.
    s3=boto3.client("s3", config=Config(signature_version="s3v4")),
    sns=boto3.client("sns"),
    cloudwatch=boto3.client("cloudwatch"),
    athena=boto3.client("athena"),
)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Monitor the window that `event` names, or the last complete hours, and return the summary."""
    settings = Settings.from_environment(os.environ)
    now = datetime.now(UTC)
    span = requested_span(event, settings, now)
    left = timedelta(milliseconds=context.get_remaining_time_in_millis())
    run = Run(id=context.aws_request_id, now=now, deadline=now + left)
    return monitor.run(_CLIENTS, settings, span, run)
