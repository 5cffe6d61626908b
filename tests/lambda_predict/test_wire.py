"""PutRecords by msgspec: same requests and responses as botocore's."""

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.parsers import ResponseParserError
from hypothesis import given, settings
from hypothesis import strategies as st
from moto import mock_aws

from lambda_predict import wire
from lambda_predict.publish import Kinesis
from lambda_predict.score import Line
from tests.lambda_predict import synthetic

ONCE = Config(retries={"total_max_attempts": 1}, parameter_validation=False)
TAKEN = {"SequenceNumber": "1", "ShardId": "shardId-000000000000"}
REFUSED = {"ErrorCode": "ProvisionedThroughputExceededException", "ErrorMessage": "slow down"}


def answering(body: Any, status: int = 200, asked: list[Any] | None = None, config: Config = ONCE) -> Any:
    """Return a client that receives `body`, and keeps requests in `asked`."""
    client = boto3.client("kinesis", "eu-west-1", config=config)

    def answer(request: Any, **_: Any) -> Any:
        if asked is not None:
            asked.append(request)
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        return synthetic.answer(request, status, data)

    client.meta.events.register("before-send.kinesis", answer)
    return client


def lines(count: int) -> list[Line]:
    return [Line(str(n), f"k{n}", b"%d\xff\n" % n) for n in range(count)]


def accepted(count: int) -> dict[str, Any]:
    return {"FailedRecordCount": 0, "Records": [TAKEN] * count}


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.text(min_size=1, max_size=9), st.binary(max_size=50)), min_size=1, max_size=9))
def test_the_request_equals_botocores(entries: list[tuple[str, bytes]]) -> None:
    asked: list[Any] = []
    for change in (wire.shorten, lambda _: None):
        client = answering(accepted(len(entries)), asked=asked)
        change(client)
        records: Any = [{"Data": data, "PartitionKey": key} for key, data in entries]
        client.put_records(StreamName="output", Records=records)
    ours, theirs = asked
    assert json.loads(ours.body) == json.loads(theirs.body)
    assert ours.url == theirs.url
    assert ours.headers["X-Amz-Target"] == theirs.headers["X-Amz-Target"]
    assert ours.headers["Content-Type"] == theirs.headers["Content-Type"]
    assert int(ours.headers["Content-Length"]) == len(ours.body)


def test_a_client_with_parameter_validation_works() -> None:
    asked: list[Any] = []
    sender = Kinesis(answering(accepted(3), asked=asked, config=Config()), "output")
    assert sender(lines(3)) == [True] * 3
    assert len(json.loads(asked[0].body)["Records"]) == 3


def test_failed_entries_are_matched_by_position() -> None:
    answer = {"FailedRecordCount": 2, "Records": [REFUSED, TAKEN, REFUSED]}
    assert Kinesis(answering(answer), "output")(lines(3)) == [False, True, False]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (
            {"__type": "ProvisionedThroughputExceededException", "message": "slow"},
            400,
            "ProvisionedThroughput",
        ),
        ({"__type": "AccessDeniedException", "Message": "no"}, 400, "AccessDenied"),
        ({}, 503, "503"),
    ],
)
def test_errors_are_raised_by_botocore(body: Any, status: int, code: str) -> None:
    with pytest.raises(ClientError, match=code):
        Kinesis(answering(body, status), "output")(lines(2))


@pytest.mark.parametrize("body", [b"<html>proxy</html>", b"{", b'"text"'])
def test_a_malformed_response_is_never_a_success(body: bytes) -> None:
    failure: tuple[type[Exception], ...] = (ResponseParserError, AttributeError, KeyError)
    with pytest.raises(failure):
        Kinesis(answering(body), "output")(lines(2))


def test_records_arrive_byte_for_byte() -> None:
    with mock_aws():
        client = boto3.client("kinesis", "eu-west-1", config=ONCE)
        client.create_stream(StreamName="output", ShardCount=1)
        assert Kinesis(client, "output")(lines(700)[:500]) == [True] * 500
        iterator = client.get_shard_iterator(
            StreamName="output", ShardId="shardId-000000000000", ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        found = client.get_records(ShardIterator=iterator, Limit=1000)["Records"]
    assert [(r["PartitionKey"], r["Data"]) for r in found] == [(line.key, line.data) for line in lines(500)]


def test_a_client_of_another_protocol_is_unchanged(monkeypatch: pytest.MonkeyPatch) -> None:
    client = boto3.client("kinesis", "eu-west-1")
    model = client.meta.service_model
    monkeypatch.setitem(vars(model), "resolved_protocol", "smithy-rpc-v2-cbor")
    assert model.resolved_protocol == "smithy-rpc-v2-cbor"
    registered: list[str] = []
    record: Callable[..., None] = lambda name, _: registered.append(name)  # noqa: E731
    monkeypatch.setattr(client.meta.events, "register", record)
    wire.shorten(client)
    assert registered == []
