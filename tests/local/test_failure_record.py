import json
import re
from datetime import datetime

import pytest

from local.event_source import Condition, Failed, Record
from local.failure_record import document, with_payload

STREAM, FUNCTION = "arn:aws:kinesis:eu-west-1:0:stream/in", "arn:aws:lambda:eu-west-1:0:function:predict"
RECORDS = [Record("49", "k", b"a", 1_763_600_000.25), Record("50", "k", b"b", 1_763_600_001.0)]


@pytest.mark.parametrize(("raised", "error"), [(True, "Unhandled"), (False, None)])
def test_a_reported_failure_is_no_function_error(raised: bool, error: str | None) -> None:
    failed = Failed("shard", RECORDS, Condition.RETRIES, 4, raised)
    record = document(failed, STREAM, FUNCTION, 1_763_600_100.5)
    assert record["responseContext"]["functionError"] == error
    assert record["requestContext"]["approximateInvokeCount"] == 4


def test_expired_records_have_no_response() -> None:
    record = document(Failed("shard", RECORDS, Condition.AGE, 1), STREAM, FUNCTION, 0.0)
    assert "responseContext" not in record
    assert record["requestContext"]["condition"] == "RecordAgeExceeded"


def test_times_have_milliseconds() -> None:
    record = document(Failed("shard", RECORDS, Condition.AGE, 1), STREAM, FUNCTION, 1_763_600_100.5)
    assert record["timestamp"] == "2025-11-20T00:55:00.500Z"
    assert record["KinesisBatchInfo"]["approximateArrivalOfFirstRecord"] == "2025-11-20T00:53:20.250Z"


def test_the_object_is_named_by_the_time_of_its_record() -> None:
    failed = Failed("shardId-0", RECORDS, Condition.RETRIES, 2, function_error=True)
    key, record = with_payload(failed, STREAM, FUNCTION, "mapping", {"Records": []})
    moment = datetime.fromisoformat(record["timestamp"])
    expected = f"aws/lambda/mapping/shardId-0/{moment:%Y/%m/%d}/{moment:%Y-%m-%dT%H.%M.%S}-"
    assert key.startswith(expected)
    assert re.fullmatch(r"[0-9a-f-]{36}", key.removeprefix(expected))
    assert json.loads(record["payload"]) == {"Records": []}
