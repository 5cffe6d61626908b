"""Aggregates, encoded by Google's protobuf, and gzipped records."""

import base64
import gzip
import hashlib
import json
import tracemalloc
from typing import Any

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from hypothesis import given, settings
from hypothesis import strategies as st

from lambda_predict.score import Batch, Scorer
from lambda_predict.unpack import unpack
from tests.lambda_predict import synthetic
from tests.lambda_predict.world import Shard, World

MAGIC = b"\xf3\x89\x9a\xc2"


def message_types() -> Any:
    """Return AggregatedRecord as the format's specification declares it."""
    field = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="aggregated.proto", syntax="proto2")
    tag = file.message_type.add(name="Tag")
    tag.field.add(name="key", number=1, type=field.TYPE_STRING, label=field.LABEL_REQUIRED)
    tag.field.add(name="value", number=2, type=field.TYPE_STRING, label=field.LABEL_OPTIONAL)
    record = file.message_type.add(name="Record")
    record.field.add(name="partition_key_index", number=1, type=field.TYPE_UINT64, label=field.LABEL_REQUIRED)
    record.field.add(
        name="explicit_hash_key_index", number=2, type=field.TYPE_UINT64, label=field.LABEL_OPTIONAL
    )
    record.field.add(name="data", number=3, type=field.TYPE_BYTES, label=field.LABEL_REQUIRED)
    record.field.add(
        name="tags", number=4, type_name="Tag", type=field.TYPE_MESSAGE, label=field.LABEL_REPEATED
    )
    whole = file.message_type.add(name="AggregatedRecord")
    whole.field.add(name="partition_key_table", number=1, type=field.TYPE_STRING, label=field.LABEL_REPEATED)
    whole.field.add(
        name="explicit_hash_key_table", number=2, type=field.TYPE_STRING, label=field.LABEL_REPEATED
    )
    whole.field.add(
        name="records", number=3, type_name="Record", type=field.TYPE_MESSAGE, label=field.LABEL_REPEATED
    )
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName("AggregatedRecord"))


AggregatedRecord = message_types()


def aggregate(*data: bytes) -> bytes:
    message = AggregatedRecord(partition_key_table=["k"] * 200, explicit_hash_key_table=["17"])
    for number, item in enumerate(data):
        record = message.records.add(partition_key_index=number, data=item)
        if number % 2:
            record.explicit_hash_key_index = 0
            record.tags.add(key="source", value="test")
    return sealed(message.SerializeToString())


def sealed(body: bytes) -> bytes:
    return MAGIC + body + hashlib.md5(body, usedforsecurity=False).digest()


def score(model: synthetic.Model, *data: bytes) -> Batch:
    return Scorer(model).score(synthetic.kinesis(data), synthetic.NOW)


def events(batch: Batch) -> list[tuple[str, str]]:
    found = [json.loads(line.data) for line in batch.scored]
    return [(event["ride_id"], event["record"]["sequence_number"]) for event in found]


def test_each_record_of_an_aggregate_is_scored_with_its_own_identity(model: synthetic.Model) -> None:
    inside = [synthetic.ride(f"r{n}") for n in range(3)]
    batch = score(model, synthetic.ride("a"), aggregate(*inside), synthetic.ride("b"))
    assert events(batch) == [("a", "1"), ("r0", "2/0"), ("r1", "2/1"), ("r2", "2/2"), ("b", "3")]
    assert [line.sequence_number for line in batch.scored] == ["1", "2", "2", "2", "3"]
    alone = score(model, inside[1])
    assert json.loads(alone.scored[0].data)["prediction"] == json.loads(batch.scored[2].data)["prediction"]


def test_an_aggregate_of_another_implementation_is_unpacked() -> None:
    # From the documentation of ex_kpl, a port of AWS's aggregator to Elixir.
    digest = bytes([208, 54, 153, 218, 90, 34, 47, 163, 33, 8, 173, 27, 217, 85, 161, 78])
    published = MAGIC + b"\x0a\x0dpartition_key\x1a\x08\x08\x00\x1a\x04data" + digest
    assert [(part.data, part.suffix) for part in unpack(published)] == [(b"data", "/0")]


def test_large_and_many_records_of_an_aggregate_are_scored(model: synthetic.Model) -> None:
    inside = [synthetic.ride(str(n), note="x" * 50 * n) for n in range(200)]
    batch = score(model, aggregate(*inside))
    assert events(batch) == [(str(n), f"1/{n}") for n in range(200)]


