"""Scoring over HTTP: answers, identities, faults."""

import base64
import functools
import gzip
import json
from collections.abc import Mapping, Sequence
from typing import Any

import boto3
import msgspec
import pytest
from moto import mock_aws

from lambda_monitor.lake import events
from lambda_monitor.lake.objects import list_objects
from lambda_predict import handler as stream
from lambda_predict import http, identity
from lambda_predict.publish import Firehose, publish
from lambda_predict.score import Scorer
from lambda_predict.settings import Settings
from tests.lambda_predict import aws, synthetic


class Stack:
    """The handler on fake streams, with the settings of a test."""

    def __init__(self, patch: pytest.MonkeyPatch, model: synthetic.Model) -> None:
        self.output, self.rejected = synthetic.Sink(), synthetic.Sink()
        self.identity = identity.Identity.REQUEST
        self.namespace = "Scorewatch"
        scorer = Scorer(model)
        patch.setattr(stream, "start", lambda: (self.settings, scorer, self.output, self.rejected))

    @property
    def settings(self) -> Settings:
        return msgspec.structs.replace(
            synthetic.SETTINGS, http_identity=self.identity, metrics_namespace=self.namespace
        )

    def ask(
        self,
        body: bytes,
        method: str = "POST",
        path: str = "/predict",
        headers: Mapping[str, str] = {},
        request_id: str = "request-1",
    ) -> tuple[int, Any]:
        event = {
            "rawPath": path,
            "requestContext": {"requestId": request_id, "http": {"method": method}},
            "headers": {"host": "id.lambda-url.eu-west-1.on.aws", **headers},
            "body": base64.b64encode(body).decode(),
            "isBase64Encoded": True,
        }
        answer = http.handler(event, synthetic.Context(2.1))
        return answer["statusCode"], json.loads(answer["body"])


@pytest.fixture
def stack(monkeypatch: pytest.MonkeyPatch, model: synthetic.Model) -> Stack:
    return Stack(monkeypatch, model)


def test_the_prediction_is_returned_and_published(stack: Stack) -> None:
    status, body = stack.ask(synthetic.ride("XYZ10"))
    assert status == 200
    assert list(body) == ["prediction", "ride_id", "model"]
    (line,) = stack.output.lines
    event = json.loads(line)
    assert (event["ride_id"], event["prediction"]) == ("XYZ10", body["prediction"])
    assert (event["record"]["shard"], event["record"]["sequence_number"]) == ("http", "request-1")


def test_a_bad_record_is_rejected_with_its_reason_and_kept(stack: Stack) -> None:
    status, body = stack.ask(synthetic.ride(trip_distance="far"))
    assert status == 400
    assert (body["reason"], body["field"]) == ("wrong_type", "ride.trip_distance")
    assert [json.loads(line)["reason"] for line in stack.rejected.lines] == ["wrong_type"]
    assert stack.output.lines == []


@pytest.mark.parametrize("extra", ['"\\ud800"', "1e999", "1" * 5000])
def test_a_record_that_lake_readers_cannot_parse_is_rejected(stack: Stack, extra: str) -> None:
    assert stack.ask(synthetic.ride()[:-2] + f', "x": {extra}}}}}'.encode())[0] == 400
    assert len(stack.rejected.lines) == 1


def test_a_body_with_a_lone_surrogate_is_rejected_and_kept(stack: Stack) -> None:
    event = {
        "rawPath": "/predict",
        "requestContext": {"requestId": "request-1", "http": {"method": "POST"}},
        "body": '{"ride_id": "\ud800"}',
    }
    answer = http.handler(event, synthetic.Context(2.1))
    assert (answer["statusCode"], json.loads(answer["body"])["reason"]) == (400, "not_utf8")
    assert len(stack.rejected.lines) == 1


def test_a_record_above_the_streams_limit_is_rejected_and_kept(stack: Stack) -> None:
    status, body = stack.ask(synthetic.ride("x" * 1_100_000))
    assert (status, body["reason"]) == (413, "too_large")
    parts = [json.loads(line) for line in stack.rejected.lines]
    assert b"".join(base64.b64decode(part["data"]) for part in parts) == synthetic.ride("x" * 1_100_000)
    assert stack.output.lines == []


@pytest.mark.parametrize(("method", "path", "status"), [("GET", "/predict", 405), ("POST", "/", 404)])
def test_other_methods_and_paths_are_rejected(stack: Stack, method: str, path: str, status: int) -> None:
    assert stack.ask(synthetic.ride(), method, path)[0] == status
    assert stack.output.lines == []


def test_a_prediction_that_was_not_published_is_not_returned(stack: Stack) -> None:
    stack.output = synthetic.Sink(lambda lines: [False] * len(lines))
    status, body = stack.ask(synthetic.ride())
    assert status == 503
    assert "prediction" not in body


HEADER = identity.HEADER


def lake(lines: Sequence[bytes]) -> Any:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="lake")
    s3.put_object(Bucket="lake", Key="a.gz", Body=gzip.compress(b"".join(lines)))
    return s3


def post(stack: Stack, body: bytes, key: str | None = None, request_id: str = "request-1") -> tuple[int, Any]:
    return stack.ask(body, headers={} if key is None else {HEADER.lower(): key}, request_id=request_id)


@pytest.mark.parametrize(
    "key", ["8e03978e-40d5-43e8-bc93-6894a57f9324", '"8e03978e"', "k" * 128, "a:b/c=", "1"]
)
def test_a_repeated_idempotency_key_is_one_record(stack: Stack, key: str) -> None:
    for attempt in ("request-1", "request-2"):
        assert post(stack, synthetic.ride("XYZ10"), key, attempt)[0] == 200
    assert stack.output.references() == {("http", f"key:{key.strip(chr(34))}"): 2}


