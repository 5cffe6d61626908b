"""The whole function on moto: events in the lake to report and notification."""

import html
import importlib
import json
import re
from datetime import datetime

import pytest

from contract import layout
from lambda_monitor import monitor
from lambda_monitor.reports import evidently_report
from lambda_monitor.run import Clients, Span
from lambda_monitor.settings import Settings
from tests.lambda_monitor.synthetic import HOUR, LAKE, NOON, Context, Killed, Stack, moment, synthetic_rides


@pytest.fixture
def invoke(stack: Stack, monkeypatch: pytest.MonkeyPatch):
    for name, value in stack.environment().items():
        monkeypatch.setenv(name, value)
    handler = importlib.reload(importlib.import_module("lambda_monitor.handler"))

    def call(start: datetime = NOON, end: datetime = NOON + HOUR, request_id: str = "request") -> dict:
        event = {"start": start.isoformat(), "end": end.isoformat()}
        # Lambda returns the result as JSON.
        return json.loads(json.dumps(handler.handler(event, Context(request_id))))

    return call


def failing(summary: dict) -> set[tuple[str, ...]]:
    return {(c["name"], *c["columns"]) for c in summary["checks"] if c["status"] in {"alert", "error"}}


def test_an_ordinary_window_is_ok_without_a_notification(stack: Stack, invoke) -> None:
    stack.bundle()
    stack.put(stack.events(synthetic_rides(2000, seed=7)), objects=20)

    summary = invoke()

    assert (summary["status"], summary["records"], summary["notified"]) == ("ok", 2000, False)
    assert failing(summary) == set()
    assert stack.notifications() == []


def test_a_drifted_window_is_notified_with_its_report(stack: Stack, invoke) -> None:
    stack.bundle()
    stack.put(stack.events(synthetic_rides(2000, seed=7, stretch=2.0)), objects=20)

    summary = invoke()

    assert (summary["status"], summary["notified"]) == ("alert", True)
    assert "trip_distance" in {column for check in failing(summary) for column in check[1:]}
    [notification] = stack.notifications()
    assert "trip_distance" in notification["Message"]
    assert summary["report"] in notification["Message"]
    assert notification["MessageAttributes"]["kind"]["Value"] == "alert"
    page = stack.read(summary["report"])
    assert b"trip_distance" in page
    assert b"plotly" in page.lower()
    assert page.lstrip().lower().startswith(b"<!doctype html") or b"<html" in page
    result = json.loads(stack.read(summary["report"].replace("report.html", "report.json")))
    assert result["checks"] == summary["checks"]
    evidently = json.loads(stack.read(summary["report"].replace("report.html", "report.evidently.json")))
    drawn = {m["config"].get("column") for m in evidently["metrics"] if "ValueDrift" in m["metric_name"]}
    assert "trip_distance" in drawn


def test_alert_then_resolved_then_the_same_window_again(stack: Stack, invoke) -> None:
    stack.bundle()
    for hour, stretch in enumerate([2.0, 1.0]):
        moment = NOON + hour * HOUR
        stack.put(stack.events(synthetic_rides(2000, seed=7, stretch=stretch), moment), moment)

    statuses = [invoke(NOON, NOON + HOUR)["status"], invoke(NOON + HOUR, NOON + 2 * HOUR)["status"]]
    again = invoke(NOON + HOUR, NOON + 2 * HOUR, "another")

    assert statuses == ["alert", "ok"]
    assert not again["notified"]
    assert [m["MessageAttributes"]["kind"]["Value"] for m in stack.notifications()] == ["alert", "resolved"]


def test_a_past_window_asked_by_hand_is_notified_once_and_resolves_nothing(stack: Stack, invoke) -> None:
    stack.bundle()
    for hour, stretch in enumerate([2.0, 1.0]):
        moment = NOON + hour * HOUR
        stack.put(stack.events(synthetic_rides(2000, seed=7, stretch=stretch), moment), moment)
    invoke(NOON + HOUR, NOON + 2 * HOUR)

    notified = [invoke(NOON, NOON + HOUR, str(n))["notified"] for n in range(2)]

    assert notified == [True, False]
    assert [m["MessageAttributes"]["kind"]["Value"] for m in stack.notifications()] == ["alert"]


def test_an_empty_window_is_no_data(stack: Stack, invoke) -> None:
    stack.bundle()

    summary = invoke()

    assert (summary["status"], summary["records"], summary["notified"]) == ("no_data", 0, False)
    assert b"no data" in stack.read(summary["report"])


