"""The S3 layout. Terraform reads the same `layout.json`, so no key is spelled twice."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

_LAYOUT = json.loads(Path(__file__).with_name("layout.json").read_text())

MODELS: str = _LAYOUT["models"]
PREDICTIONS: str = _LAYOUT["predictions"]
REJECTED: str = _LAYOUT["rejected"]
GROUND_TRUTH: str = _LAYOUT["ground_truth"]
# AWS fixes where an event source mapping leaves the batches it gave up.
FAILED: str = _LAYOUT["failed"]
REPORTS: str = _LAYOUT["reports"]
PROFILES: str = _LAYOUT["profiles"]
ALERTS: str = _LAYOUT["alerts"]

_PARTITION = "/".join(_LAYOUT["partition"])
HOUR = timedelta(hours=1)


def model_prefix(name: str, version: str) -> str:
    """Return where one version's bundle lies, with a trailing slash."""
    return f"{MODELS}/{name}/{version}/"


def hour_prefix(root: str, hour: datetime) -> str:
    """Return the partition of `root` that holds what arrived in the UTC hour of `hour`.

    Raises:
        ValueError: `hour` has no time zone.

    """
    return f"{root}/{_utc(hour).strftime(_PARTITION)}/"


def hours_between(start: datetime, end: datetime) -> Iterator[datetime]:
    """Yield the start of every UTC hour that [start, end) touches, oldest first."""
    hour = _utc(start).replace(minute=0, second=0, microsecond=0)
    while hour < end:
        yield hour
        hour += HOUR


def window_name(start: datetime, end: datetime) -> str:
    """Return a name for [start, end) that sorts by time and is safe in a key."""
    return f"{_utc(start):%Y%m%dT%H%M%SZ}-{_utc(end):%Y%m%dT%H%M%SZ}"


def report_prefix(model: str, start: datetime, end: datetime) -> str:
    """Return where the report on [start, end) of one model lies, with a trailing slash."""
    return f"{REPORTS}/{model}/{window_name(start, end)}/"


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone: pass an aware datetime, e.g. in UTC")
    return moment.astimezone(UTC)
