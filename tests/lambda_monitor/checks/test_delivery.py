"""Delivery, service and gap checks."""

import gzip
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from contract import layout
from contract.events import RecordRef, Rejection, rejected_lines
from contract.timestamps import timestamp
from lambda_monitor.checks import delivery, gaps
from lambda_monitor.findings import CheckResult
from lambda_monitor.hours import window
from lambda_monitor.lake import rejections
from lambda_monitor.lake.cache import S3Cache
from lambda_monitor.lake.objects import Unreadable
from lambda_monitor.lake.rejections import Rejections
from tests.lambda_monitor.synthetic import (
    HOUR,
    LAKE,
    MODEL,
    NOON,
    Stack,
    contract,
    hours,
    read_window,
    synthetic_rides,
)

NONE = Rejections(count=0, reasons={}, unreadable=[], failed=[])


def read(stack: Stack, start: datetime = NOON, end: datetime = NOON + HOUR) -> window.Window:
    return read_window(hours(stack), start, end)


def rejected(stack: Stack, start: datetime, end: datetime) -> Rejections:
    cache = S3Cache(stack.s3, LAKE, "profiles/m/1/")
    return rejections.read(stack.s3, LAKE, start, end, cache=cache, may_write=lambda: True)


def statuses(found: window.Window, refused: Rejections = NONE) -> dict[str, str]:
    return {r.name: r.status for r in delivery.check_delivery(contract(), found, refused)}


def reject(stack: Stack, count: int, minutes: float = 5, repeat: int = 1) -> None:
    lines = []
    for number in range(count):
        record = RecordRef(
            shard="shardId-000000000000",
            sequence_number=f"{number:056d}",
            arrived_at=timestamp(NOON + timedelta(minutes=minutes)),
        )
        why = Rejection(reason="wrong_type", field="ride.trip_distance", message="must be a number")
        lines += [*rejected_lines(why, b"{}", record, MODEL, NOON)] * repeat
    key = f"{layout.hour_prefix(layout.REJECTED, NOON)}{minutes}.gz"
    stack.s3.put_object(Bucket=LAKE, Key=key, Body=gzip.compress(b"".join(lines)))


def test_everything_is_ok_with_ordinary_data(stack: Stack) -> None:
    stack.put(stack.events(synthetic_rides(500, seed=1)))

    assert set(statuses(read(stack)).values()) == {"ok"}


def test_many_duplicates_and_bad_lines_are_alerts(stack: Stack) -> None:
    lines = stack.events(synthetic_rides(100, seed=1))
    stack.put([*lines, *lines[:20], b"{"])

    found = statuses(read(stack))

    assert (found["lake.duplicates"], found["lake.bad_lines"]) == ("alert", "alert")


def test_rejected_records_of_the_window_are_counted_once_by_reason(stack: Stack) -> None:
    stack.put(stack.events(synthetic_rides(100, seed=1)))
    reject(stack, 5, repeat=3)
    reject(stack, 9, minutes=70)

    refused = rejected(stack, NOON, NOON + HOUR)

    assert refused.reasons == {"wrong_type (ride.trip_distance)": 5}
    [result] = [
        r for r in delivery.check_delivery(contract(), read(stack), refused) if r.name == "service.rejected"
    ]
    assert (result.status, result.value) == ("alert", 5 / 105)
    assert '5 "wrong_type (ride.trip_distance)"' in result.sentence


def test_an_unreadable_rejection_is_an_error(stack: Stack) -> None:
    stack.put(stack.events(synthetic_rides(100, seed=1)))
    key = f"{layout.hour_prefix(layout.REJECTED, NOON)}broken"
    stack.s3.put_object(Bucket=LAKE, Key=key, Body=b"\x1f\x8b")

    refused = rejected(stack, NOON, NOON + HOUR)

    assert statuses(read(stack), refused)["lake.unreadable_objects"] == "error"


def test_batches_lambda_gave_up_on_are_an_alert(stack: Stack) -> None:
    stack.s3.put_object(Bucket=LAKE, Key=f"{layout.FAILED}/mapping/shard/2026/03/02/batch", Body=b"{}")
    now = datetime.now(UTC)

    inside = rejected(stack, now - HOUR, now + HOUR)
    before = rejected(stack, now - 3 * HOUR, now - HOUR)

    assert (len(inside.failed), len(before.failed)) == (1, 0)
    assert statuses(read(stack), inside)["service.failed"] == "alert"


def test_no_records_at_the_end_of_a_window_is_an_alert(stack: Stack) -> None:
    stack.put(stack.events(synthetic_rides(100, seed=1), span=HOUR / 2))

    assert statuses(read(stack, NOON - 3 * HOUR, NOON + HOUR))["service.staleness"] == "ok"
    assert statuses(read(stack, NOON - HOUR, NOON + 3 * HOUR))["service.staleness"] == "alert"


def test_records_of_another_version_only_are_an_alert(stack: Stack) -> None:
    stack.put(stack.events(synthetic_rides(100, seed=1), version="2"))

    assert statuses(read(stack))["model.version"] == "alert"