def test_no_data_after_data_is_notified(stack: Stack, invoke) -> None:
    stack.bundle()
    stack.put(stack.events(synthetic_rides(2000, seed=7)))
    invoke()

    summary = invoke(NOON + 6 * HOUR, NOON + 7 * HOUR)

    assert (summary["status"], summary["notified"]) == ("no_data", True)
    assert "no predictions arrived" in stack.notifications()[0]["Subject"]


def test_a_missing_bundle_is_an_error_and_notified(stack: Stack, invoke) -> None:
    summary = invoke()

    assert (summary["status"], summary["notified"]) == ("error", True)
    assert "manifest.json is not there" in summary["reason"]
    assert "upload the bundle" in stack.notifications()[0]["Message"]


def test_a_window_with_unreadable_objects_is_never_ok(stack: Stack, invoke) -> None:
    stack.bundle()
    stack.put(stack.events(synthetic_rides(2000, seed=7)))
    key = layout.hour_prefix(layout.PREDICTIONS, NOON) + "broken.gz"
    stack.s3.put_object(Bucket=LAKE, Key=key, Body=b"\x1f\x8bbroken")

    summary = invoke()

    assert (summary["status"], summary["records"], summary["notified"]) == ("error", 2000, True)
    assert failing(summary) == {("lake.unreadable_objects",)}
    assert key in stack.notifications()[0]["Message"]


def test_nothing_but_unreadable_objects_is_an_error_not_no_data(stack: Stack, invoke) -> None:
    stack.bundle()
    key = layout.hour_prefix(layout.PREDICTIONS, NOON) + "broken.gz"
    stack.s3.put_object(Bucket=LAKE, Key=key, Body=b"\x1f\x8bbroken")

    assert invoke()["status"] == "error"


def test_the_same_window_gives_the_same_files(stack: Stack, invoke) -> None:
    stack.bundle()
    stack.put(stack.events(synthetic_rides(3000, seed=7), NOON - HOUR, span=3 * HOUR), objects=3)

    def files() -> dict[str, bytes]:
        invoke(NOON - HOUR, NOON + 2 * HOUR)
        return {
            k: stack.read(k) for k in stack.keys("reports/") if k.endswith(".json") and "run.json" not in k
        }

    first, second = files(), files()

    assert {name.rsplit("/", 1)[1] for name in first} == {"report.json", "report.evidently.json"}
    assert first == second


def test_labels_give_performance_and_a_report_of_it(stack: Stack, invoke) -> None:
    stack.bundle()
    rides = synthetic_rides(2000, seed=7)
    lines = stack.events(rides)
    stack.put(lines)
    ids = [json.loads(line)["ride_id"] for line in lines]
    early = invoke()
    stack.label(dict(zip(ids[:1500], rides["duration"] + 20, strict=False)), NOON + HOUR)

    late = invoke()

    by_name = {c["name"]: c for c in late["checks"]}
    assert by_name["labels.coverage"]["value"] == 0.75
    assert {c["name"]: c for c in early["checks"]}["labels.coverage"]["status"] == "skipped"
    assert ("performance",) in failing(late)
    assert not [c for c in failing(early) if c[0].startswith("performance")]
    evidently = json.loads(stack.read(late["report"].replace("report.html", "performance.evidently.json")))
    assert "MAE(" in str([m["metric_name"] for m in evidently["metrics"]])


def test_late_labels_score_the_window_of_their_records(stack: Stack, invoke) -> None:
    stack.bundle()
    rides = synthetic_rides(2000, seed=7)
    lines = stack.events(rides)
    stack.put(lines)
    stack.put(stack.events(synthetic_rides(2000, seed=8), NOON + 2 * HOUR), NOON + 2 * HOUR)
    invoke()
    ids = [json.loads(line)["ride_id"] for line in lines]
    stack.label(dict(zip(ids, rides["duration"] + 20, strict=True)), NOON + 2 * HOUR)

    summary = invoke(NOON + 2 * HOUR, NOON + 3 * HOUR)

    [coverage] = [c for c in summary["checks"] if c["name"] == "labels.coverage"]
    assert (coverage["value"], coverage["detail"]["start"]) == (1.0, "2026-03-02T12:00:00.000Z")
    assert ("performance",) in failing(summary)


