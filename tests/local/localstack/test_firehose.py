"""Deliveries of LocalStack's Firehose: object keys, delimiters, reading a source stream."""

import base64
from datetime import UTC, datetime
from typing import Any

import pytest

from local import traffic
from local.localstack import firehose

AT = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)


def key(prefix: str, extension: str = "") -> str:
    return firehose.object_key("s", prefix, extension, AT, "unique")


@pytest.mark.parametrize(
    ("prefix", "folder"),
    [
        (
            "p/year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/hour=!{timestamp:HH}/",
            "p/year=2026/month=03/day=04/hour=05/",
        ),
        ("p/!{timestamp:yyyy-MM-dd_HH}/", "p/2026-03-04_05/"),
        # Without an expression Firehose appends the hour, and a prefix may end without a slash.
        ("p/", "p/2026/03/04/05/"),
        ("p", "p2026/03/04/05/"),
        ("", "2026/03/04/05/"),
    ],
)
def test_prefix_is_evaluated_as_firehose_documents_it(prefix: str, folder: str) -> None:
    assert key(prefix) == f"{folder}s-1-2026-03-04-05-06-07-unique"


def test_extension_ends_the_key() -> None:
    assert key("p/", ".gz").endswith("unique.gz")


@pytest.mark.parametrize("prefix", ["!{firehose:random-string}/", "!{timestamp:yy}/", "!{timestamp:a}/"])
def test_expression_that_is_not_evaluated_is_an_error(prefix: str) -> None:
    with pytest.raises(ValueError, match="evaluated"):
        key(prefix)


@pytest.mark.parametrize("name", ["Data", "data"])
def test_delimiter_ends_each_record_once(name: str) -> None:
    records = [{name: base64.b64encode(b"a"), "id": 1}, {name: base64.b64encode(b"b\n"), "id": 2}]
    found = firehose.with_delimiter(records)
    # Firehose appends the delimiter to every record, also to one that ends with it.
    assert [base64.b64decode(firehose.data(record)) for record in found] == [b"a\n", b"b\n\n"]
    assert [record["id"] for record in found] == [1, 2]


class Stream:
    """Kinesis as documented: an iterator is a position in a shard; a read returns the next one."""

    def __init__(self, **shards: list[bytes]) -> None:
        self.shards = shards
        self.closed: set[str] = set()
        self.failures = 0

    def list_shards(self, StreamName: str) -> dict[str, Any]:  # noqa: N803
        assert StreamName == "output"
        return {"Shards": [{"ShardId": shard} for shard in self.shards]}

    def get_shard_iterator(self, StreamName: str, ShardId: str, ShardIteratorType: str) -> dict[str, str]:  # noqa: N803
        assert (StreamName, ShardIteratorType) == ("output", "TRIM_HORIZON")
        return {"ShardIterator": f"{ShardId}:0"}

    def get_records(self, ShardIterator: str, Limit: int) -> dict[str, Any]:  # noqa: N803
        if self.failures:
            self.failures -= 1
            raise ConnectionError
        shard, _, position = ShardIterator.partition(":")
        found = self.shards[shard][int(position) : int(position) + Limit]
        answer: dict[str, Any] = {"Records": [{"Data": item} for item in found]}
        if not (shard in self.closed and int(position) + len(found) == len(self.shards[shard])):
            answer["NextShardIterator"] = f"{shard}:{int(position) + len(found)}"
        return answer


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that reads a stream until a number of records is delivered."""
    monkeypatch.setattr(firehose, "_POLL_SECONDS", 0.01)
    readers: list[firehose.StreamReader] = []

    def until(stream: Stream, number: int, refuse: int = 0) -> list[bytes]:
        delivered: list[bytes] = []
        refused = [None] * refuse

        def deliver(records: list[dict[str, Any]]) -> None:
            if refused:
                refused.pop()
                raise ConnectionError
            delivered.extend(base64.b64decode(firehose.data(record)) for record in records)

        reader = firehose.StreamReader(stream, "output", deliver)
        readers.append(reader)
        reader.start()
        traffic.wait_for("the records", lambda: len(delivered) >= number or None, seconds=10)
        return delivered

    yield until
    for reader in readers:
        reader.stop()
        reader.join(10)
        assert not reader.is_alive()


def numbered(count: int) -> list[bytes]:
    return [b"%d" % number for number in range(count)]


def test_every_shard_is_read_in_order_from_its_beginning(read: Any) -> None:
    stream = Stream(first=numbered(2_500), second=[b"x"])
    found = read(stream, 2_501)
    assert [item for item in found if item != b"x"] == numbered(2_500)
    assert found.count(b"x") == 1


def test_records_put_later_are_read(read: Any) -> None:
    stream = Stream(first=[b"a"])
    found = read(stream, 1)
    stream.shards["first"].append(b"b")
    traffic.wait_for("the record", lambda: found == [b"a", b"b"] or None, seconds=10)


@pytest.mark.parametrize(("failures", "refuse"), [(3, 0), (0, 2), (1, 1)])
def test_a_failed_read_or_delivery_is_tried_again_and_loses_nothing(
    read: Any, failures: int, refuse: int
) -> None:
    stream = Stream(first=numbered(5))
    stream.failures = failures
    assert read(stream, 5, refuse) == numbered(5)


def test_a_closed_shard_does_not_stop_the_others(read: Any) -> None:
    stream = Stream(first=[b"a"], second=[])
    stream.closed = {"first"}
    found = read(stream, 1)
    stream.shards["second"].append(b"b")
    traffic.wait_for("the record", lambda: found == [b"a", b"b"] or None, seconds=10)
