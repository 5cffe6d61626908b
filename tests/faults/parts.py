"""Faults of services, stored state and runs."""

import json
from collections.abc import Callable, Iterator

from contract import layout
from tests.faults.bench import Bench, Broken, Fault, Seen
from tests.lambda_monitor.synthetic import ARTIFACTS, MODEL, Killed, reference


def _damaged(ending: str, *, labels: bool = False) -> Callable[[Bench], Seen]:
    """Return a drive: monitor hour 0, damage what was stored, add records, monitor again."""

    def drive(bench: Bench) -> Seen:
        bench.bundle()
        lines = bench.hour()
        bench.put(lines[:900])
        if labels:
            ids = [json.loads(line)["ride_id"] for line in lines]
            bench.stack.label(
                {i: float(json.loads(x)["prediction"]["duration"]) for i, x in zip(ids, lines, strict=True)}
            )
        bench.run()
        bench.damage(ending)
        bench.put(lines[900:])
        return bench.run(name="again")

    return drive


def _rebuilt(seen: Seen) -> bool:
    """Return whether all records are counted, or the damage is reported."""
    return not seen.error and (seen.records == 1_000 or bool(seen.failing))


def _sns_down(bench: Bench) -> Seen:
    bench.filled(drifted=True)
    bench.sns = Broken(bench.stack.sns, "publish", "ServiceUnavailable", times=1)
    first = bench.run()
    bench.filled(1, drifted=True)
    second = bench.run(1)
    return Seen(second.status, second.records, second.failing, first.kinds + second.kinds, first.error)


def _sns_refuses(bench: Bench) -> Seen:
    bench.filled(drifted=True)
    bench.sns = Broken(bench.stack.sns, "publish", "InvalidParameter", times=1)
    return bench.run()


def _cloudwatch_denied(bench: Bench) -> Seen:
    bench.filled()
    bench.count_incoming(1_000)
    bench.cloudwatch = Broken(bench.cloudwatch, "get_paginator", "AccessDenied")
    return bench.run()


def _state(change: Callable[[dict[str, object]], object]) -> Callable[[Bench], Seen]:
    """Return a drive: an ordinary hour, a changed state.json, then a drifted hour."""

    def drive(bench: Bench) -> Seen:
        bench.filled(0)
        bench.run(0)
        key = f"{layout.ALERTS}/{MODEL.name}/state.json"
        bench.put_bytes(json.dumps(change(json.loads(bench.stack.read(key)))).encode(), key)
        bench.put(bench.hour(1, drifted=True), 1)
        return bench.run(1)

    return drive


def _foreign_folder(bench: Bench) -> Seen:
    bench.filled(drifted=True)
    for key in (
        f"reports/{MODEL.name}/notes/readme.txt",
        "reports/other/report.json",
        "reports/x/y/report.json",
    ):
        bench.put_bytes(b"not a report", key)
    return bench.run()


def _damaged_report(bench: Bench) -> Seen:
    bench.filled(0)
    bench.run(0)
    bench.damage("report.json")
    bench.put(bench.hour(1, drifted=True), 1)
    return bench.run(1)


def _thresholds(bench: Bench) -> Seen:
    bench.stack.bundle_of(reference(), b'{"limits": 5}')
    bench.put(bench.hour())
    return bench.run()


def _changed_bundle(bench: Bench) -> Seen:
    bench.filled()
    key = layout.model_prefix(MODEL.name, "1") + "reference.parquet"
    bench.stack.s3.put_object(Bucket=ARTIFACTS, Key=key, Body=b"other bytes")
    return bench.run()


def _killed(bench: Bench) -> Seen:
    """Kill a run at each of some writes; return the first retry that is not good, else the last."""
    bench.filled(drifted=True)
    seen = Seen()
    for dies_at in (0, 2, 4, 6):
        bench.stack.empty("reports/", "profiles/", "alerts/")
        writes = iter(range(dies_at))

        def kill(writes: Iterator[int] = writes, **_: object) -> None:
            if next(writes, None) is None:
                raise Killed

        bench.stack.s3.meta.events.register("before-send.s3.PutObject", kill)
        first = bench.run(name="killed")
        bench.stack.s3.meta.events.unregister("before-send.s3.PutObject", kill)
        second = bench.run(name="killed")
        seen = Seen(second.status, second.records, second.failing, first.kinds + second.kinds, second.error)
        if not seen.kinds or seen.records != 1_000:
            break
    return seen