def test_a_run_killed_at_any_write_is_made_good_by_its_retry(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A retry notifies once and completes the report, whichever write of the first run was the last."""
    stack.bundle()
    stack.put(stack.events(synthetic_rides(2000, seed=7, stretch=2.0)))
    settings = Settings.from_environment(stack.environment())
    clients = Clients(s3=stack.s3, sns=stack.sns, cloudwatch=None, athena=None)
    window = Span(start=NOON, end=NOON + HOUR, asked=False)
    # Rendering takes most of the time and writes nothing.
    rendered = evidently_report.Rendered(b"<html>", b"{}")
    monkeypatch.setattr(evidently_report, "render", lambda *_, **__: rendered)

    def attempt(number: int) -> dict:
        return monitor.run(clients, settings, window, moment(f"run {number}", NOON + number * HOUR))

    writes = _Writes(stack, dies_at=10**6)
    whole = attempt(0)
    final = {key: stack.read(key) for key in stack.keys("reports/") if not key.endswith("run.json")}
    total = writes.count
    writes.end()
    assert [m["MessageAttributes"]["kind"]["Value"] for m in stack.notifications()] == ["alert"]
    for dies_at in range(total):
        stack.empty("reports/", "profiles/", "alerts/")
        writes = _Writes(stack, dies_at=dies_at)
        with pytest.raises(Killed):
            attempt(1)
        writes.end()
        notified_before = len(stack.notifications())
        summary = attempt(2)
        notified = notified_before + len(stack.notifications())
        assert {k: stack.read(k) for k in final} == final
        assert summary["checks"] == whole["checks"]
        # Only a kill between sending a message and recording that repeats the message.
        assert notified == (2 if writes.killed_key.startswith("alerts/") and notified_before else 1)
    assert total > 5


def test_an_alert_and_its_plain_page_precede_the_rendering(
    stack: Stack, invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.bundle()
    stack.put(stack.events(synthetic_rides(2000, seed=7, stretch=2.0)))
    draw = evidently_report.render

    def dies(*_: object, **__: object) -> None:
        raise Killed

    monkeypatch.setattr(evidently_report, "render", dies)
    with pytest.raises(Killed):
        invoke()
    [notification] = stack.notifications()
    [linked] = re.findall(r"Report: (\S+)", notification["Message"])
    plain = stack.read(linked).decode()
    monkeypatch.setattr(evidently_report, "render", draw)
    summary = invoke(request_id="retry")

    assert "The pictures are being drawn" in plain
    [drift] = [
        c for c in summary["checks"] if c["name"] == "drift.feature" and "trip_distance" in c["columns"]
    ]
    assert drift["sentence"] in html.unescape(plain)
    assert (summary["report"], summary["status"], stack.notifications()) == (linked, "alert", [])
    assert b"plotly" in stack.read(linked).lower()


@pytest.mark.parametrize(("stretch", "status"), [(1.0, "error"), (2.0, "alert")])
def test_a_failed_rendering_is_a_check_of_its_own(
    stack: Stack, invoke, monkeypatch: pytest.MonkeyPatch, stretch: float, status: str
) -> None:
    stack.bundle()
    stack.put(stack.events(synthetic_rides(2000, seed=7, stretch=stretch)))

    def fails(*_: object, **__: object) -> None:
        raise ValueError("no <ink>")

    monkeypatch.setattr(evidently_report, "render", fails)

    summaries = [invoke(request_id=str(n)) for n in range(2)]

    assert [(s["status"], s["notified"]) for s in summaries] == [(status, True), (status, False)]
    assert len(stack.notifications()) == 1
    page = stack.read(summaries[0]["report"]).decode()
    assert "Evidently could not draw report: ValueError: no &lt;ink&gt;" in page
    assert "are being drawn" not in page
    result = json.loads(stack.read(summaries[0]["report"].replace("report.html", "report.json")))
    assert result["checks"] == summaries[0]["checks"]


class _Writes:
    """Counter of the writes to S3 that kills the run at a given one."""

    def __init__(self, stack: Stack, dies_at: int) -> None:
        self._events = stack.s3.meta.events
        self._dies_at = dies_at
        self.count = 0
        self.killed_key = ""
        self._events.register("provide-client-params.s3.PutObject", self)

    def __call__(self, params: dict, **_: object) -> None:
        self.count += 1
        if self.count > self._dies_at:
            self.killed_key = self.killed_key or params["Key"]
            raise Killed

    def end(self) -> None:
        self._events.unregister("provide-client-params.s3.PutObject", self)
