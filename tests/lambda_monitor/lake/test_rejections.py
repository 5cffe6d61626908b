"""Rejected records: each object is read once, counts are exact and bounded."""

import gzip
import json
from collections.abc import Iterable
from datetime import datetime, timedelta

import msgspec
import pytest

from contract import layout
from contract.events import RecordRef
from contract.timestamps import timestamp
from lambda_monitor.lake import rejection_counts
from lambda_monitor.lake.cache import S3Cache
from lambda_monitor.lake.rejections import Rejections, read
from tests.lambda_monitor.synthetic import HOUR, LAKE, NOON, Stack

PREFIX = "profiles/m/1/"


def rejections(
    stack: Stack, start: datetime = NOON, end: datetime = NOON + HOUR, *, writes: bool = True
) -> Rejections:
    cache = S3Cache(stack.s3, LAKE, PREFIX)
    return read(stack.s3, LAKE, start, end, cache=cache, may_write=lambda: writes)


def line(number: int, *, minute: float = 5, reason: str = "wrong_type", field: str = "ride") -> bytes:
    record = RecordRef(
        shard="shardId-000000000000",
        sequence_number=str(number),
        arrived_at=timestamp(NOON + timedelta(minutes=minute)),
    )
    return msgspec.json.encode({"record": record, "reason": reason, "field": field, "data": "x" * 50})


def put(stack: Stack, name: str, lines: Iterable[bytes], hour: datetime = NOON) -> str:
    key = layout.hour_prefix(layout.REJECTED, hour) + name
    stack.s3.put_object(Bucket=LAKE, Key=key, Body=gzip.compress(b"\n".join(lines), 1))
    return key


def test_an_object_is_read_once(stack: Stack) -> None:
    first = put(stack, "a", [line(n) for n in range(10)])
    assert rejections(stack).count == 10
    gets = stack.gets()
    second = put(stack, "b", [line(n) for n in range(5, 12)])

    assert rejections(stack).count == rejections(stack).count == 12
    assert (gets.count(first), gets.count(second)) == (0, 1)


def test_a_record_in_two_partitions_is_counted_once(stack: Stack) -> None:
    put(stack, "a", [line(1), line(2)])
    rejections(stack)
    put(stack, "b", [line(2), line(3)], NOON + HOUR)

    assert rejections(stack).count == 3


def test_a_window_has_the_records_of_its_minutes(stack: Stack) -> None:
    put(stack, "a", [line(n, minute=n - 30) for n in range(60)])

    assert rejections(stack).count == 30
    assert rejections(stack, NOON - 10 * HOUR / 60, NOON + 3 * HOUR / 60).count == 13


def test_without_the_lease_nothing_is_stored(stack: Stack) -> None:
    put(stack, "a", [line(1)])

    assert rejections(stack, writes=False).count == 1
    assert stack.keys(PREFIX) == []


def test_a_changed_object_is_read_again_and_a_deleted_one_stays_counted(stack: Stack) -> None:
    put(stack, "a", [line(1), line(2)])
    kept = put(stack, "b", [line(3)])
    assert rejections(stack).count == 3
    put(stack, "a", [line(1)])
    assert rejections(stack).count == 2
    stack.s3.delete_object(Bucket=LAKE, Key=kept)

    assert rejections(stack).count == 2


def test_bad_lines_are_reported_until_the_object_is_deleted(stack: Stack) -> None:
    times = ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "300000-01-01T00:00:00Z", "noon")
    odd = [line(9).replace(timestamp(NOON + HOUR / 12).encode(), time.encode()) for time in times]
    key = put(stack, "a", [b"{", line(1), *odd, b"\xff", line(2)])

    found = rejections(stack)
    assert found.count == 2
    assert [u.key for u in found.unreadable] == [key]
    assert found.unreadable[0].reason.startswith("6 lines are not rejected records")

    stack.s3.delete_object(Bucket=LAKE, Key=key)
    assert rejections(stack).unreadable == []


def test_distinct_reasons_are_bounded_in_number_and_length(stack: Stack) -> None:
    flood = [line(n, reason="duplicate_key", field=f"{n}-" + "x" * 300) for n in range(6_000)]
    put(
        stack,
        "a",
        [*flood, *(line(10_000 + n) for n in range(7)), line(20_000, reason="late_code", field="")],
    )

    found = rejections(stack)

    assert found.count == 6_008
    assert sum(found.reasons.values()) == 6_008
    assert len(found.reasons) <= 21
    assert max(map(len, found.reasons)) <= 200
    assert found.reasons["duplicate_key (other fields)"] == 5_950
    assert found.reasons["wrong_type (other fields)"] == 7
    assert len(json.dumps(msgspec.to_builtins(found))) < 10_000


def test_many_distinct_reasons_without_a_field_are_bounded(stack: Stack) -> None:
    put(stack, "a", [line(n, reason=f"code {n}", field="") for n in range(500)])

    found = rejections(stack)

    assert (found.count, sum(found.reasons.values())) == (500, 500)
    assert len(found.reasons) <= 21


def test_beyond_the_known_records_duplicates_are_counted(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rejection_counts, "KNOWN_RECORDS", 10)
    put(stack, "a", [line(n) for n in range(30)])
    assert rejections(stack).count == 30
    put(stack, "b", [line(n) for n in range(30)])

    assert rejections(stack).count == 30 + 20
    ledger = json.loads(stack.read(layout.hour_prefix(f"{PREFIX}rejected", NOON) + "ledger.json"))
    assert len(ledger["identities"]) < 200


def test_a_run_that_is_killed_keeps_the_groups_that_it_read(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lambda_monitor.lake.objects._GROUP_OBJECTS", 2)
    keys = [put(stack, f"{n}", [line(n)]) for n in range(6)]

    def kill(params: dict, **_: object) -> None:
        if params["Key"] == keys[4]:
            raise KeyboardInterrupt

    stack.s3.meta.events.register("provide-client-params.s3.GetObject", kill)
    with pytest.raises(KeyboardInterrupt):
        rejections(stack)
    stack.s3.meta.events.unregister("provide-client-params.s3.GetObject", kill)
    gets = stack.gets()

    assert rejections(stack).count == 6
    assert set(gets) & set(keys) == set(keys[4:])


@pytest.mark.parametrize("body", [b"{", b"", b'{"identities": "AAAA"}', b'{"added": 1}'])
def test_a_damaged_ledger_is_rebuilt(stack: Stack, body: bytes) -> None:
    put(stack, "a", [line(n) for n in range(10)])
    rejections(stack)
    [key] = stack.keys(PREFIX)
    stack.s3.put_object(Bucket=LAKE, Key=key, Body=body)

    assert rejections(stack).count == 10
