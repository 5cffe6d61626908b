"""One unreadable object, line or time leaves the other records of its partition as they are."""

import gzip
import io
import json
from datetime import timedelta

import duckdb
import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contract import layout
from lambda_monitor.hours.ledger import Ledger, Part
from lambda_monitor.hours.window import Window
from lambda_monitor.lake import parser
from lambda_monitor.lake.objects import Unreadable, list_objects
from tests.lambda_monitor.synthetic import HOUR, LAKE, NOON, Stack, hours, read_window, synthetic_rides

PREFIX = layout.hour_prefix(layout.PREDICTIONS, NOON)


def read(stack: Stack, run: str = "a") -> Window:
    return read_window(hours(stack, run))


def put(stack: Stack, name: str, data: bytes) -> str:
    stack.s3.put_object(Bucket=LAKE, Key=PREFIX + name, Body=data)
    return PREFIX + name


def test_a_long_line_is_left_out_and_all_others_are_read(stack: Stack) -> None:
    rides = stack.events(synthetic_rides(300, seed=1))
    stack.put(rides[:100])
    line = b'{"ride_id":"' + b"x" * (40 << 20) + b'"}'
    key = put(stack, "long", gzip.compress(b"\n".join([*rides[100:150], line, *rides[150:200]]), 1))
    stack.put(rides[200:])

    found = read(stack)

    assert found.records == 300
    assert [(u.key, u.reason) for u in found.unreadable] == [
        (key, "1 lines are longer than 8 MiB and were left out")
    ]


def test_a_deleted_unreadable_object_is_forgotten_and_its_partition_read_again(stack: Stack) -> None:
    rides = stack.events(synthetic_rides(200, seed=1))
    stack.put(rides[:100])
    key = put(stack, "broken", gzip.compress(b"\n".join([*rides[100:], b"x" * (9 << 20)]), 1))
    before = read(stack)
    assert ([u.key for u in before.unreadable], before.records) == ([key], 200)
    stack.s3.delete_object(Bucket=LAKE, Key=key)

    found = read(stack, "b")

    assert (found.records, found.unreadable) == (100, [])


def test_objects_lost_by_an_earlier_release_are_read_after_the_deletion(stack: Stack) -> None:
    """An earlier release marked every object of a joined file as unreadable."""
    [good] = stack.put(stack.events(synthetic_rides(100, seed=1)))
    broken = put(stack, "broken", b"\x1f\x8bno")
    found = list_objects(stack.s3, LAKE, PREFIX)
    ledger = Ledger(
        objects={o.key: o.etag for o in found},
        unreadable=[Unreadable(broken, "too long"), Unreadable(good, "too long")],
    )
    name = layout.hour_prefix("profiles/m/1/hours", NOON) + "ledger.json"
    stack.s3.put_object(Bucket=LAKE, Key=name, Body=msgspec.json.encode(ledger))
    assert read(stack).records == 0
    stack.s3.delete_object(Bucket=LAKE, Key=broken)

    assert read(stack, "b").records == 100


def test_bad_lines_are_counted_per_object_and_forgotten_with_it(stack: Stack) -> None:
    rides = stack.events(synthetic_rides(90, seed=1))
    stack.put([*rides[:30], b"", b"  "])
    first = put(stack, "a", b"\n".join([b"no", *rides[30:60], b"no"]))
    second = put(stack, "b", b"no")
    stack.put(rides[60:])

    assert read(stack).bad_lines == {first: 2, second: 1}
    stack.s3.delete_object(Bucket=LAKE, Key=second)
    assert read(stack, "b").bad_lines == {first: 2}


def test_an_object_cannot_forge_the_mark_of_another(stack: Stack) -> None:
    stack.put(stack.events(synthetic_rides(30, seed=1)))
    key = put(stack, "forged", b'{"@object":"0:0"}\n{"@object":":0"}\n')

    assert read(stack).bad_lines == {key: 2}


