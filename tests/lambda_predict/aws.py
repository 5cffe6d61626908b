"""Fakes of PutRecords and PutRecordBatch, from their API references."""

import base64
import json
from collections.abc import Callable
from typing import Any

import boto3

from lambda_predict.handler import _ONCE
from tests.lambda_predict import synthetic

MIB = 1024 * 1024
# Error code of the entry with this data, or None if it is accepted.
Fail = Callable[[bytes], str | None]


def _accepted(_: bytes) -> None:
    return None


class Kinesis:
    """PutRecords.

    500 records and 5 MiB per call, 1 MiB per record, keys of 1 to 256 UTF-16 code units included.
    """

    def __init__(self, fail: Fail = _accepted) -> None:
        self.calls: list[int] = []
        self.accepted: list[tuple[str, bytes]] = []
        self._fail = fail
        self.client: Any = boto3.client("kinesis", "eu-west-1", config=_ONCE)
        self.client.meta.events.register("before-send.kinesis.PutRecords", self._respond)

    def _respond(self, request: Any, **_: Any) -> Any:
        entries = json.loads(request.body)["Records"]
        records = [(entry["PartitionKey"], base64.b64decode(entry["Data"])) for entry in entries]
        self.calls.append(len(records))
        sizes = [len(key.encode()) + len(data) for key, data in records]
        if not 1 <= len(records) <= 500 or any(not 1 <= utf16(key) <= 256 for key, _ in records):
            return _error(request, "ValidationException")
        if max(sizes) > MIB or sum(sizes) > 5 * MIB:
            return _error(request, "InvalidArgumentException")
        found = []
        for number, (key, data) in enumerate(records):
            if (code := self._fail(data)) is None:
                self.accepted.append((key, data))
                found.append({"SequenceNumber": str(number), "ShardId": "shardId-000000000000"})
            else:
                found.append({"ErrorCode": code, "ErrorMessage": "Rate exceeded for shard"})
        failed = sum("ErrorCode" in entry for entry in found)
        body = {"FailedRecordCount": failed, "Records": found, "EncryptionType": "KMS"}
        return synthetic.answer(request, 200, json.dumps(body).encode())


class Firehose:
    """PutRecordBatch: 500 records and 4 MiB per call, 1,000 KiB per record."""

    def __init__(self, fail: Fail = _accepted) -> None:
        self.calls: list[int] = []
        self.accepted: list[bytes] = []
        self._fail = fail
        self.client: Any = boto3.client("firehose", "eu-west-1", config=_ONCE)
        self.client.meta.events.register("before-send.firehose.PutRecordBatch", self._respond)

    def _respond(self, request: Any, **_: Any) -> Any:
        records = [base64.b64decode(entry["Data"]) for entry in json.loads(request.body)["Records"]]
        self.calls.append(len(records))
        sizes = [len(data) for data in records]
        if not 1 <= len(records) <= 500 or max(sizes) > 1000 * 1024 or sum(sizes) > 4 * MIB:
            return _error(request, "InvalidArgumentException")
        found = []
        for number, data in enumerate(records):
            if (code := self._fail(data)) is None:
                self.accepted.append(data)
                found.append({"RecordId": str(number)})
            else:
                found.append({"ErrorCode": code, "ErrorMessage": "Slow down."})
        failed = sum("ErrorCode" in entry for entry in found)
        body = {"FailedPutCount": failed, "Encrypted": True, "RequestResponses": found}
        return synthetic.answer(request, 200, json.dumps(body).encode())


def utf16(text: str) -> int:
    """Return the number of UTF-16 code units, which Java calls characters."""
    return len(text.encode("utf-16-le")) // 2


def _error(request: Any, code: str) -> Any:
    body = {"__type": code, "message": "a limit is exceeded"}
    return synthetic.answer(request, 400, json.dumps(body).encode())
