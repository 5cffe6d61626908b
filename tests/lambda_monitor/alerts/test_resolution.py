"""Resolution of alerts, and state objects of other releases or damaged ones."""

import json
from datetime import timedelta

import msgspec
import pytest

from lambda_monitor.alerts import outbox
from lambda_monitor.alerts.state import Message, Store, Verdict
from lambda_monitor.findings import Status
from tests.lambda_monitor.alerts.test_state import REMINDER, Outlet, compose, follow, run, store, verdict
from tests.lambda_monitor.synthetic import LAKE, Stack

DRIFT = "drift.feature: trip_distance"
HOUR = timedelta(hours=1)
# As an earlier release wrote it: the fields of today's State that have no default, and its outbox.
EARLIER = {
    "status": "alert",
    "since": "2026-03-02T12:00:00Z",
    "window_end": "2026-03-02T12:00:00Z",
    "told": [DRIFT],
    "last_sent_at": "2026-03-02T12:00:00Z",
    "first_seen_at": "2026-03-01T12:00:00Z",
    "outbox": [],
}
PENDING = {
    "message": {"alert_id": "left", "kind": "alert", "subject": "s", "text": "t", "attributes": {}},
    "claimed_by": "gone",
    "claimed_until": "2026-03-02T12:15:00Z",
}


def alert(hour: int, *failing: str) -> Verdict:
    return verdict("alert", hour, list(failing))


def ok(
    hour: int, *, passed: tuple[str, ...] = (), skipped: tuple[str, ...] = (), complete: bool = True
) -> Verdict:
    return msgspec.structs.replace(
        verdict("ok", hour, []), passed=list(passed), skipped=list(skipped), complete=complete
    )


def put(stack: Stack, stored: object) -> None:
    body = stored if isinstance(stored, bytes) else json.dumps(stored).encode()
    stack.s3.put_object(Bucket=LAKE, Key="alerts/m/state.json", Body=body)


def send(stack: Stack, found: Verdict, hour: int = 1) -> list[Message]:
    outlet = Outlet()
    outbox.update(store(stack), found, run("next", hour), REMINDER, compose=compose, publish=outlet)
    return outlet.sent


def kinds(sent: list[Message]) -> list[str]:
    return [message.kind.value for message in sent]


def test_a_window_that_skipped_the_failed_check_does_not_resolve_it(stack: Stack) -> None:
    sent = follow(stack, alert(0, DRIFT), ok(1, skipped=(DRIFT,)), ok(2, passed=(DRIFT,)))
    assert sent == ["alert", "resolved"]


def test_a_check_that_failed_before_another_one_stays_open(stack: Stack) -> None:
    sent = follow(
        stack,
        alert(0, DRIFT),
        msgspec.structs.replace(alert(1, "outliers: a"), skipped=[DRIFT]),
        ok(2, passed=("outliers: a",), skipped=(DRIFT,)),
        ok(3, passed=("outliers: a", DRIFT)),
    )
    assert sent == ["alert", "alert", "resolved"]


def test_a_check_that_passed_since_is_no_longer_open(stack: Stack) -> None:
    sent = follow(
        stack,
        alert(0, DRIFT),
        msgspec.structs.replace(alert(1, "outliers: a"), passed=[DRIFT]),
        ok(2, passed=("outliers: a",), skipped=(DRIFT,)),
    )
    assert sent == ["alert", "alert", "resolved"]


def test_a_check_that_no_longer_exists_does_not_keep_an_alert_open(stack: Stack) -> None:
    assert follow(stack, alert(0, "drift.feature: gone"), ok(1, passed=(DRIFT,))) == ["alert", "resolved"]


def test_windows_without_records_leave_failed_checks_open(stack: Stack) -> None:
    empty = msgspec.structs.replace(verdict("no_data", 1, []), complete=False)
    sent = follow(stack, alert(0, DRIFT), empty, ok(2, skipped=(DRIFT,)), ok(3, passed=(DRIFT,)))
    assert sent == ["alert", "no_data", "reminder", "resolved"]


def test_an_open_check_is_notified_again_at_the_reminder_interval(stack: Stack) -> None:
    sent = follow(stack, alert(0, DRIFT), *(ok(hour, skipped=(DRIFT,)) for hour in range(1, 30)))
    assert sent == ["alert", "reminder"]


@pytest.mark.parametrize("added", [{}, {"severity": "high", "open": [DRIFT]}])
def test_a_state_of_another_release_is_continued(stack: Stack, added: dict) -> None:
    outbox = [{**PENDING, **added, "message": {**PENDING["message"], **added}}]
    put(stack, {**EARLIER, **added, "outbox": outbox})

    skipped, resolved = send(stack, ok(1, skipped=(DRIFT,)), 1), send(stack, ok(2, passed=(DRIFT,)), 2)

    assert ([m.alert_id for m in skipped], kinds(resolved)) == (["left"], ["resolved"])


def test_what_is_written_is_read_by_the_release_before(stack: Stack) -> None:
    send(stack, alert(1, DRIFT))
    stored = json.loads(stack.read("alerts/m/state.json"))
    assert stored.keys() >= EARLIER.keys()
    assert (stored["status"], stored["told"]) == ("alert", [DRIFT])


@pytest.mark.parametrize("status", ["ok", "alert", "no_data", "error"])
@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b"[]", b'{"status": "alert"}', b'{"status": 5}'])
def test_a_damaged_state_is_started_anew_and_notified(stack: Stack, status: str, body: bytes) -> None:
    put(stack, body)
    expected = {"ok": "resolved"}.get(status, status)

    sent = [kinds(send(stack, verdict(status, hour), hour)) for hour in (1, 2)]

    assert sent == [[expected], []]
    after, _ = Store(stack.s3, LAKE, "alerts/m/state.json").load()
    assert after is not None
    assert (after.status, after.damaged) == (Status(status), False)


def test_a_stored_window_end_in_the_future_suppresses_nothing(stack: Stack) -> None:
    put(stack, {**EARLIER, "status": "ok", "told": [], "window_end": "2099-01-01T00:00:00Z"})
    assert kinds(send(stack, alert(1, DRIFT))) == ["alert"]
