"""S3 key layout, shared with Terraform through `layout.json`."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

_LAYOUT = json.loads(Path(__file__).with_name("layout.json").read_text())

MODELS: str = _LAYOUT["models"]
PREDICTIONS: str = _LAYOUT["predictions"]
REJECTED: str = _LAYOUT["rejected"]
GROUND_TRUTH: str = _LAYOUT["ground_truth"]
# Events and rejections of a model in shadow.
SHADOW: str = _LAYOUT["shadow"]
# Fixed by AWS: prefix of an event source mapping's failure destination.
FAILED: str = _LAYOUT["failed"]
REPORTS: str = _LAYOUT["reports"]
PROFILES: str = _LAYOUT["profiles"]
ALERTS: str = _LAYOUT["alerts"]

_PARTITION = "/".join(_LAYOUT["partition"])
HOUR = timedelta(hours=1)
_MOMENT = "%Y%m%dT%H%M%SZ"


def model_prefix(name: str, version: str) -> str:
    """Return the prefix of one version's bundle, with a trailing slash."""
    return f"{MODELS}/{name}/{version}/"


def checks_key(name: str, version: int | None = None) -> str:
    """Return the key of a model's uploaded checks: those in force, or those of a version."""
    return f"{MODELS}/{name}/checks.json" if version is None else f"{MODELS}/{name}/checks/{version}.json"


def hour_prefix(root: str, hour: datetime) -> str:
    """Return the partition of `root` for arrivals in the UTC hour of `hour`.

    Raises:
        ValueError: `hour` has no time zone.

    """
    return f"{root}/{_utc(hour).strftime(_PARTITION)}/"


def hours_between(start: datetime, end: datetime) -> Iterator[datetime]:
    """Yield the start of every UTC hour that overlaps [start, end), ascending."""
    hour = _utc(start).replace(minute=0, second=0, microsecond=0)
    while hour < end:
        yield hour
        hour += HOUR


def window_name(start: datetime, end: datetime) -> str:
    """Return a name for [start, end) that sorts by time, for keys."""
    return f"{_utc(start).strftime(_MOMENT)}-{_utc(end).strftime(_MOMENT)}"


def window_of(name: str) -> tuple[datetime, datetime] | None:
    """Return the window that `window_name` gave that name, None for any other name."""
    try:
        start, end = (datetime.strptime(part, _MOMENT).replace(tzinfo=UTC) for part in name.split("-"))
    except ValueError:
        return None
    return (start, end) if window_name(start, end) == name else None


def report_prefix(model: str, start: datetime, end: datetime) -> str:
    """Return the prefix of a model's report on [start, end), with a trailing slash."""
    return f"{REPORTS}/{model}/{window_name(start, end)}/"


def _utc(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError(f"{moment.isoformat()} has no time zone: pass an aware datetime, e.g. in UTC")
    return moment.astimezone(UTC)
