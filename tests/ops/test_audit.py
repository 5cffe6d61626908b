import base64
import gzip
import json
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import boto3
import pytest

from contract import layout
from ops.audit import Audit, audit, of_stream, reconcile

A, B, C, D = [("s0", str(i)) for i in range(4)]


def test_every_record_has_an_outcome() -> None:
    found = reconcile({A, B, C}, Counter({A: 1}), {B}, {C})
    assert found == Audit(received=3, scored=1, rejected=1, given_up=1, duplicated=0, missing=[])


def test_a_missing_record_is_named() -> None:
    found = reconcile({A, B}, Counter({A: 1}), set(), set())
    assert found.missing == [B]
    assert "missing: s0 1" in str(found)


def test_duplicates_are_counted_once_as_scored() -> None:
    found = reconcile({A, B}, Counter({A: 3, B: 1}), set(), set())
    assert (found.scored, found.duplicated, found.missing) == (2, 1, [])


def test_records_outside_the_range_are_ignored() -> None:
    found = reconcile({A}, Counter({A: 1, D: 2}), {B}, {C})
    assert found == Audit(received=1, scored=1, rejected=0, given_up=0, duplicated=0, missing=[])


def test_a_record_given_up_and_scored_later_is_scored() -> None:
    found = reconcile({A}, Counter({A: 1}), set(), {A})
    assert (found.scored, found.given_up) == (1, 0)


def test_the_records_of_an_aggregate_count_as_their_stream_record() -> None:
    scored = Counter({("s0", "0/0"): 1, ("s0", "0/1"): 1, ("s0", "1/0"): 2, ("s0", "1/1"): 1})
    found = reconcile({A, B, C}, of_stream(scored), set(of_stream(Counter([("s0", "2/0")]))), set())
    assert found == Audit(received=3, scored=2, rejected=1, given_up=0, duplicated=1, missing=[])


@pytest.mark.parametrize("payload", [json.dumps, lambda event: event], ids=["text", "object"])
@pytest.mark.usefixtures("aws")
def test_a_given_up_batch_is_read_from_lambdas_failure_object(payload: Callable[[object], object]) -> None:
    kinesis, s3 = boto3.client("kinesis"), boto3.client("s3")
    kinesis.create_stream(StreamName="input", ShardCount=1)
    s3.create_bucket(Bucket="lake")
    start = datetime.now(UTC) - timedelta(minutes=1)
    numbers = [
        kinesis.put_record(StreamName="input", PartitionKey="1", Data=data)["SequenceNumber"]
        for data in (b"scored", b"poison", b"with it", b"nowhere")
    ]
    shard = "shardId-000000000000"
    event = {"record": {"shard": shard, "sequence_number": numbers[0]}}
    s3.put_object(
        Bucket="lake",
        Key=layout.hour_prefix(layout.PREDICTIONS, start) + "a.gz",
        Body=gzip.compress(json.dumps(event).encode() + b"\n"),
    )
    record = invocation_record(shard, numbers[1:3])
    record["payload"] = payload(record["payload"])
    s3.put_object(
        Bucket="lake",
        Key=f"{layout.FAILED}/867ace83/{shard}/2026/11/21/2026-11-21T08.00.00-1.json",
        Body=json.dumps(record).encode(),
    )

    found = audit(kinesis, s3, "input", "lake", start, datetime.now(UTC) + timedelta(minutes=1))

    assert (found.received, found.scored, found.given_up) == (4, 1, 2)
    assert found.missing == [(shard, numbers[3])]


def invocation_record(shard: str, numbers: list[str]) -> dict[str, object]:
    """Return an on-failure record in S3 as AWS documents it: metadata, and the event."""
    records = [
        {
            "kinesis": {"sequenceNumber": number, "data": base64.b64encode(b"poison").decode()},
            "eventID": f"{shard}:{number}",
        }
        for number in numbers
    ]
    return {
        "requestContext": {"condition": "RetryAttemptsExhausted", "approximateInvokeCount": 3},
        "responseContext": {"statusCode": 200, "functionError": "Unhandled"},
        "version": "1.0",
        "KinesisBatchInfo": {
            "shardId": shard,
            "startSequenceNumber": numbers[0],
            "endSequenceNumber": numbers[-1],
            "batchSize": len(numbers),
        },
        "payload": {"Records": records},
    }
