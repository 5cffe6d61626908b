"""Releases whose command is gone: AWS returns them in minutes, and leaves watched ones alone."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from contract.release import Notes
from lambda_monitor.guard import candidate
from lambda_monitor.guard.candidate import Done
from ops import canary, deployment, versions
from ops.canary import Clock, Plan
from tests.ops.release_world import ALIAS, FUNCTION, START, Behaviour, Killed, Lambda, World
from tests.ops.test_versions import NEW_MODEL, OLD, back, roll, served

MINUTE = timedelta(minutes=1)
THIRD = OLD | {"model_version": "3"}


class Account(World):
    """An account whose guard looks each minute while time passes."""

    looks: list[Done]

    def guard(self) -> None:
        alias = candidate.Alias(Lambda(self), FUNCTION, ALIAS)  # type: ignore[arg-type]  # a fake
        self.looks.append(candidate.look(alias, self, self.now))  # type: ignore[arg-type]  # announces
        self.announced = self.looks.count(Done.RETURNED)

    def announce(self, *_: object) -> None:
        self.call("publish")

    def wait(self, seconds: float) -> None:
        end = self.now + timedelta(seconds=seconds)
        while self.now < end:
            full = self.now.replace(second=0) + MINUTE
            super().wait((min(end, full) - self.now).total_seconds())
            if self.now == full:
                self.guard()


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    return started(monkeypatch)


def started(monkeypatch: pytest.MonkeyPatch) -> Account:
    """Return an account in which model 2 is live, and was released after model 1."""
    found = Account()
    found.looks = []
    monkeypatch.setattr(versions, "session", lambda: found)
    monkeypatch.setattr(canary, "Clock", lambda: Clock(now=lambda: found.now, wait=lambda s: found.wait(s)))
    found.apply(OLD)
    roll(found, NEW_MODEL, Plan(minutes=0))
    found.calls.clear()
    return found


def kill(account: Account, wanted: dict[str, object] = THIRD, minutes: float = 10, at: int = 30) -> None:
    """Kill a release at a call, before or while its canary runs."""
    account.kill_at = len(account.calls) + at
    with pytest.raises(Killed):
        roll(account, wanted, Plan(minutes=minutes))
    account.revive()


@pytest.mark.parametrize("batches", [60.0, 1.0, 0.0], ids=["many batches", "few batches", "none"])
@pytest.mark.parametrize("minutes", [10, 0.5])
def test_a_watched_release_goes_live_undisturbed(account: Account, batches: float, minutes: float) -> None:
    account.batches_per_minute = batches
    roll(account, THIRD, Plan(minutes=minutes))
    assert served(account)[1] == "3"
    assert set(account.looks) <= {Done.WATCHED, Done.NO_CANDIDATE}
    assert account.alias["Description"] == Notes(earlier=("2", "1")).text()


@pytest.mark.parametrize(("minutes", "most"), [(10, 4), (0.5, 1.5)])
def test_a_killed_release_is_returned_in_minutes(account: Account, minutes: float, most: float) -> None:
    account.behaviours["3"] = Behaviour(fails=1.0)
    kill(account, minutes=minutes)
    killed = account.now
    assert "RoutingConfig" in account.alias
    while "RoutingConfig" in account.alias and account.now - killed <= 2 * most * MINUTE:
        account.wait(1)
    assert account.now - killed <= most * MINUTE
    assert account.alias["FunctionVersion"] == "2"
    assert account.looks.count(Done.RETURNED) == 1
    assert versions.is_unfinished(account.outputs, "green_taxi"), "its variables are still applied"
    state = versions.status(account.outputs, "green_taxi")
    assert "AWS returned version 3 at 2026-03-02 12:0" in state
    assert "make release or make deploy starts anew" in state


@pytest.mark.parametrize("recover", ["release", "rollback"])
def test_a_release_that_is_killed_at_any_call_leaves_no_candidate(
    monkeypatch: pytest.MonkeyPatch, recover: str
) -> None:
    undisturbed = started(monkeypatch)
    roll(undisturbed, THIRD, Plan(minutes=1))
    for step in range(1, len(undisturbed.calls), 3):
        account = started(monkeypatch)
        kill(account, minutes=1, at=step)
        account.wait(300)
        assert "RoutingConfig" not in account.alias
        interrupted = Done.RETURNED in account.looks
        if recover == "release":
            roll(account, THIRD, Plan(minutes=1))
            assert served(account)[1] == "3"
        elif account.alias["FunctionVersion"] == "2":
            back(account)
            assert served(account)[1] == ("2" if interrupted else "1"), "an interrupted release is only ended"
            if interrupted:
                back(account)
                assert served(account)[1] == "1"


def test_a_command_that_slept_reports_that_its_version_was_returned(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        account.wait(3600 if len(waits) == 8 else seconds)

    monkeypatch.setattr(canary, "Clock", lambda: Clock(now=lambda: account.now, wait=sleep))
    with pytest.raises(versions.ReturnedError, match=r"version 3 was returned: .* did not watch it"):
        roll(account, THIRD)
    assert served(account) == ("image:1", "2", "m:1")
    assert account.alias["Description"] == Notes(earlier=("1",)).text(), "the note of the return is gone"
    assert account.looks.count(Done.RETURNED) == 1


def test_a_version_that_is_returned_after_the_last_look_does_not_go_live(
    account: Account, monkeypatch: pytest.MonkeyPatch
) -> None:
    watch = canary.watch

    def watched(*arguments: object) -> canary.Outcome:
        outcome = watch(*arguments)  # type: ignore[arg-type]
        account.wait(300)
        return outcome

    monkeypatch.setattr(canary, "watch", watched)
    with pytest.raises(versions.ReturnedError, match="did not watch it"):
        roll(account, THIRD)
    assert served(account)[1] == "2"


def test_the_clock_of_this_machine_does_not_decide(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = Clock(now=lambda: account.now + timedelta(hours=9), wait=lambda s: account.wait(s))
    monkeypatch.setattr(canary, "Clock", lambda: wrong)
    kill(account)
    until = Notes.of(account.alias["Description"]).watched_until
    assert until is not None
    assert START < until <= account.now + 3 * MINUTE


def test_a_release_of_someone_else_is_not_cleared(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    other = {"AdditionalVersionWeights": {"1": 0.5}}

    def taken(_: float) -> None:
        account.alias |= {"RoutingConfig": other, "RevisionId": "another"}

    monkeypatch.setattr(canary, "Clock", lambda: Clock(now=lambda: account.now, wait=taken))
    with pytest.raises(versions.ReturnedError, match="another process returned it"):
        roll(account, THIRD)
    assert account.alias["RoutingConfig"] == other


def test_status_says_until_when_a_candidate_is_watched(account: Account) -> None:
    kill(account)
    state = versions.status(account.outputs, "green_taxi")
    until = Notes.of(account.alias["Description"]).watched_until
    assert f"after {until:%H:%M:%S} UTC" in state


class After(Lambda):
    """A client; something else happens between its first read and its next call."""

    def __init__(self, world: World, happens: Callable[[], object]) -> None:
        super().__init__(world)
        self._happens: list[Callable[[], object]] = [happens]

    def get_alias(self, **arguments: str) -> dict[str, object]:
        found = super().get_alias(**arguments)
        if self._happens:
            self._happens.pop()()
        return found


def test_a_return_between_read_and_write_is_not_overwritten(account: Account) -> None:
    kill(account)
    account.now += 10 * MINUTE
    alias = versions.Alias(After(account, account.guard), FUNCTION, ALIAS)  # type: ignore[arg-type]  # a fake
    assert not alias.keep("3", 3 * MINUTE)
    notes = Notes.of(account.alias["Description"])
    assert (notes.returned is not None, notes.watched_until) == (True, None)


def lose_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Apply each update, and answer as to a repeated request of the SDK whose first answer was lost."""
    update: Callable[..., object] = Lambda.update_alias

    def lost(self: Lambda, **arguments: object) -> object:
        update(self, **arguments)
        return update(self, **arguments)

    monkeypatch.setattr(Lambda, "update_alias", lost)


def test_an_update_whose_answer_was_lost_counts(account: Account, monkeypatch: pytest.MonkeyPatch) -> None:
    alias = versions.Alias(Lambda(account), FUNCTION, ALIAS)  # type: ignore[arg-type]  # a fake
    account.versions["3"] = account.versions["2"]
    alias.route(alias.read(), "3", 0.1, 3 * MINUTE)
    lose_answers(monkeypatch)
    account.wait(90)
    assert alias.keep("3", 3 * MINUTE)
    assert alias.point("3", ("2", "1"), watched=True)
    assert account.alias["FunctionVersion"] == "3"


def test_an_alias_that_changes_all_the_time_is_an_error(account: Account) -> None:
    alias = versions.Alias(Lambda(account), FUNCTION, ALIAS)  # type: ignore[arg-type]  # a fake
    account.errors = [("update_alias", "PreconditionFailedException")] * 10
    with pytest.raises(deployment.DeploymentError, match="changed by someone else"):
        alias.point("1", ())
