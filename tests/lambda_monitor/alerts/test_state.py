"""Alert state: one message per change, also with overlapping and killed runs."""

import contextlib
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contract.conditional import ConflictError
from lambda_monitor.alerts import outbox
from lambda_monitor.alerts.payload import Kind
from lambda_monitor.alerts.state import Message, RefusedError, Store, Verdict
from lambda_monitor.findings import Status
from lambda_monitor.run import Run
from tests.lambda_monitor.synthetic import LAKE, NOON, Killed, Stack

HOUR = timedelta(hours=1)
REMINDER = timedelta(hours=24)


def verdict(status: str, hour: int = 0, failing: list[str] | None = None) -> Verdict:
    given = failing if failing is not None else (["drift: a"] if status == "alert" else [])
    return Verdict(status=Status(status), window_end=NOON + hour * HOUR, failing=given)


def run(name: str, hour: float = 0, *, minutes: int = 15) -> Run:
    now = NOON + hour * HOUR
    return Run(id=name, now=now, deadline=now + timedelta(minutes=minutes))


def compose(kind: Kind, _: object) -> Message:
    compose.count += 1
    return Message(alert_id=str(compose.count), kind=kind, subject=kind, text=kind, attributes={})


compose.count = 0


class Outlet:
    """A publisher that keeps messages, or fails at first."""

    def __init__(self, failures: int = 0) -> None:
        self.sent: list[Message] = []
        self.failures = failures

    def __call__(self, message: Message) -> None:
        if self.failures:
            self.failures -= 1
            raise ConnectionError("SNS is not reachable")
        self.sent.append(message)

    @property
    def kinds(self) -> list[str]:
        return [m.kind.value for m in self.sent]


def store(stack: Stack) -> Store:
    return Store(stack.s3, LAKE, "alerts/m/state.json")


def follow(stack: Stack, *verdicts: Verdict) -> list[str]:
    outlet = Outlet()
    now = NOON
    for number, found in enumerate(verdicts):
        now = max(now, found.window_end)
        moment = Run(id=str(number), now=now, deadline=now + timedelta(minutes=15))
        outbox.update(store(stack), found, moment, REMINDER, compose=compose, publish=outlet)
    return outlet.kinds


def test_a_change_is_notified_once(stack: Stack) -> None:
    hours = ["ok", "ok", "alert", "alert", "alert", "ok", "ok", "alert"]
    assert follow(stack, *(verdict(s, n) for n, s in enumerate(hours))) == ["alert", "resolved", "alert"]


def test_a_newly_failing_check_is_notified(stack: Stack) -> None:
    kinds = follow(
        stack,
        verdict("alert", 0, ["a"]),
        verdict("alert", 1, ["a", "b"]),
        verdict("alert", 2, ["b"]),
        verdict("alert", 3, ["a"]),
    )
    assert kinds == ["alert", "alert"]


def test_a_lasting_status_is_notified_again_at_the_reminder_interval(stack: Stack) -> None:
    kinds = follow(stack, *(verdict("alert", hour) for hour in range(50)))
    assert kinds == ["alert", "reminder", "reminder"]


def test_a_model_that_never_had_data_is_reported_after_the_reminder_interval(stack: Stack) -> None:
    kinds = follow(stack, *(verdict("no_data", hour) for hour in range(26)))
    assert kinds == ["no_data"]


def test_first_data_before_a_no_data_message_sends_nothing(stack: Stack) -> None:
    assert follow(stack, verdict("no_data", 0), verdict("ok", 1), verdict("no_data", 2)) == ["no_data"]


def test_a_window_older_than_the_newest_one_changes_nothing(stack: Stack) -> None:
    assert follow(stack, verdict("alert", 5), verdict("ok", 4), verdict("alert", 6)) == ["alert"]


def test_the_same_window_again_is_notified_once(stack: Stack) -> None:
    assert follow(stack, verdict("alert", 1), verdict("alert", 1)) == ["alert"]


def test_the_message_of_a_killed_run_is_sent_when_its_claim_ends(stack: Stack) -> None:
    with pytest.raises(Killed):
        outbox.update(
            _Dies(store(stack)), verdict("alert", 1), run("a", 1), REMINDER, compose=compose, publish=_kill
        )
    early, late = Outlet(), Outlet()
    outbox.update(store(stack), verdict("alert", 1), run("b", 1.1), REMINDER, compose=compose, publish=early)
    outbox.update(store(stack), verdict("alert", 2), run("c", 2), REMINDER, compose=compose, publish=late)

    assert (early.kinds, late.kinds) == ([], ["alert"])


def test_the_retry_of_a_killed_run_sends_its_message_at_once(stack: Stack) -> None:
    with pytest.raises(Killed):
        outbox.update(
            _Dies(store(stack)), verdict("alert", 1), run("a", 1), REMINDER, compose=compose, publish=_kill
        )
    retried = Outlet()
    outbox.update(
        store(stack), verdict("alert", 1), run("a", 1.02), REMINDER, compose=compose, publish=retried
    )
    assert retried.kinds == ["alert"]


