"""Runs that are killed, and reports that fail to render."""

import html
import json
import re

import pytest

from lambda_monitor import monitor
from lambda_monitor.reports import evidently_report
from lambda_monitor.run import Clients, Span
from lambda_monitor.settings import Settings
from tests.lambda_monitor.synthetic import HOUR, NOON, Killed, Stack, moment, synthetic_rides


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
        # After the end of the window.
        return monitor.run(clients, settings, window, moment(f"run {number}", NOON + (number + 1) * HOUR))

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

    assert "The plots are being rendered" in plain
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
    assert "Evidently could not render report: ValueError: no &lt;ink&gt;" in page
    assert "are being rendered" not in page
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
