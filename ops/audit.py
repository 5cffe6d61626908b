"""Reconcile the input stream with the lake over a time range."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from contract import lake, layout
from contract.events import stream_sequence_number
from contract.lake import DamagedError, LakeReader

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_s3 import S3Client

# (shard, sequence number): the permanent identity of a record.
Reference = tuple[str, str]
_SHOWN = 5


@dataclass(frozen=True)
class Audit:
    """Counts of the records that arrived in a range, by outcome.

    `duplicated` records have several events, of which readers count one; `missing` ones have no
    event, no rejection and no failure record. `damaged` maps keys of objects that can't be read, or
    not entirely, to the reason: a missing record may be in them.
    """

    received: int
    scored: int
    rejected: int
    given_up: int
    duplicated: int
    missing: list[Reference]
    damaged: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """Return one line per count, then the first missing records."""
        lines = [f"{name:<11}{getattr(self, name):>12,}" for name in ("received", "scored", "rejected")]
        lines += [f"given up   {self.given_up:>12,}", f"duplicated {self.duplicated:>12,}"]
        lines += [f"missing    {len(self.missing):>12,}", f"damaged    {len(self.damaged):>12,}"]
        if self.missing:
            lines += ["", *_some([f"missing: {shard} {number}" for shard, number in self.missing])]
            lines.append(
                "Records of the last minutes may not be delivered yet: repeat later. See docs/operations.md"
            )
        if self.damaged:
            lines += ["", *_some([f"damaged: {key}: {reason}" for key, reason in self.damaged.items()])]
            lines.append("The result is incomplete: records in damaged objects are not counted.")
        return "\n".join(lines)


def reconcile(
    received: set[Reference],
    scored: "Counter[Reference]",
    rejected: set[Reference],
    given_up: set[Reference],
) -> Audit:
    """Return the counts of `received`; references outside it are ignored."""
    found = received & (scored.keys() | rejected | given_up)
    return Audit(
        received=len(received),
        scored=len(received & scored.keys()),
        rejected=len(received & rejected),
        given_up=len((received & given_up) - scored.keys() - rejected),
        duplicated=sum(1 for reference in received if scored[reference] > 1),
        missing=sorted(received - found),
    )


def audit(
    kinesis: "KinesisClient", s3: "S3Client", stream: str, bucket: str, start: datetime, end: datetime
) -> Audit:
    """Reconcile arrivals on `stream` in [start, end) with the lake.

    The stream must still retain them.
    """
    received = set(_received(kinesis, stream, start, end))
    now = datetime.now(start.tzinfo)
    damaged: dict[str, str] = {}
    found = {
        root: of_stream(Counter(_references(LakeReader(s3, bucket, root).new_objects(start, now), damaged)))
        for root in (layout.PREDICTIONS, layout.REJECTED)
    }
    given_up = set(_given_up(s3, bucket, start, damaged))
    counts = reconcile(received, found[layout.PREDICTIONS], set(found[layout.REJECTED]), given_up)
    return replace(counts, damaged=damaged)


def of_stream(found: "Counter[Reference]") -> "Counter[Reference]":
    """Return the highest count per stream record; an aggregate has one reference per record inside."""
    counts: Counter[Reference] = Counter()
    for (shard, number), count in found.items():
        reference = shard, stream_sequence_number(number)
        counts[reference] = max(counts[reference], count)
    return counts


def _received(kinesis: "KinesisClient", stream: str, start: datetime, end: datetime) -> Iterator[Reference]:
    shards = kinesis.get_paginator("list_shards").paginate(StreamName=stream)
    for shard in [shard["ShardId"] for page in shards for shard in page["Shards"]]:
        iterator: str | None = kinesis.get_shard_iterator(
            StreamName=stream, ShardId=shard, ShardIteratorType="AT_TIMESTAMP", Timestamp=start
        )["ShardIterator"]
        while iterator:
            answer = kinesis.get_records(ShardIterator=iterator)
            arrived = [(r["ApproximateArrivalTimestamp"], r["SequenceNumber"]) for r in answer["Records"]]
            yield from ((shard, number) for moment, number in arrived if start <= moment < end)
            done = answer.get("MillisBehindLatest", 0) == 0 or any(moment >= end for moment, _ in arrived)
            iterator = None if done else answer.get("NextShardIterator")


class _Source(msgspec.Struct):
    shard: str
    sequence_number: str


class _Line(msgspec.Struct):
    """Fields that events and rejections share."""

    record: _Source
    part: int = 1


_decode = msgspec.json.Decoder(_Line).decode


def _references(objects: Iterable[tuple[str, bytes]], damaged: dict[str, str]) -> Iterator[Reference]:
    """Yield the references in `objects`; add unreadable ones to `damaged`."""
    for key, body in objects:
        try:
            lines = lake.lines(body)
        except DamagedError as error:
            damaged[key] = str(error)
            continue
        bad = 0
        for line in lines:
            try:
                found = _decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                bad += 1
                continue
            if found.part == 1:
                yield found.record.shard, found.record.sequence_number
        if bad:
            damaged[key] = f"damaged lines: {bad} of {len(lines)}"


def _given_up(s3: "S3Client", bucket: str, since: datetime, damaged: dict[str, str]) -> Iterator[Reference]:
    """Yield the records of failure objects that Lambda wrote since then; name others in `damaged`."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{layout.FAILED}/")
    objects = [entry for page in pages for entry in page.get("Contents", [])]
    for key in [entry["Key"] for entry in objects if entry["LastModified"] >= since]:
        try:
            yield from _failed(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            damaged[key] = f"not a failure record of a Kinesis batch ({type(error).__name__}: {error})"


def _failed(body: bytes) -> list[Reference]:
    document: dict[str, Any] = json.loads(body)
    shard, payload = document["KinesisBatchInfo"]["shardId"], document["payload"]
    # Text from the embedded AWS, an object from LocalStack: the guide's example shows neither.
    event = json.loads(payload) if isinstance(payload, str) else payload
    return [(shard, record["kinesis"]["sequenceNumber"]) for record in event["Records"]]


def _some(lines: list[str]) -> list[str]:
    """Return the first of `lines`, and the number of the others."""
    more = len(lines) - _SHOWN
    return lines[:_SHOWN] + ([f"... and {more:,} more"] if more > 0 else [])
