"""The senders against AWS's limits, entry errors and hanging connections."""

import json
import random
import socket
import time
from collections.abc import Iterator

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError, ReadTimeoutError

from lambda_predict.handler import _ONCE
from lambda_predict.publish import Firehose, Kinesis, Sender, publish
from lambda_predict.score import Batch, Line, Scorer
from tests.lambda_predict import aws, synthetic

MIB = aws.MIB
THROTTLED = "ProvisionedThroughputExceededException"


def lines(count: int, size: int = 10, key: str = "k") -> list[Line]:
    return [Line(str(n), key, b"%06d" % n + b"x" * (size - 6)) for n in range(count)]


def send(sender: Sender, sent: list[Line]) -> list[Line]:
    clock = synthetic.Clock(60)
    return publish(sender, sent, clock.remaining, clock.pause)


@pytest.mark.parametrize("failing", [{0}, {1}, {2}, {0, 2}, {0, 1, 2}, set()], ids=str)
def test_failed_entries_of_a_call_are_reported(failing: set[int]) -> None:
    sent = lines(3)
    wrong = {sent[n].data for n in failing}
    expected = [n not in failing for n in range(3)]
    kinesis = aws.Kinesis(lambda data: THROTTLED if data in wrong else None)
    assert Kinesis(kinesis.client, "output")(sent) == expected
    firehose = aws.Firehose(lambda data: "ServiceUnavailableException" if data in wrong else None)
    assert Firehose(firehose.client, "rejected")(sent) == expected


@pytest.mark.parametrize("seed", range(5))
def test_entries_that_fail_are_sent_until_all_are_accepted_once(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - not a secret
    sent = lines(700)
    kinesis = aws.Kinesis(lambda _: THROTTLED if chance.random() < 0.2 else None)
    firehose = aws.Firehose(lambda _: "ServiceUnavailableException" if chance.random() < 0.2 else None)
    assert send(Kinesis(kinesis.client, "output"), sent) == []
    assert send(Firehose(firehose.client, "rejected"), sent) == []
    assert sorted(kinesis.accepted) == [(line.key, line.data) for line in sent]
    assert sorted(firehose.accepted) == [line.data for line in sent]


@pytest.mark.parametrize(
    ("sent", "calls"),
    [
        (lines(501), [500, 1]),
        (lines(5, MIB - 1), [5]),
        (lines(6, MIB - 1), [5, 1]),
        ([*lines(5, MIB - 11), *lines(1, 50)], [5, 1]),
        (lines(500, 10_000, "\u00e9" * 256), [498, 2]),
        (lines(2, MIB - 768, "\u20ac" * 256), [2]),
    ],
    ids=[
        "501 records",
        "5 MiB",
        "above 5 MiB",
        "a byte above 5 MiB",
        "keys of two bytes per character",
        "longest keys",
    ],
)
def test_calls_keep_the_limits_of_put_records(sent: list[Line], calls: list[int]) -> None:
    kinesis = aws.Kinesis()
    assert send(Kinesis(kinesis.client, "output"), sent) == []
    assert kinesis.calls == calls
    assert [data for _, data in kinesis.accepted] == [line.data for line in sent]


@pytest.mark.parametrize(
    ("sent", "calls"),
    [
        (lines(501, key=""), [500, 1]),
        (lines(8, MIB // 2, ""), [8]),
        (lines(9, MIB // 2, ""), [8, 1]),
    ],
    ids=["501 records", "4 MiB", "above 4 MiB"],
)
def test_calls_keep_the_limits_of_put_record_batch(sent: list[Line], calls: list[int]) -> None:
    firehose = aws.Firehose()
    assert send(Firehose(firehose.client, "rejected"), sent) == []
    assert firehose.calls == calls
    assert firehose.accepted == [line.data for line in sent]


def scored(model: synthetic.Model, *data: bytes) -> Batch:
    return Scorer(model).score(synthetic.kinesis(data), synthetic.NOW)


@pytest.mark.parametrize(
    ("record_id", "key"),
    [
        ("", "-"),
        ("i" * 300, "i" * 256),
        ("\U0001f600" * 300, "\U0001f600" * 128),
        ("i" + "\U0001f600" * 300, "i" + "\U0001f600" * 127),
        ("\u00e9" * 300, "\u00e9" * 256),
        (17, "17"),
        ("i", "i"),
    ],
    ids=["empty", "long", "two code units", "no half characters", "two bytes", "integer", "short"],
)
def test_partition_keys_are_those_kinesis_accepts(
    model: synthetic.Model, record_id: str | int, key: str
) -> None:
    kinesis = aws.Kinesis()
    batch = scored(model, synthetic.ride(record_id))
    assert send(Kinesis(kinesis.client, "output"), batch.scored) == []
    assert [(sent, json.loads(data)["ride_id"]) for sent, data in kinesis.accepted] == [(key, record_id)]


@pytest.mark.parametrize("over", [0, 1])
def test_an_event_fits_the_stream_with_its_key_to_the_byte(model: synthetic.Model, over: int) -> None:
    record_id = "\u00e9" * 300
    (line,) = scored(model, synthetic.ride(record_id, note="")).scored
    note = "x" * (MIB - len(line.data) - len(line.key.encode()) + over)
    batch = scored(model, synthetic.ride(record_id, note=note))
    assert (len(batch.scored), dict(batch.reasons)) == ((0, {"too_large": 1}) if over else (1, {}))
    kinesis = aws.Kinesis()
    assert send(Kinesis(kinesis.client, "output"), batch.scored) == []
    assert all(len(key.encode()) + len(data) == MIB for key, data in kinesis.accepted)
    firehose = aws.Firehose()
    assert send(Firehose(firehose.client, "rejected"), batch.rejected) == []


def test_a_permanent_error_of_a_call_is_raised() -> None:
    too_large = [Line("1", "k", b"x" * MIB)]
    with pytest.raises(ClientError, match="InvalidArgument"):
        send(Kinesis(aws.Kinesis().client, "output"), too_large)
    with pytest.raises(ClientError, match="InvalidArgument"):
        send(Firehose(aws.Firehose().client, "rejected"), too_large)


@pytest.fixture
def hanging() -> Iterator[str]:
    """Return the address of a server that accepts connections and never responds."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_a_call_that_hangs_ends_within_its_senders_seconds(hanging: str) -> None:
    config = _ONCE.merge(Config(connect_timeout=0.4, read_timeout=0.2))
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x", "region_name": "eu-west-1"}
    kinesis = Kinesis(boto3.client("kinesis", endpoint_url=hanging, config=config, **keys), "output")
    firehose = Firehose(boto3.client("firehose", endpoint_url=hanging, config=config, **keys), "rejected")
    for sender in (kinesis, firehose):
        assert sender.seconds == pytest.approx(0.6)
        started = time.monotonic()
        with pytest.raises(ReadTimeoutError):
            sender(lines(1))
        assert time.monotonic() - started < 5
        clock = synthetic.Clock(0.6)
        assert publish(sender, lines(1), clock.remaining, clock.pause) == lines(1)
        assert clock.pauses == []
