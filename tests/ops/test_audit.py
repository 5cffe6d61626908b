import base64
import gzip
import json
import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest

from contract import layout
from ops import __main__ as command_line
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


class Lake:
    """A stream of four records of which one is scored, and a lake to put damaged objects in."""

    shard = "shardId-000000000000"

    def __init__(self, endpoint: str) -> None:
        self.kinesis, self.s3 = (boto3.client(name, endpoint_url=endpoint) for name in ("kinesis", "s3"))
        self.kinesis.create_stream(StreamName="input", ShardCount=1)
        self.s3.create_bucket(Bucket="lake")
        self.start = datetime.now(UTC) - timedelta(minutes=1)
        self.numbers = [
            self.kinesis.put_record(StreamName="input", PartitionKey="1", Data=b"x")["SequenceNumber"]
            for _ in range(4)
        ]

    def line(self, number: int) -> bytes:
        source = {"shard": self.shard, "sequence_number": self.numbers[number]}
        return json.dumps({"record": source}).encode() + b"\n"

    def put(self, root: str, name: str, body: bytes) -> str:
        key = (f"{root}/" if root == layout.FAILED else layout.hour_prefix(root, self.start)) + name
        self.s3.put_object(Bucket="lake", Key=key, Body=body)
        return key

    def audit(self) -> Audit:
        end = datetime.now(UTC) + timedelta(minutes=1)
        return audit(self.kinesis, self.s3, "input", "lake", self.start, end)


@pytest.fixture
def stack(aws: str) -> Lake:
    return Lake(aws)


DAMAGED_LINES = [
    b"{",
    b"null",
    b"[]",
    b'{"record": {}}',
    b'{"record": {"shard": 1}}',
    b"\xff",
    b"[" * 100_000,
]


@pytest.mark.parametrize("bad", DAMAGED_LINES, ids=range(len(DAMAGED_LINES)))
@pytest.mark.parametrize("root", [layout.PREDICTIONS, layout.REJECTED])
def test_a_damaged_line_is_named_and_the_others_are_counted(stack: Lake, root: str, bad: bytes) -> None:
    key = stack.put(root, "a", stack.line(0) + bad + b"\n" + stack.line(1))
    found = stack.audit()
    assert (found.scored + found.rejected, len(found.missing)) == (2, 2)
    assert found.damaged == {key: "damaged lines: 1 of 3"}
    assert f"damaged: {key}: damaged lines: 1 of 3" in str(found)
    assert "The result is incomplete" in str(found)


def truncated(data: bytes) -> bytes:
    return gzip.compress(data * 1_000)[:-20]


def flipped(data: bytes) -> bytes:
    packed = bytearray(gzip.compress(data))
    packed[15] ^= 0xFF
    return bytes(packed)


def cut_in_the_header(data: bytes) -> bytes:
    return gzip.compress(data)[:5]


def wrong_checksum(data: bytes) -> bytes:
    return gzip.compress(data)[:-8] + bytes(8)


def of_another_method(data: bytes) -> bytes:
    return b"\x1f\x8b\x07" + data


@pytest.mark.parametrize("damage", [truncated, flipped, cut_in_the_header, wrong_checksum, of_another_method])
def test_a_damaged_gzip_is_named_and_the_others_are_counted(stack: Lake, damage: Any) -> None:
    key = stack.put(layout.PREDICTIONS, "a.gz", damage(stack.line(0)))
    stack.put(layout.PREDICTIONS, "b.gz", gzip.compress(stack.line(1)))
    found = stack.audit()
    assert (found.scored, len(found.missing), list(found.damaged)) == (1, 3, [key])
    assert found.damaged[key].startswith("damaged gzip: ")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"{}",
        b'{"KinesisBatchInfo": {"shardId": "s"}, "payload": "{"}',
        b"\xff",
        b"[" * 100_000,
    ],
    ids=range(7),
)
def test_a_damaged_failure_record_is_named_and_the_others_are_counted(stack: Lake, body: bytes) -> None:
    key = stack.put(layout.FAILED, "a.json", body)
    stack.put(layout.FAILED, "b.json", json.dumps(invocation_record(stack.shard, stack.numbers[:1])).encode())
    found = stack.audit()
    assert (found.given_up, list(found.damaged)) == (1, [key])
    assert found.damaged[key].startswith("not a failure record of a Kinesis batch")


def test_many_damaged_objects_are_counted_and_the_first_named(stack: Lake) -> None:
    for number in range(8):
        stack.put(layout.PREDICTIONS, f"{number}", b"?")
    text = str(stack.audit())
    assert re.search(r"damaged +8\n", text)
    assert text.count("damaged lines") == 5
    assert "... and 3 more" in text


def test_the_command_fails_if_an_object_is_damaged(
    stack: Lake, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for number in range(4):
        stack.put(layout.PREDICTIONS, f"{number}", stack.line(number))
    names = {"input_stream": "input", "lake_bucket": "lake"}
    monkeypatch.setattr(command_line.deployment, "outputs", lambda _: names)
    monkeypatch.setattr(command_line, "session", lambda: boto3.Session(region_name="us-east-1"))
    assert command_line.main(["audit", "--use-case", "green_taxi"]) == 0
    stack.put(layout.PREDICTIONS, "bad", b"?")
    assert command_line.main(["audit", "--use-case", "green_taxi"]) == 1
    assert "the result is incomplete: 1 objects are damaged" in capsys.readouterr().err


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