def test_different_idempotency_keys_are_different_records(stack: Stack) -> None:
    for key in ("a", "b"):
        post(stack, synthetic.ride("XYZ10"), key)
    assert set(stack.output.references().values()) == {1}


@mock_aws
def test_a_reader_counts_a_repeated_request_once(stack: Stack) -> None:
    for attempt in range(3):
        post(stack, synthetic.ride("XYZ10"), "once", f"request-{attempt}")
    post(stack, synthetic.ride("XYZ10"), "twice")
    s3, contract = lake(stack.output.lines), synthetic.contract()
    errors = events.ReadErrors()
    tables = list(events.read(s3, "lake", list_objects(s3, "lake", ""), contract, errors))
    assert sum(map(len, tables)) == 4
    seen = events.Deduplicator()
    assert sum(len(seen.drop(table)) for table in tables) == 2


@pytest.mark.parametrize(
    "key", ["", " ", "k" * 129, "a b", "ключ", 'a"b', "a\\b", "a\nb", '"a', "a\x7f", '""']
)
def test_an_invalid_idempotency_key_is_rejected(stack: Stack, key: str) -> None:
    status, body = post(stack, synthetic.ride(), key)
    assert (status, list(body)) == (400, ["message"])
    assert "Idempotency-Key is invalid" in body["message"]
    assert "neither scored nor kept" in body["message"]
    assert stack.output.lines == stack.rejected.lines == []


def test_without_a_key_each_request_is_a_record(stack: Stack) -> None:
    for attempt in ("request-1", "request-2"):
        post(stack, synthetic.ride("XYZ10"), request_id=attempt)
    assert stack.output.references() == {("http", "request-1"): 1, ("http", "request-2"): 1}


def test_the_record_id_identifies_a_request_if_so_set(stack: Stack) -> None:
    stack.identity = identity.Identity.RECORD_ID
    for attempt in ("request-1", "request-2"):
        post(stack, synthetic.ride("XYZ10"), request_id=attempt)
        post(stack, synthetic.ride(10), request_id=attempt)
        post(stack, synthetic.ride("XYZ10"), "key", request_id=attempt)
    assert sorted(stack.output.references().values()) == [2, 2, 2]
    assert max(len(number) for _, number in stack.output.references()) < 100


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"\xff",
        b"[" * 100_000,
        b'{"ride_id": true, "ride": {}}',
        b'{"ride_id": "\\ud800", "ride": {}}',
        b'{"ride_id": ' + b"9" * 5_000 + b"}",
        b'{"\xff": 1, "ride_id": "a"}',
        synthetic.ride("").replace(b"3.5", b'"far"'),
    ],
    ids=range(9),
)
def test_a_record_without_a_usable_id_keeps_the_request_id(stack: Stack, body: bytes) -> None:
    stack.identity = identity.Identity.RECORD_ID
    assert post(stack, body)[0] == 400
    assert stack.rejected.references() == {("http", "request-1"): 1}


def test_empty_ids_are_different_records(stack: Stack) -> None:
    stack.identity = identity.Identity.RECORD_ID
    for attempt in ("request-1", "request-2"):
        post(stack, synthetic.ride(""), request_id=attempt)
    assert set(stack.output.references().values()) == {1}


def throttle(lines: Sequence[Any]) -> list[bool]:
    return [False] * len(lines)


def deny(_: Sequence[Any]) -> list[bool]:
    raise synthetic.denied()


@pytest.mark.parametrize("fault", [throttle, deny])
def test_a_bad_record_is_answered_quickly_while_rejections_cannot_be_kept(
    stack: Stack, fault: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    clock = synthetic.Clock(58.0)
    monkeypatch.setattr(stream, "remaining", lambda _: clock.remaining)
    monkeypatch.setattr(http, "publish", functools.partial(publish, pause=clock.pause))
    stack.rejected = synthetic.Sink(fault)
    status, body = post(stack, synthetic.ride(trip_distance="far"))
    assert (status, body["reason"], body["field"]) == (400, "wrong_type", "ride.trip_distance")
    assert body["message"].endswith(
        "The record was not kept: the delivery of rejected records is not available"
    )
    assert 58.0 - clock.left <= 1.0
    *log, metric = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (metric["Rejected"], metric["Unpublished"]) == (1, 1)
    assert ["AccessDenied" in line["message"] for line in log] == ([True] if fault is deny else [])


def test_a_rejection_has_time_for_a_call_of_the_real_sender(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "remaining", lambda _: synthetic.Clock(58.0).remaining)
    stack.rejected.seconds = Firehose(aws.Firehose().client, "rejected").seconds
    assert "not kept" not in post(stack, synthetic.ride(trip_distance="far"))[1]["message"]
    assert len(stack.rejected.lines) == 1


def test_a_kept_rejection_says_nothing_of_it(stack: Stack) -> None:
    assert "kept" not in post(stack, synthetic.ride(trip_distance="far"))[1]["message"]


def test_an_unpublished_prediction_names_the_way_to_repeat(
    stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    stack.output = synthetic.Sink(throttle)
    status, body = post(stack, synthetic.ride(), "key")
    assert (status, "repeat the request with the same Idempotency-Key" in body["message"]) == (503, True)
    assert json.loads(capsys.readouterr().out)["Unpublished"] == 1


def test_metrics_are_in_the_namespace_of_the_stack(stack: Stack, capsys: pytest.CaptureFixture[str]) -> None:
    stack.namespace = "Scorewatch/dev"
    assert stack.ask(synthetic.ride())[0] == 200
    [directive] = json.loads(capsys.readouterr().out)["_aws"]["CloudWatchMetrics"]
    assert directive["Namespace"] == "Scorewatch/dev"