def _two_runs(bench: Bench) -> Seen:
    bench.filled(drifted=True)
    other: list[Seen] = []

    class Overlapping(Broken):
        def __getattr__(self, name: str) -> object:
            if name == "publish" and not other:
                other.append(Seen())
                bench.sns = bench.stack.sns
                other[0] = bench.run(name="second")
            return getattr(bench.stack.sns, name)

    bench.sns = Overlapping(bench.stack.sns, "", "")
    first = bench.run(name="first")
    return Seen(first.status, first.records, first.failing, other[0].kinds + first.kinds)


def _asked(bench: Bench) -> Seen:
    bench.filled(0)
    bench.put(bench.hour(1, drifted=True), 1)
    bench.run(1)
    seen = bench.run(0, "by hand", asked=True)
    return Seen(seen.status, seen.records, seen.failing, seen.kinds) if seen.kinds else bench.run(1, "again")


def _small_window(bench: Bench) -> Seen:
    bench.filled(0, drifted=True)
    bench.run(0)
    bench.put(bench.hour(1, rows=95, drifted=True), 1)
    return bench.run(1)


def _gap(bench: Bench) -> Seen:
    bench.filled(0, 5)
    bench.run(0)
    return bench.run(5)


def _no_data(bench: Bench) -> Seen:
    bench.filled(0)
    bench.run(0)
    return bench.run(6)


def _alerted(seen: Seen) -> bool:
    return seen.status == "alert" and "alert" in seen.kinds and not seen.error


FAULTS = [
    Fault(
        "SNS down",
        "an error, and the next run sends the alert",
        _sns_down,
        lambda s: bool(s.error) and "alert" in s.kinds,
    ),
    Fault("message refused by SNS", "another message is sent", _sns_refuses, lambda s: bool(s.kinds)),
    Fault(
        "CloudWatch denied",
        "service checks have status error, message",
        _cloudwatch_denied,
        lambda s: s.failing.get("service.lost") == "error" and bool(s.kinds),
    ),
    *(
        Fault(
            f"damaged {what}",
            "rebuilt, or reported by a check",
            _damaged(ending, labels="label" in what),
            _rebuilt,
        )
        for what, ending in (
            ("ledger", "ledger.json"),
            ("rows", "-rows.parquet"),
            ("sample", "-sample.parquet"),
            ("label cache", "labels.parquet"),
            ("lease", "lease.json"),
            ("index", "index.html"),
        )
    ),
    Fault("damaged report of an earlier window", "drifted window alerts", _damaged_report, _alerted),
    Fault("damaged state", "message", _state(lambda _: "damaged"), lambda s: bool(s.kinds) and not s.error),
    Fault(
        "state of a newer release",
        "drifted window alerts",
        _state(lambda s: {**s, "newer": {"x": 1}}),
        _alerted,
    ),
    Fault(
        "state that ends in the future",
        "drifted window alerts",
        _state(lambda s: {**s, "window_end": "2036-01-01T00:00:00Z"}),
        _alerted,
    ),
    Fault("foreign folders under reports/", "drifted window alerts", _foreign_folder, _alerted),
    Fault(
        "no bundle",
        "status error, message",
        lambda b: (b.put(b.hour()), b.run())[1],
        lambda s: s.status == "error" and bool(s.kinds),
    ),
    Fault(
        "wrong thresholds.json",
        "status error, message",
        _thresholds,
        lambda s: s.status == "error" and bool(s.kinds),
    ),
    Fault(
        "changed file of the bundle",
        "status error, message",
        _changed_bundle,
        lambda s: s.status == "error" and bool(s.kinds),
    ),
    Fault(
        "run killed at a write",
        "its retry counts all records and alerts",
        _killed,
        lambda s: s.records == 1_000 and "alert" in s.kinds,
    ),
    Fault("two runs at once", "exactly one alert", _two_runs, lambda s: s.kinds == ("alert",)),
    Fault(
        "window asked by hand during an alert",
        "the alert is not resolved",
        _asked,
        lambda s: s.status == "alert" and "resolved" not in s.kinds,
    ),
    Fault(
        "window too small for drift checks after an alert",
        "not resolved",
        _small_window,
        lambda s: "resolved" not in s.kinds and not s.error,
    ),
    Fault(
        "hours without a monitoring run",
        "monitor.gap alert, message",
        _gap,
        lambda s: s.failing.get("monitor.gap") == "alert" and bool(s.kinds),
    ),
    Fault(
        "no records after records",
        "status no_data, message",
        _no_data,
        lambda s: s.status == "no_data" and bool(s.kinds),
    ),
]
