"""Reconcile the input stream with the lake over a time range."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from contract import layout
from contract.events import stream_sequence_number
from contract.lake import LakeReader

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
    event, no rejection and no failure record.
    """

    received: int
    scored: int
    rejected: int
    given_up: int
    duplicated: int
    missing: list[Reference]

    def __str__(self) -> str:
        """Return one line per count, then the first missing records."""
        lines = [f"{name:<11}{getattr(self, name):>12,}" for name in ("received", "scored", "rejected")]
        lines += [f"given up   {self.given_up:>12,}", f"duplicated {self.duplicated:>12,}"]
        lines.append(f"missing    {len(self.missing):>12,}")
        if self.missing:
            lines += ["", *(f"missing: {shard} {number}" for shard, number in self.missing[:_SHOWN])]
            lines.append(
                "Records of the last minutes may not be delivered yet: repeat later. See docs/operations.md"
            )
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
    lines = {
        root: _references(s3, bucket, root, start, now) for root in (layout.PREDICTIONS, layout.REJECTED)
    }
    scored = of_stream(Counter(lines[layout.PREDICTIONS]))
    rejected = set(of_stream(Counter(lines[layout.REJECTED])))
    return reconcile(received, scored, rejected, set(_given_up(s3, bucket, start)))


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


def _references(
    s3: "S3Client", bucket: str, root: str, start: datetime, end: datetime
) -> Iterator[Reference]:
    for line in LakeReader(s3, bucket, root).new_lines(start, end):
        event = json.loads(line)
        if event.get("part", 1) == 1:
            yield event["record"]["shard"], event["record"]["sequence_number"]


def _given_up(s3: "S3Client", bucket: str, since: datetime) -> Iterator[Reference]:
    """Yield the records of failure objects that Lambda wrote since then."""
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=f"{layout.FAILED}/")
    objects = [entry for page in pages for entry in page.get("Contents", [])]
    for key in [entry["Key"] for entry in objects if entry["LastModified"] >= since]:
        document: dict[str, Any] = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        shard = document["KinesisBatchInfo"]["shardId"]
        payload = document["payload"]
        # Text from the embedded AWS, an object from LocalStack: the guide's example shows neither.
        event = json.loads(payload) if isinstance(payload, str) else payload
        for record in event["Records"]:
            yield shard, record["kinesis"]["sequenceNumber"]
