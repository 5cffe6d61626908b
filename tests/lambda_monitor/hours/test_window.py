"""Reading a window: compression, partitions, duplicates, versions, faults."""

import gzip
import io
import threading
from datetime import timedelta

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from contract import layout
from lambda_monitor.hours import window
from lambda_monitor.lake.events import ARRIVED, ID, IDENTITY
from tests.lambda_monitor.synthetic import (
    LAKE,
    NOON,
    Stack,
    hours,
    read_window,
    synthetic_rides,
)

HOUR = timedelta(hours=1)


def read(stack: Stack, start=NOON, end=NOON + HOUR, **given) -> window.Window:
    return read_window(hours(stack, **given), start, end)


def rows(stack: Stack, start=NOON, end=NOON + HOUR) -> pa.Table:
    kept = hours(stack)
    found = read_window(kept, start, end)
    return pa.concat_tables(kept.store.rows(found.parts, [ID, IDENTITY, "trip_distance"]))


def test_reads_many_small_and_few_large_objects_alike(stack: Stack) -> None:
    rides = synthetic_rides(300, seed=1)
    lines = stack.events(rides)
    stack.put(lines[:100], objects=100, packed=False)
    stack.put(lines[100:], objects=2)

    found = read(stack)

    assert found.records == 300
    assert found.objects == 102
    assert sorted(rows(stack).column("trip_distance").to_pylist()) == sorted(rides["trip_distance"])
    assert not found.unreadable


def test_reads_parquet(stack: Stack, tmp_path) -> None:
    lines = stack.events(synthetic_rides(50, seed=1))
    (tmp_path / "lines").write_bytes(b"\n".join(lines))
    file = tmp_path / "events.parquet"
    duckdb.read_json(str(tmp_path / "lines")).write_parquet(str(file))
    key = layout.hour_prefix(layout.PREDICTIONS, NOON) + "events.gz"  # the name of another format
    stack.s3.put_object(Bucket=LAKE, Key=key, Body=file.read_bytes())
    parquet = rows(stack).sort_by(IDENTITY)

    stack.s3.delete_object(Bucket=LAKE, Key=key)
    stack.put(lines)

    assert parquet.equals(rows(stack).sort_by(IDENTITY))


def test_counts_a_duplicate_once_even_in_another_partition(stack: Stack) -> None:
    lines = stack.events(synthetic_rides(100, seed=1))
    stack.put(lines)
    stack.put(lines[:30])
    stack.put(lines[90:], NOON + HOUR)

    found = read(stack)

    assert found.records == 100
    assert found.duplicates == 40


def test_includes_records_by_arrival_from_any_partition(stack: Stack) -> None:
    lines = stack.events(synthetic_rides(120, seed=1), NOON - HOUR, span=2 * HOUR)
    stack.put(lines[:50], NOON - HOUR)
    stack.put(lines[50:], NOON + HOUR)

    found = read(stack, NOON - timedelta(minutes=30), NOON + timedelta(minutes=30))

    assert found.records == 60
    assert pc.min(found.sample.column(ARRIVED)).as_py() == NOON - timedelta(minutes=30)


@pytest.mark.parametrize("cut", ["truncated", "corrupt", "not gzip"])
def test_reports_an_unreadable_object_and_reads_the_others(stack: Stack, cut: str) -> None:
    lines = stack.events(synthetic_rides(200, seed=1))
    stack.put(lines[:100])
    data = bytearray(gzip.compress(b"\n".join(lines[100:])))
    if cut == "truncated":
        data = data[: len(data) // 2]
    elif cut == "corrupt":
        data[len(data) // 2] ^= 0xFF
    else:
        data = bytearray(b"\x1f\x8b") + b"this was never gzip"
    key = layout.hour_prefix(layout.PREDICTIONS, NOON) + "zz-broken.gz"
    stack.s3.put_object(Bucket=LAKE, Key=key, Body=bytes(data))

    found = read(stack)

    assert [u.key for u in found.unreadable] == [key]
    assert found.unreadable[0].reason
    assert 100 <= found.records < 200


def test_counts_lines_that_are_not_prediction_events(stack: Stack) -> None:
    lines = stack.events(synthetic_rides(10, seed=1))
    stack.put([*lines, b"not json", b'{"ride_id": "x"}', lines[0][:50]])

    found = read(stack)

    assert found.records == 10
    assert sum(found.bad_lines.values()) == 3


def test_an_object_larger_than_a_batch_is_split_at_line_ends(stack: Stack, monkeypatch) -> None:
    monkeypatch.setattr("lambda_monitor.lake.batches.BATCH_BYTES", 10_000)
    monkeypatch.setattr("lambda_monitor.lake.objects.CHUNK", 1_000)
    lines = stack.events(synthetic_rides(300, seed=1))
    stack.put(lines)

    found = read(stack)

    assert found.records == 300
    assert not found.bad_lines


def test_samples_are_fetched_in_parallel(stack: Stack) -> None:
    for number in range(2):
        hour = NOON + number * HOUR
        stack.put(stack.events(synthetic_rides(50, seed=number), hour), hour)
    before = read(stack, end=NOON + 2 * HOUR)
    # Each fetch waits until another has begun.
    both = threading.Barrier(2, timeout=30)

    def wait(params: dict, **_: object) -> None:
        if params["Key"].endswith("-sample.parquet"):
            both.wait()

    stack.s3.meta.events.register("provide-client-params.s3.GetObject", wait)

    assert read(stack, end=NOON + 2 * HOUR).sample == before.sample
    assert len(before.sample) == 100


def test_an_empty_window_has_no_rows(stack: Stack) -> None:
    assert read(stack).records == 0


def test_a_last_line_without_a_newline_is_read(stack: Stack) -> None:
    lines = stack.events(synthetic_rides(2, seed=1))
    for number, line in enumerate(lines):
        key = f"{layout.hour_prefix(layout.PREDICTIONS, NOON)}{number}"
        stack.s3.put_object(Bucket=LAKE, Key=key, Body=io.BytesIO(line))

    assert read(stack).records == 2
