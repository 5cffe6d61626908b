"""Copies in distant partitions and by overlapping runs, deleted objects, ends of windows."""

from datetime import timedelta
from pathlib import Path

import pytest

from lambda_monitor.hours.store import HourStore
from lambda_monitor.hours.update import LedgerUpdater
from lambda_monitor.hours.window import Window
from lambda_monitor.lake.cache import Lease, S3Cache
from tests.lambda_monitor.hours.duck_athena import DuckAthena
from tests.lambda_monitor.hours.test_athena import bulk_hours
from tests.lambda_monitor.hours.test_athena import read as read_by_athena
from tests.lambda_monitor.synthetic import (
    HOUR,
    LAKE,
    NOON,
    Stack,
    contract,
    hours,
    moment,
    profiler,
    read_window,
    synthetic_rides,
)


@pytest.mark.parametrize("later", [-1, 1, 3])
def test_a_copy_in_another_partition_is_a_duplicate(stack: Stack, later: int) -> None:
    lines = stack.events(synthetic_rides(100, seed=1))
    stack.put(lines)
    stack.put(lines[:30], NOON + later * HOUR)

    found = read_window(hours(stack))

    assert (found.records, found.duplicates) == (100, 30)


@pytest.mark.parametrize("later", [-1, 3])
def test_a_copy_that_another_run_reads_is_a_duplicate(stack: Stack, later: int) -> None:
    lines = stack.events(synthetic_rides(100, seed=1))
    stack.put(lines)
    first = read_window(hours(stack, "a"))
    stack.put(lines[:30], NOON + later * HOUR)

    found = read_window(hours(stack, "b", now=NOON + HOUR))

    assert (first.records, first.duplicates) == (100, 0)
    assert (found.records, found.duplicates) == (100, 30)


def test_a_record_that_lands_after_its_late_copy_is_a_duplicate(stack: Stack) -> None:
    lines = stack.events(synthetic_rides(100, seed=1))
    stack.put(lines[:30], NOON + 3 * HOUR)
    first = read_window(hours(stack, "a"))
    stack.put(lines)

    found = read_window(hours(stack, "b", now=NOON + HOUR))

    assert (first.records, first.duplicates) == (30, 0)
    assert (found.records, found.duplicates) == (100, 30)


def test_ledgers_are_read_again_under_the_lease(stack: Stack) -> None:
    """Another run counts copies between this run's first look and its lease."""
    lines = stack.events(synthetic_rides(100, seed=1))
    stack.put(lines)
    lease = Lease(stack.s3, LAKE, "profiles/m/1/", moment("slow"))

    def overtaken() -> bool:
        stack.put(lines[:30], NOON + 3 * HOUR)
        # Its lease has ended before this run takes its own.
        read_window(hours(stack, "fast", now=NOON - HOUR), NOON + 4 * HOUR, NOON + 5 * HOUR)
        return lease.take()

    store = HourStore(S3Cache(stack.s3, LAKE, "profiles/m/1/"))
    slow = LedgerUpdater(stack.s3, LAKE, contract(), profiler, store=store, may_write=overtaken)
    read_window(slow)
    lease.end()

    found = read_window(hours(stack, "next", now=NOON + HOUR))

    assert (found.records, found.duplicates) == (100, 30)


def test_a_deleted_unreadable_object_is_no_longer_reported(stack: Stack) -> None:
    stack.put(stack.events(synthetic_rides(100, seed=1)))
    [key] = stack.put([b"\x1f\x8bnot gzip"], packed=False)
    first = read_window(hours(stack))
    stack.s3.delete_object(Bucket=LAKE, Key=key)

    assert [u.key for u in first.unreadable] == [key]
    assert read_window(hours(stack, "b", now=NOON + HOUR)).unreadable == []


def test_a_record_at_the_end_of_a_window_belongs_to_the_next(stack: Stack) -> None:
    stack.put(stack.events(synthetic_rides(4, seed=1), NOON, span=2 * HOUR))
    cut = NOON + timedelta(minutes=30)

    assert read_window(hours(stack), NOON, cut).records == 1
    assert read_window(hours(stack), cut, NOON + HOUR).records == 1


def by_athena(stack: Stack, tmp_path: Path, run: str, min_bytes: int) -> Window:
    return read_by_athena(bulk_hours(stack, DuckAthena(stack, tmp_path), run, min_bytes=min_bytes))


def test_athena_finds_copies_in_partitions_outside_the_window(stack: Stack, tmp_path: Path) -> None:
    lines = stack.events(synthetic_rides(100, seed=1))
    stack.put(lines, NOON + 3 * HOUR)
    stack.put(lines[:30])

    found = by_athena(stack, tmp_path, "a", 1)

    assert (found.records, found.duplicates) == (100, 30)


def test_small_late_objects_near_counted_hours_are_counted_by_athena(stack: Stack, tmp_path: Path) -> None:
    lines = stack.events(synthetic_rides(100, seed=1))
    stack.put(lines)
    first = by_athena(stack, tmp_path, "a", 1)
    stack.put(lines[:30], NOON + HOUR)

    found = by_athena(stack, tmp_path, "b", 10**9)

    assert (first.records, first.duplicates) == (100, 0)
    assert (found.records, found.duplicates) == (100, 30)
