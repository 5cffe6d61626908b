"""Records of a window that were not scored: how many, and why."""

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from contract import layout
from contract.events import RecordRef, parse_timestamp
from lambda_monitor.lake.objects import ObjectError, Unreadable, list_objects, open_objects, read_lines
from lambda_monitor.lake.partitions import LANDS_AFTER, LANDS_BEFORE

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


class Rejections(msgspec.Struct, frozen=True, kw_only=True):
    """Distinct rejected records by reason and field, most frequent first, and batches given up on."""

    count: int
    reasons: dict[str, int]
    unreadable: list[Unreadable]
    failed: list[str]


class _Line(msgspec.Struct):
    """What is needed of a line of `rejected/`."""

    record: RecordRef
    reason: str
    field: str


def read(s3: "S3Client", bucket: str, start: datetime, end: datetime) -> Rejections:
    """Return what arrived in [start, end) and was rejected."""
    reasons: Counter[str] = Counter()
    unreadable: list[Unreadable] = []
    # Hashes, not names: a flood of rejected records must not fill the memory.
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
                found = decoder.decode(line)
                identity = hash((found.record.shard, found.record.sequence_number))
                if start <= parse_timestamp(found.record.arrived_at) < end and identity not in seen:
                    seen.add(identity)
                    reasons[f"{found.reason} ({found.field})" if found.field else found.reason] += 1
        except (ObjectError, ValueError) as error:  # a DecodeError is a ValueError
            unreadable.append(Unreadable(item.key, str(error)))
    return Rejections(
        count=len(seen),
        reasons=dict(reasons.most_common()),
        unreadable=unreadable,
        failed=_failed(s3, bucket, start, end),
    )


def _failed(s3: "S3Client", bucket: str, start: datetime, end: datetime) -> list[str]:
    """Return the keys of what Lambda gave up on in [start, end): it names them itself, by mapping and day."""
    objects = list_objects(s3, bucket, f"{layout.FAILED}/")
    return [item.key for item in objects if start <= item.modified < end]
