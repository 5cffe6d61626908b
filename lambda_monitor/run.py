"""One monitoring run: its clients, id, deadline and requested window."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from contract.timestamps import parse_timestamp, timestamp
from lambda_monitor.settings import Settings

if TYPE_CHECKING:
    from mypy_boto3_athena import AthenaClient
    from mypy_boto3_cloudwatch import CloudWatchClient
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_sns import SNSClient


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One run of the function: its id, its start, and when Lambda ends it at the latest."""

    id: str
    now: datetime
    deadline: datetime


class EventError(ValueError):
    """The event names no window."""


class Clients(msgspec.Struct, frozen=True, kw_only=True):
    """The AWS clients a run uses."""

    s3: "S3Client"
    sns: "SNSClient"
    cloudwatch: "CloudWatchClient"
    athena: "AthenaClient"


class Span(msgspec.Struct, frozen=True, kw_only=True):
    """The window [start, end); `asked` if the event names it, not the schedule."""

    start: datetime
    end: datetime
    asked: bool


def requested_span(event: Mapping[str, Any], settings: Settings, now: datetime) -> Span:
    """Return the window that `event` names, else the last complete hours. Raises EventError."""
    given = {name: event[name] for name in ("start", "end") if event.get(name) is not None}
    if not given:
        end = now.replace(minute=0, second=0, microsecond=0)
        return Span(start=end - settings.window, end=end, asked=False)
    if len(given) == 1:
        raise EventError(f"the event has only {next(iter(given))!r}: give both start and end, or neither")
    try:
        start, end = (parse_timestamp(given[name]) for name in ("start", "end"))
    except (TypeError, ValueError) as error:
        raise EventError(f"start and end must be like 2026-01-31T12:00:00Z: {error}") from error
    if start >= end:
        raise EventError(f"start {given['start']} is not before end {given['end']}")
    if start >= now:
        raise EventError(f"start {given['start']} is in the future: now it is {timestamp(now)}")
    return Span(start=start, end=end, asked=True)
