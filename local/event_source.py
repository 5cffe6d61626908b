"""Model of Lambda's event source mapping for Kinesis streams.

It drives the real handler in the fault tests, and replaces the reader of the embedded AWS. Rules
from the AWS Lambda Developer Guide:

- "Using Lambda to process records from Kinesis": records of a shard in order, one batch at a time,
  up to the batch size, the batching window or 6 MB, whichever comes first; a shard's children
  wait for their parents.
- "Configuring partial batch response with Kinesis": the lowest sequence number reported is the new
  checkpoint; nothing reported is success; a missing or unknown identifier fails the whole batch.
- "Retain discarded batch records": retries, record age, bisecting (which costs no retry), and what
  the on-failure destination receives.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

FOREVER = -1
PAYLOAD_LIMIT = 6 * 1024 * 1024
# Upper bound of the JSON around a record's data in an event, bytes.
_ENVELOPE = 700
_FIRST_BACKOFF = 0.25
_LONGEST_BACKOFF = 30.0


@dataclass(frozen=True)
class Settings:
    """Settings of the mapping; times in seconds, FOREVER is no limit."""

    batch_size: int = 100
    batching_window: float = 0.0
    maximum_retries: int = FOREVER
    maximum_age: float = FOREVER
    bisect: bool = False
    report_failures: bool = False

    @classmethod
    def of(cls, described: Mapping[str, Any]) -> "Settings":
        """Return the settings of a mapping as GetEventSourceMapping describes it."""
        return cls(
            batch_size=described.get("BatchSize", 100),
            batching_window=described.get("MaximumBatchingWindowInSeconds") or 0,
            maximum_retries=_limit(described.get("MaximumRetryAttempts")),
            maximum_age=_limit(described.get("MaximumRecordAgeInSeconds")),
            bisect=bool(described.get("BisectBatchOnFunctionError")),
            report_failures="ReportBatchItemFailures" in (described.get("FunctionResponseTypes") or []),
        )


def _limit(value: int | None) -> int:
    return FOREVER if value is None else value


@dataclass(frozen=True)
class Record:
    """Record of a shard; `arrived_at` in seconds since 1970."""

    sequence_number: str
    partition_key: str
    data: bytes
    arrived_at: float


class Shard(Protocol):
    """Shard of a stream; records are only ever added."""

    @property
    def shard_id(self) -> str:
        """Name of the shard."""

    @property
    def parents(self) -> Sequence[str]:
        """Shards to read to their end before this one."""

    @property
    def closed(self) -> bool:
        """True if no records can be added."""

    def read(self, position: int, most: int) -> Sequence[Record]:
        """Return up to `most` records from `position` on."""


class Condition(StrEnum):
    """Reason why a batch was discarded."""

    RETRIES = "RetryAttemptsExhausted"
    AGE = "RecordAgeExceeded"


@dataclass(frozen=True)
class Failed:
    """Discarded records, as sent to the on-failure destination.

    `invocations` is AWS's approximate count; `function_error` is whether the last invocation raised.
    """

    shard_id: str
    records: list[Record]
    condition: Condition
    invocations: int
    function_error: bool = False


class InvocationError(RuntimeError):
    """The function raised, timed out or failed to start."""


Invoke = Callable[[str, list[Record]], Any]
OnFailure = Callable[[Failed], None]


@dataclass
class _Attempt:
    records: list[Record]
    invocations: int = 0
    retries: int = 0


@dataclass
class _Reader:
    position: int = 0
    waiting_since: float | None = None
    attempts: deque[_Attempt] = field(default_factory=deque)
    retry_at: float = 0.0
    backoff: float = _FIRST_BACKOFF


class EventSourceMapping:
    """Reader of one stream's shards for one function.

    `invoke(shard_id, records)` returns the function's response or raises InvocationError. Any other
    error is a crash of the reader: the poll ends, no checkpoint moves.
    """

    def __init__(self, settings: Settings, invoke: Invoke, on_failure: OnFailure) -> None:
        self._settings, self._invoke, self._on_failure = settings, invoke, on_failure
        self._readers: dict[str, _Reader] = {}

    def start_at(self, shard_id: str, position: int) -> None:
        """Start a shard at `position` instead of at its first record."""
        self._readers[shard_id] = _Reader(position=position)

    def poll(self, shards: Iterable[Shard], now: float) -> bool:
        """Invoke at most once per shard; return whether any batch advanced."""
        shards = list(shards)
        there = {shard.shard_id: shard for shard in shards}
        moved = False
        for shard in shards:
            if not any(p in there and not self.drained(there[p]) for p in shard.parents):
                moved |= self._poll_shard(shard, now)
        return moved

    def drained(self, shard: Shard) -> bool:
        """Return whether a closed shard has been read to its end."""
        reader = self._readers.get(shard.shard_id, _Reader())
        return shard.closed and not reader.attempts and not shard.read(reader.position, 1)

    def _poll_shard(self, shard: Shard, now: float) -> bool:
        reader = self._readers.setdefault(shard.shard_id, _Reader())
        if now < reader.retry_at:
            return False
        if not reader.attempts and not self._take(shard, reader, now):
            return False
        self._give_up_old(shard.shard_id, reader, now)
        if not reader.attempts:
            return True
        attempt = reader.attempts[0]
        attempt.invocations += 1
        raised = False
        try:
            answer = self._invoke(shard.shard_id, attempt.records)
        except InvocationError:
            raised, done = True, -1
        else:
            done = _done(answer, attempt.records) if self._settings.report_failures else len(attempt.records)
        if done == len(attempt.records):
            reader.attempts.popleft()
            reader.backoff = _FIRST_BACKOFF
            return True
        self._retry(shard.shard_id, reader, done, raised=raised)
        reader.retry_at = now + reader.backoff
        reader.backoff = min(reader.backoff * 2, _LONGEST_BACKOFF)
        return done > 0

    def _take(self, shard: Shard, reader: _Reader, now: float) -> bool:
        """Read the next batch, if full or its window has passed."""
        records = list(shard.read(reader.position, self._settings.batch_size))
        if not records:
            reader.waiting_since = None
            return False
        fitting = _fitting(records)
        full = len(fitting) < len(records) or len(records) == self._settings.batch_size
        if reader.waiting_since is None:
            reader.waiting_since = now
        if not full and now - reader.waiting_since < self._settings.batching_window:
            return False
        reader.position += len(fitting)
        reader.waiting_since = None
        reader.attempts.append(_Attempt(fitting))
        return True

    def _retry(self, shard_id: str, reader: _Reader, done: int, *, raised: bool) -> None:
        """Replace the failed attempt by its retry; see _done for `done`."""
        attempt = reader.attempts.popleft()
        rest = attempt.records[max(done, 0) :]
        if done > 0:
            # The checkpoint moved: the rest is a new batch with its own counts.
            reader.attempts.appendleft(_Attempt(rest))
        elif self._settings.bisect and done == -1 and len(rest) > 1:
            middle = len(rest) // 2
            for half in (rest[middle:], rest[:middle]):
                reader.attempts.appendleft(_Attempt(half, attempt.invocations, attempt.retries))
        elif attempt.retries == self._settings.maximum_retries:
            self._on_failure(Failed(shard_id, rest, Condition.RETRIES, attempt.invocations, raised))
        else:
            reader.attempts.appendleft(_Attempt(rest, attempt.invocations, attempt.retries + 1))

    def _give_up_old(self, shard_id: str, reader: _Reader, now: float) -> None:
        if self._settings.maximum_age == FOREVER:
            return
        attempt = reader.attempts[0]
        old = [r for r in attempt.records if now - r.arrived_at > self._settings.maximum_age]
        if old:
            # AWS counts a batch discarded before its first invocation as one.
            self._on_failure(Failed(shard_id, old, Condition.AGE, max(attempt.invocations, 1)))
            # Arrival times of a shard are approximate: a newer record may come before an older one.
            attempt.records = [r for r in attempt.records if now - r.arrived_at <= self._settings.maximum_age]
            if not attempt.records:
                reader.attempts.popleft()


def _fitting(records: list[Record]) -> list[Record]:
    size = 0
    for count, record in enumerate(records):
        size += -(-len(record.data) // 3) * 4 + _ENVELOPE
        if size > PAYLOAD_LIMIT and count:
            return records[:count]
    return records


def _done(answer: Any, records: list[Record]) -> int:
    """Return the count of leading records done, -1 for none known."""
    failures = answer.get("batchItemFailures") if isinstance(answer, dict) else None
    if not failures:
        return len(records)
    order = {record.sequence_number: position for position, record in enumerate(records)}
    reported = [item.get("itemIdentifier") if isinstance(item, dict) else None for item in failures]
    if any(identifier not in order for identifier in reported):
        return -1
    return min(order[identifier] for identifier in reported if identifier is not None)


def event(
    records: list[Record], shard_id: str, stream_arn: str, region: str, data: Callable[[bytes], str]
) -> Any:
    """Return the function's event for `records`; `data` encodes in base64."""
    return {
        "Records": [
            {
                "kinesis": {
                    "kinesisSchemaVersion": "1.0",
                    "partitionKey": record.partition_key,
                    "sequenceNumber": record.sequence_number,
                    "data": data(record.data),
                    "approximateArrivalTimestamp": record.arrived_at,
                },
                "eventSource": "aws:kinesis",
                "eventVersion": "1.0",
                "eventID": f"{shard_id}:{record.sequence_number}",
                "eventName": "aws:kinesis:record",
                "invokeIdentityArn": "arn:aws:iam::000000000000:role/event-source-mapping",
                "awsRegion": region,
                "eventSourceARN": stream_arn,
            }
            for record in records
        ]
    }
