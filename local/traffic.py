"""Test traffic for a deployed stack: put records, await results, run the monitor.

Clients are passed in: the embedded AWS, LocalStack or a real account.
"""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec
from botocore.config import Config

from contract import events
from contract.lake import LakeReader
from contract.timestamps import timestamp
from lambda_monitor.alerts import payload

if TYPE_CHECKING:
    from mypy_boto3_firehose import FirehoseClient
    from mypy_boto3_kinesis import KinesisClient
    from mypy_boto3_kinesis.type_defs import PutRecordsRequestEntryTypeDef
    from mypy_boto3_lambda import LambdaClient
    from mypy_boto3_sns import SNSClient
    from mypy_boto3_sqs import SQSClient

Seen = TypeVar("Seen")
Advance = Callable[[int], None]

PUT_LIMIT = 500
# Bytes of one call of PutRecords, keys included.
PUT_BYTES = 5 << 20
POLL_SECONDS = 0.25
# A monitoring run may last 15 minutes; a repeated call would start a second one.
INVOKING = Config(read_timeout=900, retries={"total_max_attempts": 1})


class NotSeenError(TimeoutError):
    """An awaited condition was not met before the deadline."""


def wait_for(what: str, probe: Callable[[], Seen | None], *, seconds: float) -> Seen:
    """Return the first result of `probe` that isn't None. Raises NotSeenError after `seconds`."""
    deadline = time.monotonic() + seconds
    while (result := probe()) is None:
        if time.monotonic() > deadline:
            raise NotSeenError(f"{what}: not seen within {seconds:g} s")
        time.sleep(POLL_SECONDS)
    return result


def put_records(
    kinesis: "KinesisClient",
    stream: str,
    records: Sequence[bytes],
    *,
    advance: Advance = lambda _: None,
    seconds: float = 60,
) -> None:
    """Put every record, retrying refused ones. Raises NotSeenError after `seconds`."""
    waiting: list[PutRecordsRequestEntryTypeDef] = [
        {"Data": data, "PartitionKey": str(number)} for number, data in enumerate(records)
    ]

    sizes = {str(number): len(data) + len(str(number)) for number, data in enumerate(records)}

    def put_some() -> bool | None:
        nonlocal waiting
        size = _fitting(sizes[entry["PartitionKey"]] for entry in waiting[:PUT_LIMIT])
        batch, rest = waiting[:size], waiting[size:]
        answer = kinesis.put_records(StreamName=stream, Records=batch)["Records"] if batch else []
        refused = [entry for entry, result in zip(batch, answer, strict=True) if "ErrorCode" in result]
        advance(len(batch) - len(refused))
        waiting = refused + rest
        return None if waiting else True

    deadline = time.monotonic() + seconds
    while put_some() is None:
        if time.monotonic() > deadline:
            raise NotSeenError(f"{stream} refused {len(waiting)} records for {seconds:g} s")


def _fitting(sizes: Iterable[int]) -> int:
    """Return how many entries of these sizes fit into one call, at least one."""
    total = fitting = 0
    for size in sizes:
        total += size
        if fitting and total > PUT_BYTES:
            break
        fitting += 1
    return fitting


def wait_landed(
    reader: LakeReader,
    id_field: str,
    ids: set[str],
    start: datetime,
    *,
    advance: Advance = lambda _: None,
    seconds: float,
) -> dict[str, dict[str, Any]]:
    """Wait until all `ids` are in the lake; return their events by id.

    Reads objects since `start`; of duplicates the first is kept. Raises NotSeenError after `seconds`
    with the number of missing records.
    """
    landed: dict[str, dict[str, Any]] = {}

    def all_landed() -> bool | None:
        before = len(landed)
        for line in reader.new_lines(start, now()):
            event = json.loads(line)
            # A shadow's rejections are among its events and have no id.
            if (key := str(event.get(id_field))) in ids:
                landed.setdefault(key, event)
        advance(len(landed) - before)
        return True if len(landed) == len(ids) else None

    try:
        wait_for("every record in the lake", all_landed, seconds=seconds)
    except NotSeenError as error:
        missing = sorted(ids - set(landed))
        raise NotSeenError(f"{len(missing)} of {len(ids)} records are missing, e.g. {missing[:3]}") from error
    return landed


def monitor(client: "LambdaClient", function: str, start: datetime, end: datetime) -> dict[str, Any]:
    """Run the monitor on [start, end); return its summary. Raises RuntimeError if it fails."""
    window = {"start": timestamp(start), "end": timestamp(end)}
    answer = client.invoke(FunctionName=function, Payload=json.dumps(window).encode())
    body = answer["Payload"].read()
    if "FunctionError" in answer:
        raise RuntimeError(f"{function} failed: {body.decode(errors='replace')}")
    summary: dict[str, Any] = json.loads(body)
    return summary


def put_labels(
    firehose: "FirehoseClient",
    stream: str,
    reader: LakeReader,
    labels: Sequence[bytes],
    *,
    seconds: float,
) -> None:
    """Put ground truth lines and wait until all are stored. Raises NotSeenError."""
    start, waiting = now(), set(labels)
    for first in range(0, len(labels), PUT_LIMIT):
        batch: Any = [{"Data": line} for line in labels[first : first + PUT_LIMIT]]
        answer = firehose.put_record_batch(DeliveryStreamName=stream, Records=batch)
        if answer["FailedPutCount"]:
            raise NotSeenError(f"{stream} refused {answer['FailedPutCount']} labels")

    def landed() -> bool | None:
        waiting.difference_update(line + events.NEWLINE for line in reader.new_lines(start, now()))
        return None if waiting else True

    wait_for("every label in the lake", landed, seconds=seconds)


class Subscriber:
    """An SQS queue subscribed to the alert topic."""

    def __init__(self, sqs: "SQSClient", sns: "SNSClient", topic: str, name: str) -> None:
        self._sqs, self._sns = sqs, sns
        self._queue = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])["Attributes"][
            "QueueArn"
        ]
        policy = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {"Service": "sns.amazonaws.com"},
                    "Action": "sqs:SendMessage",
                    "Resource": arn,
                    "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
                }
            ],
        }
        sqs.set_queue_attributes(QueueUrl=self._queue, Attributes={"Policy": json.dumps(policy)})
        self._subscription = sns.subscribe(
            TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True
        )["SubscriptionArn"]

    def messages(self) -> list[dict[str, str]]:
        """Receive and delete the queued notifications, each with Subject and Message, the mail's text."""
        found = self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages", [])
        for message in found:
            self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        return [_as_mail(msgspec.json.decode(message["Body"], type=dict[str, Any])) for message in found]

    def close(self) -> None:
        """Remove the subscription and the queue."""
        self._sns.unsubscribe(SubscriptionArn=self._subscription)
        self._sqs.delete_queue(QueueUrl=self._queue)


def _as_mail(notification: dict[str, Any]) -> dict[str, Any]:
    published = payload.read(notification["Message"])
    return notification if published is None else {**notification, "Message": published.text}


def now() -> datetime:
    """Return the current time in UTC, timezone-aware."""
    return datetime.now(UTC)
