"""Record that Lambda sends to an on-failure destination for discarded stream records.

Field by field as real AWS wrote it; see "Retain discarded batch records" in the Lambda Developer
Guide. Standard library only: the embedded AWS runs it.
"""

import json
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from local.event_source import Condition, Failed


def document(failed: Failed, stream_arn: str, function_arn: str, moment: float) -> dict[str, Any]:
    """Return the record as a queue or a topic receives it; `moment` is in seconds since 1970."""
    first, last = failed.records[0], failed.records[-1]
    record: dict[str, Any] = {
        "requestContext": {
            "requestId": str(uuid.uuid4()),
            "functionArn": function_arn,
            "condition": failed.condition.value,
            "approximateInvokeCount": failed.invocations,
        },
        "version": "1.0",
        "timestamp": _stamp(moment),
        "KinesisBatchInfo": {
            "shardId": failed.shard_id,
            "startSequenceNumber": first.sequence_number,
            "endSequenceNumber": last.sequence_number,
            "approximateArrivalOfFirstRecord": _stamp(first.arrived_at),
            "approximateArrivalOfLastRecord": _stamp(last.arrived_at),
            "batchSize": len(failed.records),
            "streamArn": stream_arn,
        },
    }
    # Expired records have no response, whether or not the function was called before.
    if failed.condition is not Condition.AGE:
        error = "Unhandled" if failed.function_error else None
        record["responseContext"] = {"statusCode": 200, "executedVersion": "$LATEST", "functionError": error}
    return record


def with_payload(
    failed: Failed, stream_arn: str, function_arn: str, mapping_id: str, event: Any
) -> tuple[str, dict[str, Any]]:
    """Return key and record for a bucket, which also receives the function's event."""
    moment = time.time()
    record = document(failed, stream_arn, function_arn, moment) | {"payload": json.dumps(event)}
    day = time.strftime("%Y/%m/%d/%Y-%m-%dT%H.%M.%S", time.gmtime(moment))
    return f"aws/lambda/{mapping_id}/{failed.shard_id}/{day}-{uuid.uuid4()}", record


def _stamp(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
