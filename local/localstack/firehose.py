"""What LocalStack's Firehose lacks: timestamps in prefixes, delimiters, sources without Java.

Runs in LocalStack's process and imports the standard library alone. Its deliveries stay what they are
otherwise: one plain object per put or read, whatever the buffer and the compression.
"""

import base64
import logging
import re
import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

LOG = logging.getLogger(__name__)
DELIMITER = "AppendDelimiterToRecord"
# Firehose takes Java's date letters.
_LETTERS = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S"}
_EXPRESSION = re.compile(r"!\{timestamp:([^}]*)\}")
_POLL_SECONDS = 0.5
_READ_LIMIT = 1_000

Deliver = Callable[[list[dict[str, Any]]], Any]


def object_key(stream: str, prefix: str, extension: str, at: datetime, unique: str) -> str:
    """Return the key of an object that a delivery writes.

    A prefix without a timestamp expression is followed by the hour, as Firehose documents it. Raises
    ValueError for an expression that is not evaluated here.
    """
    hour = "" if _EXPRESSION.search(prefix) else f"{at:%Y/%m/%d/%H}/"
    evaluated = _EXPRESSION.sub(lambda found: _formatted(found[1], at), prefix)
    if "!{" in evaluated:
        raise ValueError(f"prefix {prefix!r}: only timestamp expressions are evaluated")
    return f"{evaluated}{hour}{stream}-1-{at:%Y-%m-%d-%H-%M-%S}-{unique}{extension}"


def _formatted(pattern: str, at: datetime) -> str:
    parts = re.split(r"([A-Za-z]+)", pattern)
    if unknown := [part for part in parts[1::2] if part not in _LETTERS]:
        raise ValueError(f"timestamp pattern {pattern!r}: {unknown[0]} is not evaluated")
    return at.strftime("".join(_LETTERS.get(part, part) for part in parts))


def with_delimiter(records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return base64 records with a newline appended to each."""
    return [
        {**record, "Data": base64.b64encode(base64.b64decode(data(record)) + b"\n")} for record in records
    ]


def data(record: Mapping[str, Any]) -> bytes | str:
    """Return the base64 data of a record, in either spelling."""
    found: bytes | str = record.get("Data") or record.get("data") or b""
    return found


class StreamReader(threading.Thread):
    """Reads all shards of a stream from their beginning and delivers what it reads, at least once.

    LocalStack reads with Amazon's Java library and DynamoDB Local, which it downloads. Shards that are
    added later are not read.
    """

    def __init__(self, kinesis: Any, stream: str, deliver: Deliver) -> None:
        super().__init__(daemon=True, name=f"delivery-{stream}")
        self._kinesis, self._stream, self._deliver = kinesis, stream, deliver
        self._ended = threading.Event()

    def run(self) -> None:
        """Read until `stop` is called."""
        iterators: dict[str, str | None] = {}
        while not self._ended.is_set():
            try:
                iterators = iterators or self._beginnings()
                moved = [self._read(iterators, shard) for shard in list(iterators)]
            except Exception:  # whatever failed, the records are still in the stream
                LOG.exception("reading %s for a delivery failed, and is tried again", self._stream)
                moved = []
            if not any(moved):
                self._ended.wait(_POLL_SECONDS)

    def stop(self) -> None:
        """End reading."""
        self._ended.set()

    def _beginnings(self) -> dict[str, str | None]:
        shards = self._kinesis.list_shards(StreamName=self._stream)["Shards"]
        return {shard["ShardId"]: self._beginning(shard["ShardId"]) for shard in shards}

    def _beginning(self, shard: str) -> str:
        answer = self._kinesis.get_shard_iterator(
            StreamName=self._stream, ShardId=shard, ShardIteratorType="TRIM_HORIZON"
        )
        return str(answer["ShardIterator"])

    def _read(self, iterators: dict[str, str | None], shard: str) -> bool:
        """Deliver one read of a shard and move its iterator; return whether there were records."""
        if (iterator := iterators[shard]) is None:
            return False
        answer = self._kinesis.get_records(ShardIterator=iterator, Limit=_READ_LIMIT)
        if records := answer["Records"]:
            self._deliver([{"data": base64.b64encode(record["Data"])} for record in records])
        iterators[shard] = answer.get("NextShardIterator")
        return bool(records)


def now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)
