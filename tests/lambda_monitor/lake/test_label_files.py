"""Broken, hostile and misplaced files of labels: the good labels are used, the others are reported."""

import gzip
import io
import tracemalloc
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from lambda_monitor.checks.delivery import check_labels
from lambda_monitor.findings import CheckResult
from lambda_monitor.hours.labelled import Truth
from lambda_monitor.lake.cache import S3Cache
from lambda_monitor.lake.events import ID
from lambda_monitor.lake.labels import TARGET, Labels, Reader
from tests.lambda_monitor.synthetic import HOUR, LAKE, NOON, Stack, contract

# Labels put by hand are dated by the real clock, long after the window.
ROOT = "ground_truth/"


def read(stack: Stack, start: datetime = NOON) -> Labels:
    reader = Reader(stack.s3, LAKE, contract(), S3Cache(stack.s3, LAKE, "profiles/m/1/"))
    return reader.read(start, start + 3 * HOUR)


def pairs(labels: Labels) -> dict[str, float]:
    return dict(zip(*(labels.table.column(name).to_pylist() for name in (ID, TARGET)), strict=True))


def put(stack: Stack, key: str, data: bytes) -> str:
    stack.s3.put_object(Bucket=LAKE, Key=ROOT + key, Body=data)
    return ROOT + key


def unreadable(labels: Labels) -> CheckResult:
    truth = Truth(start=NOON, end=NOON + HOUR, records=1, rows=labels.table, labels=labels)
    [found] = [c for c in check_labels(truth) if c.name == "labels.unreadable"]
    return found


@pytest.mark.parametrize(("bad", "status"), [(0, "ok"), (1, "ok"), (4, "ok"), (6, "error")])
def test_a_small_share_of_bad_labels_is_no_error(stack: Stack, bad: int, status: str) -> None:
    labels = {f"R{n}": 1.0 for n in range(500 - bad)}
    stack.label(labels, lines=[b"not a label\n"] * bad)

    found = read(stack)

    assert pairs(found) == labels
    assert (unreadable(found).value, unreadable(found).status) == (bad / 500, status)


def test_a_small_unreadable_file_is_no_error(stack: Stack) -> None:
    stack.label({f"R{n}": 1.0 for n in range(500)}, packed=False)
    put(stack, "broken.gz", b"\x1f\x8bno")

    found = read(stack)

    assert (len(found.table), len(found.unreadable), unreadable(found).status) == (500, 1, "ok")


def test_a_large_unreadable_file_is_an_error(stack: Stack) -> None:
    stack.label({"R1": 1.0}, packed=False)
    put(stack, "broken.gz", b"\x1f\x8bno" + b"x" * 100)

    assert unreadable(read(stack)).status == "error"


@pytest.mark.parametrize(
    "key",
    [
        "year=2026/labels.csv",
        "year=2026/month=03/labels.csv",
        "year=2026/month=03/corrections/labels.csv",
        "year=2026/month=3/day=2/labels.csv",
        "year=2025/month=01/labels.csv",
        "year=2026/month=03/day=02/labels.csv",
        "year=2026/month=03/day=02/noon/labels.csv",
        "year=2026/month=03/day=02/hour=12/again/labels.csv",
        "month=03/labels.csv",
    ],
)
def test_files_outside_the_hours_of_the_stream_are_dropped_files(stack: Stack, key: str) -> None:
    stack.label({"a": 1.0}, NOON)
    stack.label({"b": 1.0}, NOON - 9 * HOUR)
    put(stack, key, b"ride_id,duration\nc,2\n")

    assert pairs(read(stack)) == {"a": 1.0, "c": 2.0}


def test_dropped_files_are_read_once_until_they_change(stack: Stack) -> None:
    good, bad = put(stack, "good.csv", b"ride_id,duration\na,1\n"), put(stack, "bad.gz", b"\x1f\x8bno")
    first = read(stack)
    gets = stack.gets()

    second = read(stack)
    assert (pairs(second), second.unreadable) == (pairs(first), first.unreadable)
    assert not {good, bad} & set(gets)

    put(stack, "bad.gz", b'{"ride_id":"b","duration":2}')
    assert (pairs(read(stack)), read(stack).unreadable) == ({"a": 1.0, "b": 2.0}, [])


def test_a_bomb_takes_little_memory(stack: Stack) -> None:
    buffer = io.BytesIO()
    with gzip.open(buffer, "wb", compresslevel=1) as file:
        for _ in range(256):
            file.write(b"0" * (1 << 20))
    stack.label({"a": 1.0})
    for key in ("bomb.gz", "year=2026/month=03/day=02/hour=12/bomb.gz"):
        put(stack, key, buffer.getvalue())
    tracemalloc.start()
    try:
        found = read(stack)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert pairs(found) == {"a": 1.0}
    assert {u.reason for u in found.unreadable} == {
        "a line is longer than 64 MiB; what follows it was not read"
    }
    assert peak < 50 << 20


def test_a_long_line_of_labels_is_left_out(stack: Stack) -> None:
    stack.label({"a": 1.0, "b": 2.0}, lines=[b'{"ride_id":"' + b"x" * (9 << 20) + b'"}\n'])

    found = read(stack)

    assert pairs(found) == {"a": 1.0, "b": 2.0}
    assert "longer than 8 MiB" in found.unreadable[0].reason


def test_repeated_labels_and_long_ids_are_bounded(stack: Stack) -> None:
    long = "x" * 5000
    stack.label({long: 1.0}, lines=[b'{"ride_id":"a","duration":%d}\n' % (n % 2) for n in range(1001)])

    found = read(stack)

    assert {len(i): target for i, target in pairs(found).items()} == {1: 0.0, 200: 1.0}
    assert found.conflicts == 1


NESTED = [{"a": [1]}, {"a": [2]}]


@pytest.mark.parametrize("field", ["ride_id", "duration"])
@pytest.mark.parametrize(
    "values", [NESTED, [[1], [2]], [b"\xff", b"\x00"], [datetime(2026, 1, 1, tzinfo=UTC)] * 2, [True, None]]
)
def test_parquet_of_any_types_is_read_or_reported(stack: Stack, field: str, values: list[object]) -> None:
    stack.label({"a": 1.0})
    columns = {"ride_id": ["x", "y"], "duration": [1.0, 2.0], field: values}
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    put(stack, "labels.parquet", buffer.getvalue())

    found = read(stack)

    assert pairs(found)["a"] == 1.0
    assert found.lines == 3 or len(found.unreadable) == 1
