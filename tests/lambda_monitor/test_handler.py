"""The whole function on moto: events in the lake to report and notification."""

import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from contract import layout
from tests.lambda_monitor.synthetic import HOUR, LAKE, MODEL, NOON, Stack, synthetic_rides


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


def test_alert_then_resolved_then_the_same_window_again(stack: Stack, scheduled) -> None:
    stack.bundle()
    for hour, stretch in enumerate([2.0, 1.0]):
        moment = NOON + hour * HOUR
        stack.put(stack.events(synthetic_rides(2000, seed=7, stretch=stretch), moment), moment)

    statuses = [scheduled(NOON, NOON + HOUR)["status"], scheduled(NOON + HOUR, NOON + 2 * HOUR)["status"]]
    again = scheduled(NOON + HOUR, NOON + 2 * HOUR, "another")

    assert statuses == ["alert", "ok"]
    assert not again["notified"]
    assert [m["MessageAttributes"]["kind"]["Value"] for m in stack.notifications()] == ["alert", "resolved"]


def test_a_window_asked_by_hand_is_notified_once_and_changes_no_state(
    stack: Stack, invoke, scheduled
) -> None:
    stack.bundle()
    for hour, stretch in enumerate([2.0, 1.0, 2.0]):
        moment = NOON + hour * HOUR
        stack.put(stack.events(synthetic_rides(2000, seed=7, stretch=stretch), moment), moment)
    scheduled(NOON, NOON + HOUR)
    before = stack.read(f"alerts/{MODEL.name}/state.json")

    # A newer window without drift, then an older and a newer one with drift, twice each.
    notified = [
        invoke(NOON + hour * HOUR, NOON + (hour + 1) * HOUR, f"{hour} {n}")["notified"]
        for hour in (1, 0, 2)
        for n in range(2)
    ]

    assert notified == [False, False, True, False, True, False]
    assert stack.read(f"alerts/{MODEL.name}/state.json") == before
    assert [m["MessageAttributes"]["kind"]["Value"] for m in stack.notifications()] == ["alert"] * 3


def test_few_records_after_an_alert_do_not_resolve_it(stack: Stack, scheduled) -> None:
    stack.bundle()
    for hour, (count, stretch) in enumerate([(2000, 2.0), (95, 2.0), (2000, 1.0)]):
        moment = NOON + hour * HOUR
        stack.put(stack.events(synthetic_rides(count, seed=7, stretch=stretch), moment), moment)

    statuses = [scheduled(NOON + h * HOUR, NOON + (h + 1) * HOUR, str(h))["status"] for h in range(2)]
    sent_before = [m["MessageAttributes"]["kind"]["Value"] for m in stack.notifications()]
    scheduled(NOON + 2 * HOUR, NOON + 3 * HOUR, "2")

    assert (statuses, sent_before) == (["alert", "ok"], ["alert"])
    assert [m["MessageAttributes"]["kind"]["Value"] for m in stack.notifications()] == ["resolved"]


def test_an_empty_window_is_no_data(stack: Stack, invoke) -> None:
    stack.bundle()

    summary = invoke()

    assert (summary["status"], summary["records"], summary["notified"]) == ("no_data", 0, False)
    assert b"no data" in stack.read(summary["report"])


def test_no_data_after_data_is_notified(stack: Stack, scheduled) -> None:
    stack.bundle()
    stack.put(stack.events(synthetic_rides(2000, seed=7)))
    scheduled()

    summary = scheduled(NOON + 6 * HOUR, NOON + 7 * HOUR)

    assert (summary["status"], summary["notified"]) == ("no_data", True)
    assert "no predictions arrived" in stack.notifications()[0]["Subject"]


def test_a_missing_bundle_is_an_error_and_notified(stack: Stack, invoke) -> None:
    summary = invoke()

    assert (summary["status"], summary["notified"]) == ("error", True)
    assert "manifest.json does not exist" in summary["reason"]
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


def test_the_link_of_a_mail_opens_the_report_without_a_login(stack: Stack, invoke) -> None:
    stack.bundle()
    stack.put(stack.events(synthetic_rides(500, seed=7, stretch=2.0)))

    summary = invoke()

    mail = stack.notifications()[0]["Message"]
    mail = json.loads(mail)["text"] if mail.startswith("{") else mail
    [link] = re.findall(r"^https://\S+X-Amz-Signature=\S+$", mail, re.MULTILINE)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(link).query).items()}
    assert asked["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256"
    assert f"/{stack.s3.meta.region_name}/s3/aws4_request" in asked["X-Amz-Credential"]
    assert asked["X-Amz-Expires"] == str(12 * 3600)
    assert requests.get(link, timeout=10).content == stack.read(summary["report"])


def test_without_link_hours_a_mail_has_no_presigned_link(
    stack: Stack, invoke, monkeypatch: pytest.MonkeyPatch
) -> None:
    stack.bundle()
    stack.put(stack.events(synthetic_rides(500, seed=7, stretch=2.0)))
    monkeypatch.setenv("REPORT_LINK_HOURS", "0")

    invoke()

    assert "X-Amz-Signature" not in stack.notifications()[0]["Message"]
