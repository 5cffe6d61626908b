"""Conditional writes against every error code that AWS documents or answered in the recordings."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse, HTTPHeaders
from botocore.exceptions import ClientError
from botocore.parsers import create_parser
from moto import mock_aws

from contract import bundle, conditional, store
from contract.bundle import BundleError
from contract.conditional import ConflictError, StoredObject
from lambda_monitor.alerts import outbox, state
from lambda_monitor.alerts.state import Store, Verdict
from lambda_monitor.findings import Status
from lambda_monitor.lake.cache import LEASE, Lease
from lambda_monitor.reports import index
from lambda_monitor.run import Run

BUCKET, KEY = "lake", "alerts/m/state.json"
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
RECORDING = "aws_recordings/test_s3_preconditions.snapshot.json"

# HTTP status, code and message of S3: the first as recorded, the others as its API reference has them.
FAILED = (412, "PreconditionFailed", "At least one of the pre-conditions you specified did not hold")
CONFLICT = (
    409,
    "ConditionalRequestConflict",
    "The conditional request cannot succeed due to a conflicting operation against this resource.",
)
NO_KEY = (404, "NoSuchKey", "The specified key does not exist.")
NO_BUCKET = (404, "NoSuchBucket", "The specified bucket does not exist")
DENIED = (403, "AccessDenied", "Access Denied")
Answer = tuple[int, str, str]


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        yield client


class Refusals:
    """Answers the next `times` calls of one operation with an S3 error, parsed by botocore from its XML."""

    def __init__(self, client: Any, answer: Answer, times: int = 1, operation: str = "PutObject") -> None:
        self.answer, self.left, self.calls = answer, times, 0
        client.meta.events.register(f"before-call.s3.{operation}", self)

    def __call__(self, params: Any, model: Any, **_: object) -> tuple[AWSResponse, Any] | None:
        self.calls += 1
        if not self.left:
            return None
        self.left -= 1
        status, code, message = self.answer
        body = f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>{message}</Message></Error>".encode()
        wire = {"status_code": status, "headers": {}, "body": body}
        parsed = create_parser("rest-xml").parse(wire, model.output_shape)
        return AWSResponse(params["url"], status, HTTPHeaders(), None), parsed


def test_the_shape_of_a_failed_precondition_is_the_recorded_one(real_data: Path) -> None:
    recorded = json.loads((real_data / RECORDING).read_text())
    found = {
        (answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"])
        for test in recorded.values()
        for answer in test["recorded-content"].values()
        if "Error" in answer
    }
    assert found == {FAILED}


def test_an_object_is_created_once_and_replaced_by_its_tag(s3: Any) -> None:
    assert conditional.get(s3, BUCKET, KEY) is None
    first = conditional.put(s3, BUCKET, KEY, b"1", replaces=None)
    assert conditional.get(s3, BUCKET, KEY) == StoredObject(b"1", first)
    with pytest.raises(ConflictError, match=f"s3://{BUCKET}/{KEY}: PreconditionFailed"):
        conditional.put(s3, BUCKET, KEY, b"2", replaces=None)
    second = conditional.put(s3, BUCKET, KEY, b"2", replaces=first, ContentType="text/plain")
    with pytest.raises(ConflictError):
        conditional.put(s3, BUCKET, KEY, b"3", replaces=first)
    assert conditional.get(s3, BUCKET, KEY) == StoredObject(b"2", second)
    assert s3.head_object(Bucket=BUCKET, Key=KEY)["ContentType"] == "text/plain"


@pytest.mark.parametrize("replaces", [None, '"tag"'])
@pytest.mark.parametrize("answer", [FAILED, CONFLICT, NO_KEY], ids=lambda a: a[1])
def test_a_refused_condition_is_a_conflict(s3: Any, answer: Answer, replaces: str | None) -> None:
    Refusals(s3, answer)
    with pytest.raises(ConflictError, match=answer[1]) as raised:
        conditional.put(s3, BUCKET, KEY, b"1", replaces=replaces)
    assert isinstance(raised.value.__cause__, ClientError)


@pytest.mark.parametrize("answer", [DENIED, NO_BUCKET], ids=lambda a: a[1])
def test_other_errors_pass_through(s3: Any, answer: Answer) -> None:
    Refusals(s3, answer)
    with pytest.raises(ClientError, match=answer[1]):
        conditional.put(s3, BUCKET, KEY, b"1", replaces=None)
    Refusals(s3, answer, operation="GetObject")
    with pytest.raises(ClientError, match=answer[1]):
        conditional.get(s3, BUCKET, KEY)


def run(name: str = "a", now: datetime = NOON) -> Run:
    return Run(id=name, now=now, deadline=now + timedelta(minutes=15))


ONCE = [FAILED, CONFLICT, NO_KEY]


@pytest.mark.parametrize("answer", ONCE, ids=lambda a: a[1])
def test_the_alert_state_is_read_again_after_a_conflict(s3: Any, answer: Answer) -> None:
    place = Store(s3, BUCKET, KEY)
    refusals = Refusals(s3, answer)
    verdict = Verdict(status=Status.ALERT, window_end=NOON, failing=["drift"])
    sent: list[state.Message] = []

    outbox.update(place, verdict, run(), timedelta(hours=24), compose=_message, publish=sent.append)

    assert [message.alert_id for message in sent] == ["1"]
    assert refusals.calls == 3  # refused, written, message taken out of the outbox
    found, _ = place.load()
    assert found is not None
    assert (found.status, found.outbox) == (Status.ALERT, [])


def _message(kind: state.Kind, _: object) -> state.Message:
    return state.Message(alert_id="1", kind=kind, subject="", text="", attributes={})


def test_the_alert_state_gives_up_after_bounded_attempts(s3: Any) -> None:
    refusals = Refusals(s3, CONFLICT, times=1_000)
    verdict = Verdict(status=Status.ALERT, window_end=NOON, failing=["drift"])
    with pytest.raises(ConflictError, match="20 times in a row"):
        outbox.update(
            Store(s3, BUCKET, KEY), verdict, run(), timedelta(hours=24), compose=_message, publish=print
        )
    assert refusals.calls == 20


@pytest.mark.parametrize("answer", ONCE, ids=lambda a: a[1])
def test_the_report_index_is_written_again_after_a_conflict(s3: Any, answer: Answer) -> None:
    index.update(s3, BUCKET)
    refusals = Refusals(s3, answer)
    assert index.update(s3, BUCKET) == 0
    assert refusals.calls == 2


def test_the_report_index_gives_up_after_bounded_attempts(s3: Any) -> None:
    refusals = Refusals(s3, CONFLICT, times=1_000)
    with pytest.raises(RuntimeError, match="20 times in a row"):
        index.update(s3, BUCKET)
    assert refusals.calls == 20


@pytest.mark.parametrize("answer", ONCE, ids=lambda a: a[1])
def test_a_lease_that_meets_a_conflict_is_not_taken(s3: Any, answer: Answer) -> None:
    Refusals(s3, answer)
    assert not Lease(s3, BUCKET, "p/", run()).take()
    assert Lease(s3, BUCKET, "p/", run("b")).take()


@pytest.mark.parametrize("answer", ONCE, ids=lambda a: a[1])
def test_a_lease_ends_without_an_error_when_its_object_was_replaced(s3: Any, answer: Answer) -> None:
    held = Lease(s3, BUCKET, "p/", run())
    assert held.take()
    Refusals(s3, answer)
    held.end()
    assert s3.get_object(Bucket=BUCKET, Key=f"p/{LEASE}")["Body"].read()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for file in bundle.FILES:
        (tmp_path / file).write_bytes(file.encode())
    bundle.write_manifest(tmp_path, "m", "3")
    return tmp_path


@pytest.mark.parametrize("answer", [CONFLICT, FAILED], ids=lambda a: a[1])
def test_an_upload_is_repeated_while_another_is_under_way(s3: Any, folder: Path, answer: Answer) -> None:
    refusals, pauses = Refusals(s3, answer, times=3), []
    store.upload(s3, BUCKET, folder, pauses.append)
    assert (refusals.calls, len(pauses)) == (len(bundle.FILES) + 1 + 3, 3)
    assert store.manifest(s3, BUCKET, "m", "3").version == "3"


def test_an_upload_gives_up_after_bounded_attempts(s3: Any, folder: Path) -> None:
    refusals, pauses = Refusals(s3, CONFLICT, times=1_000), []
    with pytest.raises(BundleError, match="is being written by another upload"):
        store.upload(s3, BUCKET, folder, pauses.append)
    assert refusals.calls == 20
    assert len(pauses) == 19  # none after the last attempt
    assert sum(pauses) < 5


def test_an_upload_accepts_its_own_content_written_by_another(s3: Any, folder: Path) -> None:
    first = f"models/m/3/{bundle.FILES[0]}"
    s3.put_object(Bucket=BUCKET, Key=first, Body=(folder / bundle.FILES[0]).read_bytes())
    Refusals(s3, CONFLICT)
    store.upload(s3, BUCKET, folder, pytest.fail)
    assert store.manifest(s3, BUCKET, "m", "3").version == "3"


def test_an_upload_that_is_denied_is_not_repeated(s3: Any, folder: Path) -> None:
    refusals = Refusals(s3, DENIED, times=1_000)
    with pytest.raises(ClientError, match="AccessDenied"):
        store.upload(s3, BUCKET, folder, pytest.fail)
    assert refusals.calls == 1
