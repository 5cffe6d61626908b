"""Delivery, service and gap checks."""

import gzip
from datetime import UTC, datetime, timedelta

import boto3
import msgspec
import pytest

from contract import layout
from contract.events import RecordRef, Rejection, rejected_lines, timestamp
from lambda_monitor.checks import delivery, gaps, service
from lambda_monitor.hours import window
from lambda_monitor.lake import rejections
from lambda_monitor.lake.cache import S3Cache
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
    assert "5 wrong_type (ride.trip_distance)" in result.sentence


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


def put_metric(namespace: str, name: str, dimension: tuple[str, str], value: float) -> None:
    boto3.client("cloudwatch").put_metric_data(
        Namespace=namespace,
        MetricData=[
            {
                "MetricName": name,
                "Dimensions": [{"Name": dimension[0], "Value": dimension[1]}],
                "Timestamp": NOON + timedelta(minutes=10),
                "Value": value,
            }
        ],
    )


def ask(accounted: int = 1000, *, settled: bool = True, stream: str = "input") -> dict[str, str]:
    sources = service.Sources(function="predict", stream=stream)
    results = service.check_service(
        boto3.client("cloudwatch"), sources, NOON, NOON + HOUR, accounted=accounted, settled=settled
    )
    return {r.name: r.status for r in results}


@pytest.mark.usefixtures("stack")
class TestHealth:
    def test_without_metrics_every_check_is_skipped(self) -> None:
        assert set(ask().values()) == {"skipped"}
        assert set(ask(stream="").values()) == {"skipped"}

    @pytest.mark.parametrize(("factor", "expected"), [(0, "ok"), (1, "alert")])
    def test_metrics_above_their_limits_are_alerts(self, factor: int, expected: str) -> None:
        function, stream = ("FunctionName", "predict"), ("StreamName", "input")
        put_metric("AWS/Lambda", "Invocations", function, 100)
        put_metric("AWS/Lambda", "Errors", function, 5 * factor)
        put_metric("AWS/Lambda", "IteratorAge", function, 20 * 60_000 * factor)
        put_metric("AWS/Kinesis", "IncomingRecords", stream, 1000 + 100 * factor)

        assert set(ask().values()) == {expected}

    def test_records_that_may_still_land_are_not_lost(self) -> None:
        put_metric("AWS/Kinesis", "IncomingRecords", ("StreamName", "input"), 2000)

        assert ask(settled=False)["service.lost"] == "skipped"
        assert ask(settled=True)["service.lost"] == "alert"


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
