"""Hour ledgers: each object is read once, with overlapping and killed runs."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambda_monitor.hours import window
from lambda_monitor.hours.store import HourStore
from lambda_monitor.hours.update import LedgerUpdater
from lambda_monitor.lake.cache import Lease, S3Cache
from tests.lambda_monitor.synthetic import (
    LAKE,
    NOON,
    Killed,
    Stack,
    contract,
    hours,
    moment,
    profiler,
    read_window,
    synthetic_rides,
)

HOUR = timedelta(hours=1)


def read(kept: LedgerUpdater, start=NOON, end=NOON + HOUR) -> window.Window:
    return read_window(kept, start, end)


def same(one: window.Window, other: window.Window) -> bool:
    return (one.records, one.duplicates, one.profile.to_json(), one.sample) == (
        other.records,
        other.duplicates,
        other.profile.to_json(),
        other.sample,
    )


def test_an_object_is_read_once(stack: Stack) -> None:
    keys = stack.put(stack.events(synthetic_rides(200, seed=1)), objects=5)
    first = read(hours(stack))
    gets = stack.gets()

    second = read(hours(stack, "b"))

    assert same(first, second)
    assert not set(keys) & set(gets)


def test_a_late_object_is_added_without_reading_others_again(stack: Stack) -> None:
    lines = stack.events(synthetic_rides(200, seed=1))
    early = stack.put(lines[:150])
    read(hours(stack))
    late = stack.put(lines[140:])
    gets = stack.gets()

    found = read(hours(stack, "b"))

    assert (found.records, found.duplicates) == (200, 10)
    assert not set(early) & set(gets)
    assert set(late) <= set(gets)


def test_after_a_replaced_object_the_partition_is_read_again(stack: Stack) -> None:
    lines = stack.events(synthetic_rides(100, seed=1))
    [key] = stack.put(lines[:60])
    stack.put(lines[80:])
    read(hours(stack))
    stack.s3.put_object(Bucket=LAKE, Key=key, Body=b"\n".join(lines[:80]))

    assert read(hours(stack, "b")).records == 100


def test_a_repaired_object_is_no_longer_reported(stack: Stack) -> None:
    lines = stack.events(synthetic_rides(100, seed=1))
    [key] = stack.put(lines[:50])
    stack.s3.put_object(Bucket=LAKE, Key=key + ".broken", Body=b"\x1f\x8bno")
    broken = read(hours(stack))
    stack.s3.put_object(Bucket=LAKE, Key=key + ".broken", Body=b"\n".join(lines[50:]))

    repaired = read(hours(stack, "b"))

    assert [u.key for u in broken.unreadable] == [key + ".broken"]
    assert (repaired.unreadable, repaired.records) == ([], 100)


def test_deleted_objects_stay_counted(stack: Stack) -> None:
    [key] = stack.put(stack.events(synthetic_rides(100, seed=1)))
    first = read(hours(stack))
    stack.s3.delete_object(Bucket=LAKE, Key=key)

    assert same(first, read(hours(stack, "b")))


def test_an_object_that_s3_refuses_is_reported_and_read_by_the_next_run(stack: Stack) -> None:
    lines = stack.events(synthetic_rides(100, seed=1))
    stack.put(lines[:50])
    [key] = stack.put(lines[50:])
    refused = _RefusesOnce(stack.s3, key)

    def kept() -> LedgerUpdater:
        store = HourStore(S3Cache(stack.s3, LAKE, "p/"))
        return LedgerUpdater(refused, LAKE, contract(), profiler, store=store, may_write=lambda: True)

    first = read(kept())
    second = read(kept())

    assert ([u.key for u in first.unreadable], first.records) == ([key], 50)
    assert (second.unreadable, second.records) == ([], 100)


@pytest.mark.parametrize("reading", ["profiles/", "predictions/"])
def test_two_runs_at_once_count_every_record_once(stack: Stack, reading: str) -> None:
    lines = stack.events(synthetic_rides(200, seed=1), NOON, span=2 * HOUR)
    stack.put(lines[:120])
    stack.put(lines[80:], NOON + HOUR)
    first = hours(stack, "a")
    overlapping = []

    def second_starts(params: dict, **_: object) -> None:
        if params["Key"].startswith(reading) and not overlapping:
            overlapping.append(None)
            overlapping[0] = read(hours(stack, "b"), NOON, NOON + 2 * HOUR)

    # The second run begins and ends while the first reads its first ledger, or its first object.
    stack.s3.meta.events.register("provide-client-params.s3.GetObject", second_starts)
    found = read(first, NOON, NOON + 2 * HOUR)
    after = read(hours(stack, "c"), NOON, NOON + 2 * HOUR)

    assert found.records == overlapping[0].records == after.records == 200
    assert found.duplicates == overlapping[0].duplicates == after.duplicates == 40


def test_a_run_without_the_lease_stores_nothing(stack: Stack) -> None:
    stack.put(stack.events(synthetic_rides(100, seed=1)))
    prefix = "profiles/m/1/"
    assert Lease(stack.s3, LAKE, prefix, moment("writer")).take()
    before = stack.keys(prefix)

    found = read(hours(stack, "reader"))

    assert found.records == 100
    assert stack.keys(prefix) == before


def test_the_lease_of_a_killed_run_ends_at_its_deadline(stack: Stack) -> None:
    prefix = "profiles/m/1/"
    assert Lease(stack.s3, LAKE, prefix, moment("killed")).take()
    assert not Lease(stack.s3, LAKE, prefix, moment("next", NOON + timedelta(minutes=14))).take()
    assert Lease(stack.s3, LAKE, prefix, moment("retry", NOON + timedelta(minutes=16))).take()


def test_a_released_lease_can_be_taken_at_once(stack: Stack) -> None:
    lease = Lease(stack.s3, LAKE, "p/", moment("a"))
    assert lease.take()
    lease.end()
    assert Lease(stack.s3, LAKE, "p/", moment("b")).take()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_after_a_kill_at_any_write_each_record_is_counted_once(stack: Stack, data: st.DataObject) -> None:
    stack.empty()
    lines = stack.events(synthetic_rides(120, seed=1), NOON, span=2 * HOUR)
    cut = data.draw(st.integers(10, 110))
    overlap = data.draw(st.integers(0, 10))
    stack.put(lines[:cut], objects=2)
    stack.put(lines[cut - overlap :], NOON + HOUR)
    dies_at = data.draw(st.integers(0, 12))
    writes = 0

    def kill(**_: object) -> None:
        nonlocal writes
        writes += 1
        if writes > dies_at:
            raise Killed

    stack.s3.meta.events.register("before-send.s3.PutObject", kill)
    try:
        read(hours(stack, "a"), NOON, NOON + 2 * HOUR)
    except Killed:
        pass
    finally:
        stack.s3.meta.events.unregister("before-send.s3.PutObject", kill)

    later = NOON + 4 * HOUR
    found = read(hours(stack, "b", now=later), NOON, NOON + 2 * HOUR)
    again = read(hours(stack, "c", now=later), NOON, NOON + 2 * HOUR)

    assert (found.records, found.duplicates) == (120, overlap)
    assert same(found, again)


@pytest.mark.parametrize("name", ["features", "schema"])
def test_another_versions_events_are_left_out_and_counted(stack: Stack, name: str) -> None:
    stack.put(stack.events(synthetic_rides(60, seed=1)))
    other = stack.events(synthetic_rides(40, seed=2), version="2")
    if name == "schema":
        other = [line.replace(b'"trip_distance":', b'"miles":"far","distance":') for line in other]
    stack.put(other)

    found = read(hours(stack))

    assert (found.records, found.others, found.bad_lines) == (60, {"2": 40}, {})


def test_each_version_has_its_own_ledgers(stack: Stack) -> None:
    stack.put(stack.events(synthetic_rides(60, seed=1)))
    stack.put(stack.events(synthetic_rides(40, seed=2), version="2"))
    read(hours(stack))

    found = read(hours(stack, version="2"))

    assert (found.records, found.others) == (40, {"1": 60})


def test_records_hours_away_from_their_partition_are_counted_as_strayed(stack: Stack) -> None:
    stack.put(stack.events(synthetic_rides(50, seed=1)))
    stack.put(stack.events(synthetic_rides(5, seed=2), NOON + 9 * HOUR))

    found = read(hours(stack))

    assert (found.records, found.strayed) == (50, 5)


class _RefusesOnce:
    """An S3 client that refuses the first read of one object."""

    def __init__(self, s3, key: str) -> None:
        self._s3 = s3
        self._key = key
        self._refused = False

    def __getattr__(self, name: str):
        return getattr(self._s3, name)

    def get_object(self, **given):
        if given["Key"] == self._key and not self._refused:
            self._refused = True
            raise self._s3.exceptions.ClientError(
                {"Error": {"Code": "SlowDown", "Message": "Reduce your request rate"}}, "GetObject"
            )
        return self._s3.get_object(**given)