def test_a_joined_file_that_cannot_be_parsed_loses_one_object(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    rides = stack.events(synthetic_rides(90, seed=1))
    keys = stack.put([*rides, b"poison", *[b""] * 6, b"no"], objects=10)
    tables = parser.Parser._tables

    def refuse(self, source, bad):
        if b"poison" in source.path.read_bytes():
            raise duckdb.InvalidInputException("poison " + "x" * 1000)
        return tables(self, source, bad)

    monkeypatch.setattr(parser.Parser, "_tables", refuse)
    found = read(stack)

    assert [u.key for u in found.unreadable] == [keys[0]]
    assert len(found.unreadable[0].reason) == 300
    assert found.bad_lines == {keys[7]: 1}
    assert found.records == 81


@pytest.mark.parametrize(
    ("arrival", "records"),
    [
        ("2026-03-02T12:30:00.123456Z", 31),
        ("0001-01-01T00:00:00Z", 30),
        ("9999-12-31T23:59:59Z", 30),
        ("300000-01-01T00:00:00Z", 30),
        ("294247-01-10T04:00:54Z", 30),
        ("infinity", 30),
        ("2026-03-02 (BC) 12:00:00", 30),
    ],
)
def test_any_time_of_arrival_is_read_or_counted_as_a_bad_line(
    stack: Stack, arrival: str, records: int
) -> None:
    rides = stack.events(synthetic_rides(31, seed=1))
    event = json.loads(rides[0])
    event["record"]["arrived_at"] = arrival
    stack.put([json.dumps(event).encode(), *rides[1:]])

    found = read(stack)

    assert (found.records, sum(found.bad_lines.values())) == (records, 31 - records)


@pytest.mark.parametrize(
    "path", [("features", "trip_distance"), ("record",), ("prediction",), ("model",), ()]
)
@pytest.mark.parametrize("value", ["text", [1, 2], {"a": {"b": [1]}}, 2**62, None, b"\xff\x00"])
def test_parquet_of_any_types_is_read_or_reported(stack: Stack, path: tuple[str, ...], value: object) -> None:
    event = {k: v for k, v in json.loads(stack.events(synthetic_rides(1, seed=1))[0]).items() if k != "ride"}
    stack.put(stack.events(synthetic_rides(30, seed=2)))
    holder = event
    for name in path[:-1]:
        holder = holder[name]
    holder[path[-1] if path else "ride_id"] = value
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist([event]), buffer)
    put(stack, "events.parquet", buffer.getvalue())

    found = read(stack)

    assert found.records + len(found.unreadable) + sum(found.bad_lines.values()) == 31


def test_parquet_with_too_many_rows_is_reported(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parser, "PARQUET_ROWS", 10)
    buffer = io.BytesIO()
    pq.write_table(pa.table({"ride_id": ["x"] * 11}), buffer)
    put(stack, "events.parquet", buffer.getvalue())

    assert "the limits are 10 rows" in read(stack).unreadable[0].reason


def test_strayed_records_of_many_hours_are_only_counted(stack: Stack) -> None:
    rides = stack.events(synthetic_rides(1500, seed=1), NOON + 9 * HOUR, span=1500 * HOUR)
    stack.put([*stack.events(synthetic_rides(30, seed=2)), *rides, *rides[:10]])

    found = read(stack)

    assert (found.records, found.strayed) == (30, 1500)
    ledger = json.loads(stack.read(layout.hour_prefix("profiles/m/1/hours", NOON) + "ledger.json"))
    assert len(ledger["parts"]) == 1


def test_strayed_records_of_an_earlier_release_are_counted(stack: Stack) -> None:
    stack.put(stack.events(synthetic_rides(30, seed=2)))
    read(stack)
    name = layout.hour_prefix("profiles/m/1/hours", NOON) + "ledger.json"
    ledger = msgspec.json.decode(stack.read(name), type=Ledger)
    part = Part(records=7, rows=["not read"])
    far = (NOON + timedelta(hours=9)).isoformat()
    ledger = msgspec.structs.replace(ledger, parts={**ledger.parts, far: part})
    stack.s3.put_object(Bucket=LAKE, Key=name, Body=msgspec.json.encode(ledger))

    assert read(stack, "b").strayed == 7


def test_other_versions_are_counted_by_bounded_names(stack: Stack) -> None:
    rides = stack.events(synthetic_rides(60, seed=1))
    stack.put(
        [
            line.replace(b'"version":"1"', b'"version":"%d%s"' % (n, b"x" * 500))
            for n, line in enumerate(rides)
        ]
    )

    found = read(stack)

    assert sum(found.others.values()) == 60
    assert 20 <= len(found.others) <= 21
    assert found.others["further versions"] >= 40
    assert max(map(len, found.others)) == 200