def test_records_in_distant_partitions_are_an_alert(stack: Stack) -> None:
    stack.put(stack.events(synthetic_rides(100, seed=1)))
    stack.put(stack.events(synthetic_rides(5, seed=1), NOON + 8 * HOUR))

    assert statuses(read(stack))["lake.clock_skew"] == "alert"


def report(stack: Stack, start: datetime, end: datetime) -> None:
    key = layout.report_prefix(MODEL.name, start, end) + "report.json"
    stack.s3.put_object(Bucket=LAKE, Key=key, Body=b"{}")


def test_hours_no_window_covered_are_named(stack: Stack) -> None:
    first = gaps.check_gap(stack.s3, LAKE, MODEL.name, NOON, NOON + HOUR)
    report(stack, NOON, NOON + HOUR)
    again = gaps.check_gap(stack.s3, LAKE, MODEL.name, NOON, NOON + HOUR)
    following = gaps.check_gap(stack.s3, LAKE, MODEL.name, NOON + HOUR, NOON + 2 * HOUR)
    later = gaps.check_gap(stack.s3, LAKE, MODEL.name, NOON + 5 * HOUR, NOON + 6 * HOUR)

    assert [r.status for r in (first, again, following, later)] == ["ok", "ok", "ok", "alert"]
    assert later.value == 4.0
    assert '{"start": "2026-03-02T13:00:00.000Z", "end": "2026-03-02T17:00:00.000Z"}' in later.sentence


def test_results_are_json(stack: Stack) -> None:
    results = delivery.check_delivery(contract(), read(stack), NONE)

    assert msgspec.json.decode(msgspec.json.encode(results))[0]["name"] == "lake.unreadable_objects"


def mixed(stack: Stack, hour: datetime, *, watched: int, other: int) -> None:
    if watched:
        stack.put(stack.events(synthetic_rides(watched, seed=1), hour), hour)
    if other:
        stack.put(stack.events(synthetic_rides(other, seed=2), hour, version="2"), hour)


def version(found: window.Window) -> CheckResult:
    return delivery.other_versions(contract(), found)


def test_a_window_of_mostly_another_version_is_an_alert(stack: Stack) -> None:
    mixed(stack, NOON, watched=10, other=1990)

    found = version(read(stack))

    assert (found.status, found.value) == ("alert", 0.995)
    assert '1,990 by version "2"' in found.sentence
    assert "Deploy the version to be monitored" in found.sentence


def test_a_rollout_in_the_middle_of_a_window_is_ok(stack: Stack) -> None:
    mixed(stack, NOON - 2 * HOUR, watched=0, other=500)
    mixed(stack, NOON - HOUR, watched=200, other=300)
    mixed(stack, NOON, watched=500, other=0)

    assert version(read(stack, NOON - 2 * HOUR)).status == "ok"
    assert version(read(stack, NOON - 2 * HOUR, NOON)).status == "ok"


def test_few_events_of_another_version_are_skipped(stack: Stack) -> None:
    mixed(stack, NOON, watched=1, other=18)

    assert version(read(stack)).status == "skipped"


@pytest.mark.parametrize(("name", "records"), [("lake.duplicates", 90), ("lake.clock_skew", 90)])
def test_shares_of_few_records_are_skipped(stack: Stack, name: str, records: int) -> None:
    lines = stack.events(synthetic_rides(records, seed=1))
    stack.put([*lines, *lines[:9]])

    assert statuses(read(stack))[name] == "skipped"


def test_few_rejections_are_skipped(stack: Stack) -> None:
    stack.put(stack.events(synthetic_rides(10, seed=1)))
    reject(stack, 9)

    refused = rejected(stack, NOON, NOON + HOUR)

    assert statuses(read(stack), refused)["service.rejected"] == "skipped"


def test_a_window_that_has_not_ended_is_not_stale(stack: Stack) -> None:
    stack.put(stack.events(synthetic_rides(100, seed=1), span=HOUR / 2))
    found = read(stack, NOON, NOON + 6 * HOUR)

    assert delivery.staleness(found, NOON + HOUR).status == "ok"
    assert delivery.staleness(found, NOON + 6 * HOUR).status == "alert"


def test_text_from_outside_is_cut_to_one_line(stack: Stack) -> None:
    hostile = "x" * 100_000 + "\nReport: s3://evil"
    stack.put(stack.events(synthetic_rides(100, seed=1)))
    stack.put(stack.events(synthetic_rides(50, seed=1), version=hostile))
    refused = Rejections(
        count=5_000,
        reasons={f"{n}{hostile}": 50 for n in range(100)},
        unreadable=[Unreadable(hostile, hostile)],
        failed=[hostile] * 100,
    )

    results = delivery.check_delivery(contract(), read(stack), refused)

    encoded = msgspec.json.encode(results)
    assert len(encoded) < 30_000
    assert all(len(result.sentence) < 1_500 and "\n" not in result.sentence for result in results)
    assert "Report: s3" not in encoded.decode()