def test_an_invalid_record_of_an_aggregate_is_rejected_alone(model: synthetic.Model) -> None:
    batch = score(model, aggregate(synthetic.ride("r0"), b"{poison", synthetic.ride("r2")))
    assert [number for _, number in events(batch)] == ["1/0", "1/2"]
    (line,) = batch.rejected
    kept = json.loads(line.data)
    assert (kept["reason"], kept["record"]["sequence_number"]) == ("not_json", "1/1")
    assert base64.b64decode(kept["data"]) == b"{poison"
    assert line.sequence_number == "1"


def test_gzipped_records_are_scored_alone_and_in_aggregates(model: synthetic.Model) -> None:
    data = synthetic.ride("r1", note="x" * 30_000)
    batch = score(model, gzip.compress(synthetic.ride("r0")), aggregate(gzip.compress(data)))
    assert events(batch) == [("r0", "1"), ("r1", "2/0")]
    assert json.loads(batch.scored[1].data)["ride"] == json.loads(data)["ride"]


@pytest.mark.parametrize(
    ("data", "reason", "words"),
    [
        (aggregate(synthetic.ride())[:-1] + b"!", "aggregated", "MD5 does not match: set AggregationEnabled"),
        (MAGIC, "aggregated", "MD5"),
        (aggregate(), "aggregated", "no records"),
        (sealed(b"\x1a\x02\x08\x00"), "aggregated", "record 0 has no data"),
        (sealed(b"\x1a\x7f\x08\x00"), "aggregated", "cut off"),
        (sealed(b"\x1a\xff"), "aggregated", "varint"),
        (sealed(b"\x1b"), "aggregated", "wire type 3"),
        (aggregate(*[b"{}"] * 10_001), "aggregated", "AggregationMaxCount"),
        (gzip.compress(b"{}", mtime=0)[:-1], "gzip", "its end is missing"),
        (gzip.compress(b"{}", mtime=0) + b"{}", "gzip", "data after its end"),
        (gzip.compress(b"{}", mtime=0)[:12] + b"\xff" * 20, "gzip", "without gzip"),
        (gzip.compress(b" " * 1_000_000, mtime=0), "too_large", "send it without gzip"),
    ],
)
def test_what_cannot_be_unpacked_is_rejected_with_the_way_out(
    model: synthetic.Model, data: bytes, reason: str, words: str
) -> None:
    batch = score(model, data, synthetic.ride("good"))
    assert events(batch) == [("good", "2")]
    kept = [json.loads(line.data) for line in batch.rejected]
    assert [line["reason"] for line in kept] == [reason]
    assert words in kept[0]["message"]
    assert b"".join(base64.b64decode(line["data"]) for line in kept) == data


def test_the_inflated_size_is_bounded() -> None:
    bomb = gzip.compress(b" " * 200_000_000)
    tracemalloc.start()
    (part,) = unpack(bomb)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert part.rejection is not None
    assert peak < 70 * len(bomb)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60) | st.binary(max_size=60).map(lambda data: b"\x1a" + bytes([len(data)]) + data))
def test_any_bytes_are_unpacked_or_rejected(body: bytes) -> None:
    for data in (sealed(body), MAGIC + body, b"\x1f\x8b" + body, b"\xf3" + body):
        for part in unpack(data):
            assert part.rejection is None or part.rejection.message


def test_an_unpublished_record_of_an_aggregate_is_resumed_at_its_stream_record(
    monkeypatch: pytest.MonkeyPatch, model: synthetic.Model
) -> None:
    world = World(monkeypatch, model)
    world.output = synthetic.Sink(lambda lines: [line.key != "r1" for line in lines])
    shard = Shard("s0", [synthetic.ride("a"), aggregate(synthetic.ride("r0"), synthetic.ride("r1"))])
    assert world.invoke("s0", shard.records) == {"batchItemFailures": [{"itemIdentifier": "2"}]}


def test_an_aggregate_with_an_unkept_reject_is_not_published_before_it_is_redelivered(
    monkeypatch: pytest.MonkeyPatch, model: synthetic.Model
) -> None:
    world = World(monkeypatch, model)
    world.rejected = synthetic.Sink(lambda lines: [False] * len(lines))
    shard = Shard("s0", [synthetic.ride("a"), aggregate(synthetic.ride("r0"), b"{poison")])
    assert world.invoke("s0", shard.records) == {"batchItemFailures": [{"itemIdentifier": "2"}]}
    assert list(world.output.references()) == [("s0", "1")]
