"""Rejected records and failed batches of a window, by reason."""

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from contract import layout
from contract.events import RecordRef, parse_timestamp
from lambda_monitor.lake.lines import read_lines
from lambda_monitor.lake.objects import ObjectError, Unreadable, list_objects, open_objects
from lambda_monitor.lake.partitions import LANDS_AFTER, LANDS_BEFORE

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Rejections(msgspec.Struct, frozen=True, kw_only=True):
    """Distinct rejected records by reason and field, most frequent first, and failed batches."""

    count: int
    reasons: dict[str, int]
    unreadable: list[Unreadable]
    failed: list[str]


class _Line(msgspec.Struct):
    """The fields of a line of `rejected/` that are used."""

    record: RecordRef
    reason: str
    field: str


def read(s3: "S3Client", bucket: str, start: datetime, end: datetime) -> Rejections:
    """Return the records that arrived in [start, end) and were rejected."""
    reasons: Counter[str] = Counter()
    unreadable: list[Unreadable] = []
    # Hashes take less memory than names if many records are rejected.
    seen: set[int] = set()
    objects = [
        item
        for hour in layout.hours_between(start - LANDS_BEFORE, end + LANDS_AFTER)
        for item in list_objects(s3, bucket, layout.hour_prefix(layout.REJECTED, hour))
    ]
    decoder = msgspec.json.Decoder(_Line)
    for item, body in open_objects(s3, bucket, objects):
        try:
            for line in read_lines(body):
                event = decoder.decode(line)
                identity = hash((event.record.shard, event.record.sequence_number))
                if start <= parse_timestamp(event.record.arrived_at) < end and identity not in seen:
                    seen.add(identity)
                    reasons[f"{event.reason} ({event.field})" if event.field else event.reason] += 1
        except (ObjectError, ValueError) as error:  # a DecodeError is a ValueError
            unreadable.append(Unreadable(item.key, str(error)))
    return Rejections(
        count=len(seen),
        reasons=dict(reasons.most_common()),
        unreadable=unreadable,
        failed=_failed(s3, bucket, start, end),
    )


def _failed(s3: "S3Client", bucket: str, start: datetime, end: datetime) -> list[str]:
    """Return the keys of the batches that failed for good in [start, end), written by Lambda."""
    objects = list_objects(s3, bucket, f"{layout.FAILED}/")
    return [item.key for item in objects if start <= item.modified < end]
