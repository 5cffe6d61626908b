"""Uploaded checks: numbered, kept, conditional."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from contract import checks
from contract.checks import UploadError

MODEL = "scorewatch-green-taxi"
FIRST, SECOND = b'{"seasonality": "count"}', b'{"checks": {}}'


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3")
        client.create_bucket(Bucket="artifacts")
        yield client


def upload(s3: Any, data: bytes | None) -> int:
    return checks.upload(s3, "artifacts", MODEL, data, "2026-03-02T12:00:00.000Z").version


def body(s3: Any, key: str) -> bytes:
    return s3.get_object(Bucket="artifacts", Key=f"models/{MODEL}/{key}")["Body"].read()


def test_there_is_no_upload_at_first(s3: Any) -> None:
    assert checks.current(s3, "artifacts", MODEL) is None


def test_uploads_are_numbered_and_the_earlier_ones_are_kept(s3: Any) -> None:
    assert [upload(s3, data) for data in (FIRST, SECOND, None)] == [1, 2, 3]

    current = checks.current(s3, "artifacts", MODEL)
    assert current is not None
    assert (current.version, current.configuration) == (3, None)
    assert b"count" in body(s3, "checks/1.json")
    assert body(s3, "checks/3.json") == body(s3, "checks.json")


def test_the_digest_is_that_of_the_content_whatever_its_layout(s3: Any) -> None:
    upload(s3, FIRST)

    current = checks.current(s3, "artifacts", MODEL)
    assert current is not None
    stored = current.configuration or b""
    assert stored != FIRST
    assert checks.digest(stored) == checks.digest(FIRST) != checks.digest(SECOND)


@pytest.mark.parametrize("lost", ["checks/2.json", "checks.json"])
def test_of_two_uploads_at_once_the_second_is_refused(
    s3: Any, monkeypatch: pytest.MonkeyPatch, lost: str
) -> None:
    upload(s3, FIRST)
    put = checks.conditional.put

    def overtaken(client: Any, bucket: str, key: str, data: bytes, **how: Any) -> str:
        if key.endswith(f"{MODEL}/{lost}"):
            client.put_object(Bucket=bucket, Key=key, Body=b'{"version": 2, "uploaded_at": "by another"}')
        return put(client, bucket, key, data, **how)

    monkeypatch.setattr(checks.conditional, "put", overtaken)
    with pytest.raises(UploadError, match="at the same time: repeat"):
        upload(s3, SECOND)
    monkeypatch.undo()

    assert b"by another" in body(s3, lost)
    assert upload(s3, SECOND) == 3


def test_an_unreadable_upload_is_named(s3: Any) -> None:
    s3.put_object(Bucket="artifacts", Key=f"models/{MODEL}/checks.json", Body=b"{")

    with pytest.raises(UploadError, match=r"s3://artifacts/models/.*/checks.json can't be read"):
        checks.current(s3, "artifacts", MODEL)
