"""Faults of objects, records and labels in the lake."""

import io
import json
from datetime import timedelta

import pyarrow as pa
import pyarrow.parquet as pq

from contract import layout
from tests.faults.bench import Bench, Broken, Fault, Seen, zeros
from tests.lambda_monitor.synthetic import HOUR, LAKE, NOON


def _key(root: str, name: str, number: int = 0) -> str:
    return f"{layout.hour_prefix(root, NOON + number * HOUR)}{name}"


def _beside(data: bytes, root: str = layout.PREDICTIONS) -> "Seen":
    bench = Bench().filled()
    bench.put_bytes(data, _key(root, "broken"))
    return bench.run()


def _late(bench: Bench) -> Seen:
    """Records land two hours after their window was monitored; later windows report them."""
    bench.filled(*range(7))
    late = bench.hour(0, rows=500)
    for number in (0, 1):
        bench.run(number)
    bench.put(late, 2)
    seen = Seen()
    for number in range(2, 7):
        now = bench.run(number)
        seen = Seen(
            now.status, now.records, {**seen.failing, **now.failing}, seen.kinds + now.kinds, now.error
        )
    return seen


def _lost(bench: Bench) -> Seen:
    bench.bundle()
    lines = bench.hour()
    bench.put([*lines[:950], *lines[:50]])
    bench.count_incoming(1_000)
    return bench.run()


def _other_version(bench: Bench) -> Seen:
    bench.bundle()
    bench.put(bench.hour(rows=10))
    bench.put(bench.hour(rows=1_990, drifted=True, version="2"))
    return bench.run()


def _parquet_label(bench: Bench) -> Seen:
    bench.filled()
    buffer = io.BytesIO()
    dates = pa.array([NOON.date()] * 3)
    pq.write_table(pa.table({"ride_id": ["a", "b", "c"], "duration": dates}), buffer)
    bench.put_bytes(buffer.getvalue(), "ground_truth/labels.parquet")
    return bench.run()


def _partitioned_labels(bench: Bench) -> Seen:
    bench.bundle()
    lines = bench.hour()
    bench.put(lines)
    labels = "".join(
        json.dumps({"ride_id": json.loads(line)["ride_id"], "duration": 500.0}) + "\n" for line in lines
    )
    bench.put_bytes(labels.encode(), "ground_truth/year=2026/month=03/labels.json")
    return bench.run()


def _times(bench: Bench) -> Seen:
    bench.bundle()
    lines = bench.hour()
    for number, text in enumerate(
        (b"2026-03-02T12:00:00.000001Z", b"9999-12-31T23:59:59.999Z", b"0001-01-01T00:00:00.000Z", b"soon")
    ):
        start = lines[number].index(b'"arrived_at":"') + 14
        lines[number] = lines[number][:start] + text + lines[number][start + 24 :]
    bench.put(lines)
    return bench.run()


def _refused_once(bench: Bench) -> Seen:
    bench.bundle()
    lines = bench.hour()
    bench.put(lines[:500])
    key = bench.put(lines[500:])
    bench.s3 = Broken(bench.stack.s3, "get_object", "SlowDown", times=1, key=key)
    first, second = bench.run(), bench.run(name="again")
    return Seen(
        second.status, second.records, {**first.failing, **second.failing}, first.kinds + second.kinds
    )


def _failed_batch(bench: Bench) -> Seen:
    bench.filled()
    bench.put_bytes(b"{}", f"{layout.FAILED}/x/shardId-0/2026/03/02/batch.json")
    item = bench.stack.s3.head_object(Bucket=LAKE, Key=f"{layout.FAILED}/x/shardId-0/2026/03/02/batch.json")
    written = item["LastModified"].replace(minute=0, second=0)
    hour = round((written - NOON) / timedelta(hours=1))
    bench.put(bench.hour(hour), hour)
    return bench.run(hour)


FAULTS = [
    Fault(
        "object that is not gzip beside 1,000 records",
        "records counted, lake.unreadable_objects error, message",
        lambda _: _beside(b"\x1f\x8bnot gzip"),
        lambda s: (
            s.records == 1_000 and s.failing.get("lake.unreadable_objects") == "error" and bool(s.kinds)
        ),
    ),
    Fault(
        "gzip bomb of 300 MB of zeros",
        "records counted, an error or alert, message",
        lambda _: _beside(zeros(300)),
        lambda s: s.records == 1_000 and bool(s.failing) and bool(s.kinds),
    ),
    Fault(
        "line of 40 MB",
        "records counted, an error or alert, message",
        lambda _: _beside(b'{"ride_id":"' + b"x" * (40 << 20) + b'"}\n'),
        lambda s: s.records == 1_000 and bool(s.failing) and bool(s.kinds),
    ),
    Fault(
        "damaged object under rejected/",
        "lake.unreadable_objects error, message",
        lambda _: _beside(b"\x1f\x8bnot gzip", layout.REJECTED),
        lambda s: s.failing.get("lake.unreadable_objects") == "error" and bool(s.kinds),
    ),
    Fault(
        "object that S3 refuses once",
        "error now, all records counted by the next run",
        _refused_once,
        lambda s: s.records == 1_000 and "lake.unreadable_objects" in s.failing and bool(s.kinds),
    ),
    Fault(
        "records that land two hours late",
        "lake.late fails in a later window",
        _late,
        lambda s: "lake.late" in s.failing,
    ),
    Fault(
        "5% lost beside 5% delivered twice",
        "service.lost alert, message",
        _lost,
        lambda s: s.failing.get("service.lost") == "alert" and bool(s.kinds),
    ),
    Fault(
        "1,990 events of another version beside 10",
        "model.version fails, message",
        _other_version,
        lambda s: "model.version" in s.failing and bool(s.kinds),
    ),
    Fault(
        "times with microseconds, out of range and not a time",
        "good records counted, lake.bad_lines or lake.clock_skew fails",
        _times,
        lambda s: s.records >= 996 and bool({"lake.bad_lines", "lake.clock_skew"} & set(s.failing)),
    ),
    Fault(
        "Parquet label of the wrong type",
        "records judged, labels.unreadable fails",
        _parquet_label,
        lambda s: s.records == 1_000 and "labels.unreadable" in s.failing,
    ),
    Fault(
        "labels dropped under year=2026/month=03/",
        "labels used: performance alert",
        _partitioned_labels,
        lambda s: "performance" in s.failing,
    ),
    Fault(
        "batch that Lambda gave up on",
        "service.failed alert, message",
        _failed_batch,
        lambda s: s.failing.get("service.failed") == "alert" and bool(s.kinds),
    ),
]
