"""Publish lines in few calls; send again only the failed entries."""

import random
import time
from collections.abc import Callable, Iterator, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Protocol

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as AwsConnectionError

from lambda_predict import wire
from lambda_predict.score import Line

if TYPE_CHECKING:
    from mypy_boto3_firehose import FirehoseClient
    from mypy_boto3_kinesis import KinesisClient

# Limits of one call in records and bytes: Kinesis PutRecords, Firehose PutRecordBatch.
_PUT_RECORDS = (500, 5 * 1024 * 1024)
_PUT_RECORD_BATCH = (500, 4 * 1024 * 1024)
_FIRST_PAUSE = 0.05
_LONGEST_PAUSE = 2.0
_TRANSIENT = frozenset(
    {
        "KMSThrottlingException",
        "LimitExceededException",
        "ProvisionedThroughputExceededException",
        "RequestTimeout",
        "Throttling",
        "ThrottlingException",
    }
)

Remaining = Callable[[], float]


class Sender(Protocol):
    """Sends lines in one call.

    `limits` are its records and bytes, `seconds` is the longest time it takes: its time-outs.
    """

    limits: tuple[int, int]
    seconds: float

    def __call__(self, lines: Sequence[Line]) -> list[bool]:
        """Return whether each line was accepted. Raises ClientError."""


class Kinesis:
    """Sender to a Kinesis stream."""

    limits = _PUT_RECORDS

    def __init__(self, client: "KinesisClient", stream: str) -> None:
        wire.shorten(client)
        self.seconds = _longest(client)
        self._client, self._stream = client, stream

    def __call__(self, lines: Sequence[Line]) -> list[bool]:
        """Return whether each line of one call was accepted. Raises ClientError."""
        entries: Any = [{"Data": line.data, "PartitionKey": line.key} for line in lines]
        answer = self._client.put_records(StreamName=self._stream, Records=entries)
        if not answer["FailedRecordCount"]:
            return [True] * len(lines)
        return ["ErrorCode" not in entry for entry in answer["Records"]]


class Firehose:
    """Sender to a Firehose delivery stream."""

    limits = _PUT_RECORD_BATCH

    def __init__(self, client: "FirehoseClient", stream: str) -> None:
        self.seconds = _longest(client)
        self._client, self._stream = client, stream

    def __call__(self, lines: Sequence[Line]) -> list[bool]:
        """Return whether each line of one call was accepted. Raises ClientError."""
        entries: Any = [{"Data": line.data} for line in lines]
        answer = self._client.put_record_batch(DeliveryStreamName=self._stream, Records=entries)
        return ["ErrorCode" not in entry for entry in answer["RequestResponses"]]


class Print:
    """Sender to standard output, for TEST_RUN."""

    limits = _PUT_RECORDS
    seconds = 0.0

    def __call__(self, lines: Sequence[Line]) -> list[bool]:
        """Print the lines; return True for each."""
        for line in lines:
            print(line.data.decode(), end="")  # noqa: T201 - its purpose
        return [True] * len(lines)


def publish(
    send: Sender,
    lines: Sequence[Line],
    remaining: Remaining,
    pause: Callable[[float], None] = time.sleep,
) -> list[Line]:
    """Send the lines; return those not accepted in `remaining()` seconds.

    No call starts that may outlive the time left. Transient errors (throttling, a broken
    connection) are retried with exponential backoff and jitter. Raises ClientError for permanent
    errors, such as a missing permission.
    """
    waiting, longest = list(lines), _FIRST_PAUSE
    while waiting:
        refused = [
            line for chunk in _chunks(waiting, *send.limits) for line in _refused(send, chunk, remaining)
        ]
        # Full jitter (M. Brooker, AWS Architecture Blog, "Exponential Backoff And Jitter").
        wait = random.uniform(0, longest)  # noqa: S311 - not a secret
        if not refused or remaining() - wait <= send.seconds:
            return refused
        pause(wait)
        waiting, longest = refused, min(longest * 2, _LONGEST_PAUSE)
    return []


def lowest(lines: Sequence[Line]) -> list[Line]:
    """Return the line of the lowest sequence number, if any."""
    return [min(lines, key=_order)] if lines else []


def below(left: Sequence[Line], lines: list[Line]) -> list[Line]:
    """Return the lines before the lowest of `left`.

    Lambda delivers the others again: published now, they would become duplicates.
    """
    if not left:
        return lines
    resume = min(map(_order, left))
    return [line for line in lines if _order(line) < resume]


def _longest(client: Any) -> float:
    """Return the longest time of one attempt in seconds."""
    return float(client.meta.config.connect_timeout + client.meta.config.read_timeout)


def _order(line: Line) -> int:
    return int(line.sequence_number)


def _refused(send: Sender, chunk: list[Line], remaining: Remaining) -> list[Line]:
    if remaining() <= send.seconds:
        return chunk
    try:
        return [line for line, taken in zip(chunk, send(chunk), strict=True) if not taken]
    except ClientError as error:
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if error.response["Error"]["Code"] not in _TRANSIENT and status < HTTPStatus.INTERNAL_SERVER_ERROR:
            raise
        return chunk
    except (AwsConnectionError, HTTPClientError):
        return chunk


def _chunks(lines: Sequence[Line], most: int, most_bytes: int) -> Iterator[list[Line]]:
    chunk: list[Line] = []
    size = 0
    for line in lines:
        length = len(line.data) + len(line.key.encode())
        if chunk and (len(chunk) == most or size + length > most_bytes):
            yield chunk
            chunk, size = [], 0
        chunk.append(line)
        size += length
    if chunk:
        yield chunk
