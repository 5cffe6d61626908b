"""Timestamps of records: instants, and their parts in a time zone."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

Instants = npt.NDArray[np.datetime64]

DEFAULT_ZONE = "UTC"
# Timestamps of other years are refused: zones and libraries have limits of their own.
FIRST_YEAR, LAST_YEAR = 1900, 2199
EXAMPLE = "2026-03-02T08:15:00-05:00"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_SECOND = 1_000_000


def parse(text: str) -> datetime:
    """Return a timestamp of ISO 8601, with or without an offset. Raises ValueError."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ValueError("it is not ISO 8601") from None  # the original repeats the text
    if not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise ValueError(f"its year is not among {FIRST_YEAR} to {LAST_YEAR}")
    return moment


def instants(values: Sequence[datetime | None] | Instants, zone: str) -> Instants:
    """Return timestamps as UTC in microseconds, NaT if missing.

    One without an offset is a local time of `zone`; an hour that occurs twice is the first, and one
    that is skipped has the offset before the change. An array of datetime64 is in UTC already.
    """
    if isinstance(values, np.ndarray):
        return values.astype("datetime64[us]")
    local = _zone(zone)
    aware = [v if v is None or v.tzinfo is not None else v.replace(tzinfo=local) for v in values]
    numbers = [None if v is None else (v - _EPOCH) // _MICROSECOND for v in aware]
    return np.array([np.iinfo(np.int64).min if n is None else n for n in numbers], np.int64).view(
        "datetime64[us]"
    )


def hour(moments: Instants, zone: str) -> npt.NDArray[np.int64]:
    """Return the hour of the day in `zone`, 0 to 23; undefined where NaT."""
    return _floored(moments, zone, "h") % 24


def weekday(moments: Instants, zone: str) -> npt.NDArray[np.int64]:
    """Return the day of the week in `zone`, 0 (Monday) to 6; undefined where NaT."""
    # 1970-01-01 was a Thursday.
    return (_floored(moments, zone, "D") + 3) % 7


def day(moments: Instants, zone: str) -> npt.NDArray[np.int64]:
    """Return the day of the month in `zone`, 1 to 31; undefined where NaT."""
    local = _local(moments, zone)
    first = local.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
    return np.asarray(local.astype("datetime64[D]").astype(np.int64) - first + 1)


def month(moments: Instants, zone: str) -> npt.NDArray[np.int64]:
    """Return the month in `zone`, 1 to 12; undefined where NaT."""
    return _floored(moments, zone, "M") % 12 + 1


Part = Callable[[Instants, str], npt.NDArray[np.int64]]


def _floored(moments: Instants, zone: str, unit: str) -> npt.NDArray[np.int64]:
    floored: npt.NDArray[Any] = _local(moments, zone).astype(f"datetime64[{unit}]")
    return floored.astype(np.int64)


def _local(moments: Instants, zone: str) -> Instants:
    """Return the wall clock of `zone` at each instant."""
    if zone == DEFAULT_ZONE:
        return moments
    known = ~np.isnat(moments)
    seconds, places = np.unique(moments[known].astype(np.int64) // _SECOND, return_inverse=True)
    local = moments.copy()
    local[known] += _offsets(seconds.tolist(), zone)[places]
    return local


def _offsets(seconds: list[int], zone: str) -> npt.NDArray[np.timedelta64]:
    """Return the offset of `zone` from UTC at each second since 1970."""
    local = _zone(zone)
    found = [(_EPOCH + timedelta(seconds=second)).astimezone(local).utcoffset() for second in seconds]
    return np.array(found, dtype="timedelta64[us]")


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)
