"""Checks that fail again after a reminder, and errors among the failing checks."""

from lambda_monitor.alerts import messages
from lambda_monitor.alerts.payload import Kind
from lambda_monitor.alerts.state import State
from lambda_monitor.findings import CheckResult, Status
from tests.lambda_monitor.alerts.test_state import follow, store, verdict
from tests.lambda_monitor.synthetic import HOUR, MODEL, NOON, Stack


def test_a_check_that_fails_again_after_a_reminder_is_notified(stack: Stack) -> None:
    kinds = follow(
        stack,
        verdict("alert", 0, ["a", "b"]),
        verdict("alert", 24, ["a"]),
        verdict("alert", 25, ["a", "b"]),
    )
    assert kinds == ["alert", "reminder", "alert"]


def test_checks_that_could_not_be_made_are_among_the_failing_ones() -> None:
    def result(name: str, status: str) -> CheckResult:
        return CheckResult(
            name=name, value=None, threshold=None, status=status, columns=[], sentence=f"About {name}."
        )

    context = messages.Context(
        model=MODEL,
        use_case="green_taxi",
        start=NOON,
        end=NOON + HOUR,
        records=10,
        checks=[
            result("drift.feature", "alert"),
            result("lake.unreadable_objects", "error"),
            result("outliers", "ok"),
        ],
        report="s3://lake/reports/m/report.html",
        topic_arn="arn:aws:sns:eu-west-1:123456789012:alerts",
    )
    before = State(status=Status.OK, since=NOON, window_end=NOON, first_seen_at=NOON)
    message = messages.compose(context, Kind.ALERT, before)

    assert message.attributes["checks"] == "drift.feature,lake.unreadable_objects"
    assert "About lake.unreadable_objects." in message.text
    assert "About outliers." not in message.text


def test_what_was_notified_is_kept_until_the_state_is_ok_again(stack: Stack) -> None:
    steps = [
        (verdict("alert", 0, ["a"]), ["a"]),
        (verdict("alert", 1, ["b"]), ["a", "b"]),
        (verdict("alert", 25, ["b"]), ["a", "b"]),
        (verdict("no_data", 26), ["a", "b", "no_data"]),
        (verdict("ok", 27), []),
        (verdict("alert", 28, ["c"]), ["c"]),
    ]
    for found, reported in steps:
        follow(stack, found)
        after, _ = store(stack).load()
        assert after is not None
        assert after.reported == reported