def test_a_message_that_failed_to_send_is_sent_by_the_next_run(stack: Stack) -> None:
    refusing, next_run = Outlet(failures=1), Outlet()
    with pytest.raises(ConnectionError):
        outbox.update(
            store(stack), verdict("alert", 1), run("a", 1), REMINDER, compose=compose, publish=refusing
        )
    outbox.update(
        store(stack), verdict("alert", 1), run("b", 1.01), REMINDER, compose=compose, publish=next_run
    )
    assert next_run.kinds == ["alert"]


def test_a_run_that_overlaps_while_another_publishes_sends_nothing(stack: Stack) -> None:
    inner = Outlet()

    def publish_slowly(message: Message) -> None:
        outbox.update(
            store(stack), verdict("alert", 1), run("b", 1.1), REMINDER, compose=compose, publish=inner
        )
        outer(message)

    outer = Outlet()
    outbox.update(
        store(stack), verdict("alert", 1), run("a", 1), REMINDER, compose=compose, publish=publish_slowly
    )
    assert (outer.kinds, inner.kinds) == (["alert"], [])


def test_a_refused_write_is_decided_again_on_the_new_state(stack: Stack) -> None:
    first, second = Outlet(), Outlet()

    def overtaken() -> None:
        outbox.update(
            store(stack), verdict("alert", 1), run("a", 1), REMINDER, compose=compose, publish=first
        )

    racing = _Overtaken(store(stack), overtaken)
    outbox.update(racing, verdict("alert", 1), run("b", 1), REMINDER, compose=compose, publish=second)
    assert (first.kinds, second.kinds) == (["alert"], [])


def test_a_state_that_can_never_be_written_is_an_error(stack: Stack) -> None:
    with pytest.raises(ConflictError):
        outbox.update(
            _Refuses(store(stack)), verdict("alert"), run("a"), REMINDER, compose=compose, publish=Outlet()
        )


def test_a_refused_message_does_not_hold_up_the_next_one(stack: Stack) -> None:
    with pytest.raises(ConnectionError):
        outbox.update(
            store(stack),
            verdict("alert", 1),
            run("a", 1),
            REMINDER,
            compose=compose,
            publish=Outlet(failures=1),
        )
    outlet, rest = Outlet(), Outlet()

    def refuse_alerts(message: Message) -> None:
        if message.kind is Kind.ALERT:
            raise RefusedError("too long")
        outlet(message)

    with pytest.raises(RefusedError):
        outbox.update(
            store(stack), verdict("ok", 2), run("b", 2), REMINDER, compose=compose, publish=refuse_alerts
        )
    outbox.update(store(stack), verdict("ok", 3), run("c", 3), REMINDER, compose=compose, publish=rest)

    assert (outlet.kinds, rest.kinds) == (["resolved"], ["alert"])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.tuples(st.sampled_from(["ok", "alert", "no_data"]), st.sampled_from(["", "dies", "refused"])),
        min_size=1,
        max_size=12,
    )
)
def test_every_change_is_notified_once_whichever_runs_are_killed(stack: Stack, steps: list) -> None:
    stack.s3.delete_object(Bucket=LAKE, Key="alerts/m/state.json")
    outlet = Outlet()
    for hour, (status, fault) in enumerate([*steps, ("ok", ""), ("ok", "")]):
        target = _Dies(store(stack)) if fault == "dies" else store(stack)
        publish = {"dies": _kill, "refused": Outlet(failures=1)}.get(fault, outlet)
        with contextlib.suppress(Killed, ConnectionError):
            outbox.update(
                target,
                verdict(status, hour),
                run(str(hour), hour),
                100 * REMINDER,
                compose=compose,
                publish=publish,
            )
    assert len({m.alert_id for m in outlet.sent}) == len(outlet.sent)
    assert outlet.kinds == _changes([status for status, _ in steps] + ["ok", "ok"])


def _changes(statuses: list[str]) -> list[str]:
    kinds, before, notified = [], "no_data" if statuses[0] == "no_data" else "ok", False
    for status in statuses:
        if status != before:
            if status != "ok" or notified:
                kinds.append("resolved" if status == "ok" else status)
            before, notified = status, status != "ok"
    return kinds


def _kill(_: Message) -> None:
    raise Killed


class _Wrapped:
    def __init__(self, inner: Store) -> None:
        self.inner = inner

    def load(self):
        return self.inner.load()

    def save(self, state, replaces) -> None:
        self.inner.save(state, replaces)


class _Dies(_Wrapped):
    """Store of a run that is killed after its first write."""

    saved = 0

    def save(self, state, replaces) -> None:
        self.saved += 1
        if self.saved > 1:
            raise Killed
        super().save(state, replaces)


class _Overtaken(_Wrapped):
    def __init__(self, inner: Store, first) -> None:
        super().__init__(inner)
        self.first = first

    def save(self, state, replaces) -> None:
        if self.first:
            self.first, first = None, self.first
            first()
        super().save(state, replaces)


class _Refuses(_Wrapped):
    def save(self, *_) -> None:
        raise ConflictError
