"""Rejected records and failed batches of a window, by reason."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from contract import layout
from lambda_monitor.lake.cache import Cache, Overlay
from lambda_monitor.lake.objects import Object, Unreadable, list_objects
from lambda_monitor.lake.partitions import landing
from lambda_monitor.lake.rejection_counts import OTHER_REASONS, PartitionCounts, RejectionLedgers

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Reasons of a window that are counted by name.
REASONS = 20
_WORKERS = 16


class Rejections(msgspec.Struct, frozen=True, kw_only=True):
    """Distinct rejected records by reason and field, most frequent first, and failed batches."""

    count: int
    reasons: dict[str, int]
    unreadable: list[Unreadable]
    failed: list[str]


def read(
    s3: "S3Client",
    bucket: str,
    start: datetime,
    end: datetime,
    *,
    cache: Cache,
    may_write: Callable[[], bool],
) -> Rejections:
    """Return the records that arrived in the minutes of [start, end) and were rejected.

    Counts are kept in `cache`, so that each object is read once. `may_write` is called once, before the
    first write; if it returns False what is read is not stored.
    """
    partitions = landing(start, end)
    with ThreadPoolExecutor(_WORKERS) as pool:
        listings = pool.map(lambda hour: _list(s3, bucket, hour), partitions)
        listed = dict(zip(partitions, listings, strict=True))
    ledgers = RejectionLedgers(s3, bucket, cache)
    if any(ledgers.unread(hour, objects) for hour, objects in listed.items()):
        # Another run may have written ledgers since this one read them.
        ledgers = RejectionLedgers(s3, bucket, cache if may_write() else Overlay(cache))
    counts = [ledgers.update(hour, objects) for hour, objects in listed.items()]
    reasons = _within(counts, start, end)
    return Rejections(
        count=reasons.total(),
        reasons=_commonest(reasons),
        unreadable=sorted(u for found in counts for u in found.unreadable),
        failed=_failed(s3, bucket, start, end),
    )


def _list(s3: "S3Client", bucket: str, hour: datetime) -> list[Object]:
    return list_objects(s3, bucket, layout.hour_prefix(layout.REJECTED, hour))


def _within(counts: list[PartitionCounts], start: datetime, end: datetime) -> "Counter[str]":
    reasons: Counter[str] = Counter()
    for found in counts:
        for minute, by_reason in found.minutes.items():
            if start <= datetime.fromisoformat(minute) < end:
                reasons.update(by_reason)
    return reasons


def _commonest(reasons: "Counter[str]") -> dict[str, int]:
    ordered = [(name, count) for name, count in reasons.most_common() if name != OTHER_REASONS]
    named = dict(ordered[:REASONS])
    rest = reasons.total() - sum(named.values())
    return {**named, OTHER_REASONS: rest} if rest else named


def _failed(s3: "S3Client", bucket: str, start: datetime, end: datetime) -> list[str]:
    """Return the keys of the batches that failed for good in [start, end), written by Lambda."""
    objects = list_objects(s3, bucket, f"{layout.FAILED}/")
    return [item.key for item in objects if start <= item.modified < end]
