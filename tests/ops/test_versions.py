"""Releases: what passes goes live, what is worse is returned, and a killed process leaves no mess."""

from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ops import canary, deployment, versions
from ops.canary import Clock, Plan
from tests.ops.release_world import START, Behaviour, Killed, World

OLD = {"use_case": "green_taxi", "predict_image": "image:1", "model_version": "1", "monitor_image": "m:1"}
NEW_MODEL = OLD | {"model_version": "2"}
NEW_IMAGE = OLD | {"predict_image": "image:2", "monitor_image": "m:2"}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    return _started(monkeypatch)


def _started(monkeypatch: pytest.MonkeyPatch, **behaviours: Behaviour) -> World:
    """Return an account in which model 1 is live since the first deployment."""
    found = World(behaviours=behaviours)
    clock = Clock(now=lambda: found.now, wait=lambda seconds: found.wait(seconds))
    monkeypatch.setattr(versions, "session", lambda: found)
    monkeypatch.setattr(canary, "Clock", lambda: clock)
    found.apply(OLD)
    found.calls.clear()
    return found


def roll(world: World, wanted: dict[str, Any], plan: Plan | None = None) -> None:
    versions.roll(world, wanted, world.outputs, plan or Plan())  # type: ignore[arg-type]  # has Terraform's apply


def back(world: World) -> tuple[str, str]:
    live = {name: world.applied[name] for name in OLD}
    return versions.back(world, live, world.outputs)  # type: ignore[arg-type]  # as above


def served(world: World) -> tuple[str, str, str]:
    """Return image and model of what the alias serves alone, and the monitor's image."""
    assert "RoutingConfig" not in world.alias, "a candidate receives records"
    made = world.versions[world.alias["FunctionVersion"]]
    assert made["model"] == world.applied["model_version"], "the monitor expects another model"
    assert made["image"] == world.applied["predict_image"], "the HTTP function has another image"
    return made["image"], made["model"], world.applied["monitor_image"]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [(NEW_MODEL, ("image:1", "2", "m:1")), (NEW_IMAGE, ("image:2", "1", "m:2"))],
    ids=["model", "image"],
)
def test_a_good_version_goes_live_after_ten_minutes_of_ten_percent(
    world: World, wanted: dict[str, Any], expected: tuple[str, str, str]
) -> None:
    roll(world, wanted)
    assert served(world) == expected
    assert (world.now - START).total_seconds() == 600
    updates = [detail for name, detail in world.calls if name == "update_alias"]
    assert updates[0]["RoutingConfig"] == {"AdditionalVersionWeights": {"2": 0.1}}
    assert [update.keys() for update in updates[1:-1]] == [{"Description"}] * 10, "the watch, each minute"
    assert updates[-1]["FunctionVersion"] == "2"
    staged, final = [detail for name, detail in world.calls if name == "apply"]
    assert {name: staged[name] for name in OLD} == OLD, "monitor and HTTP function keep what is live"
    assert final == wanted
    assert versions.status(world.outputs, "green_taxi").splitlines()[2] == "  before it  1"


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (Behaviour(fails=1.0), "batches failed; of the live version's 0 of"),
        (Behaviour(fails=0.05), "batches failed"),
        (Behaviour(rejects=1.0), r"it rejects 100.0% of its records; the live version 0.0%"),
        (Behaviour(late=0.2), r"20.0% of its records are scored late; before the canary 0.0%"),
        (Behaviour(delays=0.05), r"4.5% of all records are scored late; before the canary 0.0%"),
        (Behaviour(starts=False), "it does not start: BundleError: model.onnx is missing"),
    ],
    ids=["every batch fails", "some batches fail", "rejects", "late", "delays others", "does not start"],
)
def test_a_bad_version_is_returned_and_everything_is_as_before(
    world: World, behaviour: Behaviour, reason: str
) -> None:
    world.behaviours["2"] = behaviour
    with pytest.raises(versions.ReturnedError, match=reason):
        roll(world, NEW_MODEL)
    assert served(world) == ("image:1", "1", "m:1")
    assert world.applied == OLD, "the candidate is not applied any more"
    assert (world.now - START).total_seconds() < 300, "CloudWatch's delay and a few looks"
    updates = [str(detail.get("RoutingConfig")) for name, detail in world.calls if name == "update_alias"]
    routed = [update for update in updates if "2" in update]
    assert len(routed) == behaviour.starts, "a version that does not start receives no record"


def test_a_version_that_is_as_bad_as_the_live_one_passes(world: World) -> None:
    """An outage of the output stream, or a producer that sends bad records, says nothing on the version."""
    world.behaviours = dict.fromkeys("12", Behaviour(fails=0.4, rejects=0.3))
    roll(world, NEW_MODEL)
    assert served(world)[1] == "2"


def test_a_version_that_fails_more_than_the_live_one_in_an_outage_is_returned(world: World) -> None:
    world.behaviours = {"1": Behaviour(fails=0.2), "2": Behaviour(fails=1.0)}
    with pytest.raises(versions.ReturnedError, match="batches failed"):
        roll(world, NEW_MODEL)
    assert served(world)[1] == "1"


def test_the_candidate_of_a_killed_release_is_taken_back_before_the_next_one(world: World) -> None:
    world.kill_at = len(world.calls) + 20
    with pytest.raises(Killed):
        roll(world, NEW_MODEL)
    assert "RoutingConfig" in world.alias
    world.revive()
    world.behaviours["3"] = Behaviour(starts=False)
    with pytest.raises(versions.ReturnedError):
        roll(world, OLD | {"model_version": "3"})
    assert served(world)[1] == "1"


def test_lateness_from_before_the_canary_is_not_the_new_versions(world: World) -> None:
    world.behaviours = dict.fromkeys("12", Behaviour(late=0.3))
    for _ in range(10):
        world.wait(60)
    roll(world, NEW_MODEL)
    assert served(world)[1] == "2"


def test_an_alarm_that_starts_in_the_canary_returns_the_version(world: World) -> None:
    world.rings_at = {"records-rejected": START.replace(minute=4)}
    with pytest.raises(versions.ReturnedError, match="alarm records-rejected started"):
        roll(world, NEW_MODEL)
    assert served(world)[1] == "1"


def test_an_alarm_from_before_does_not_prevent_the_release_of_its_repair(world: World) -> None:
    world.ringing = {"f-errors"}
    roll(world, NEW_MODEL)
    assert served(world)[1] == "2"


def test_with_few_batches_the_canary_lasts_three_times_as_long(world: World) -> None:
    world.batches_per_minute = 1
    roll(world, NEW_MODEL)
    assert (world.now - START).total_seconds() == 1800


def test_a_canary_without_records_ends_in_time(world: World) -> None:
    world.batches_per_minute = 0
    roll(world, NEW_MODEL)
    assert (served(world)[1], (world.now - START).total_seconds()) == ("2", 600)


def test_a_changed_setting_is_a_release_and_nothing_changed_is_none(world: World) -> None:
    roll(world, OLD | {"memory": 2048})
    assert world.versions[world.alias["FunctionVersion"]]["memory"] == 2048
    seconds = (world.now - START).total_seconds()
    assert seconds == 600
    roll(world, OLD | {"memory": 2048})
    assert (world.now - START).total_seconds() == seconds


def test_zero_minutes_are_no_canary_but_a_version_must_start(world: World) -> None:
    roll(world, NEW_MODEL, Plan(minutes=0))
    assert (served(world)[1], world.now) == ("2", START)
    world.behaviours["3"] = Behaviour(starts=False)
    with pytest.raises(versions.ReturnedError):
        roll(world, OLD | {"model_version": "3"}, Plan(minutes=0))
    assert served(world)[1] == "2"


def calls_of(world: World, wanted: dict[str, Any]) -> int:
    """Return the number of calls of an undisturbed release."""
    with suppress(versions.ReturnedError):
        roll(world, wanted, Plan(minutes=1))
    return len(world.calls)


@pytest.mark.parametrize("recover", ["release", "rollback"])
@pytest.mark.parametrize("bad", [False, True], ids=["good version", "bad version"])
def test_a_killed_release_can_be_finished_or_rolled_back_from_every_step(
    monkeypatch: pytest.MonkeyPatch, bad: bool, recover: str
) -> None:
    two = Behaviour(fails=float(bad))
    steps = calls_of(_started(monkeypatch, **{"2": two}), NEW_MODEL)
    assert steps > 15
    for step in range(steps):
        world = _started(monkeypatch, **{"2": two})
        world.kill_at = step
        with pytest.raises(Killed):
            roll(world, NEW_MODEL, Plan(minutes=1))
        world.revive()
        world.behaviours = {}
        state = versions.status(world.outputs, "green_taxi")
        assert ("candidate" in state) == ("RoutingConfig" in world.alias)
        if recover == "release":
            roll(world, NEW_MODEL, Plan(minutes=1))
        else:
            with suppress(deployment.DeploymentError):  # nothing was live before
                back(world)
        assert served(world)[1] == {"release": "2", "rollback": "1"}[recover]


def test_ctrl_c_takes_the_candidate_back(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(world, "wait", interrupt)
    with pytest.raises(KeyboardInterrupt):
        roll(world, NEW_MODEL)
    assert served(world)[1] == "1"


def test_rollback_returns_through_the_versions_that_were_live(world: World) -> None:
    for wanted in (NEW_MODEL, NEW_IMAGE | {"model_version": "2"}):
        roll(world, wanted)
    seconds = world.now
    assert back(world) == ("2", "2")
    assert served(world) == ("image:1", "2", "m:2"), "the image alone; monitoring is not returned"
    assert back(world) == ("2", "1")
    assert served(world)[:2] == ("image:1", "1")
    assert world.now == seconds, "at once"
    with pytest.raises(deployment.DeploymentError, match="no version was live before 1"):
        back(world)


def test_a_version_that_does_not_start_any_more_is_not_returned_to(world: World) -> None:
    roll(world, NEW_MODEL)
    world.behaviours["1"] = Behaviour(starts=False)
    with pytest.raises(deployment.DeploymentError, match="version 1 was not made live: it does not start"):
        back(world)
    assert served(world)[1] == "2"


def test_a_killed_rollback_is_finished_not_repeated(monkeypatch: pytest.MonkeyPatch) -> None:
    for step in range(1, 30):
        world = _started(monkeypatch)
        for model in ("2", "3"):
            roll(world, OLD | {"model_version": model})
        world.kill_at = len(world.calls) + step
        try:
            back(world)
        except Killed:
            world.revive()
            if world.alias["FunctionVersion"] == "2":
                assert "rollback was interrupted" in versions.status(world.outputs, "green_taxi")
            back(world)
            assert served(world)[1] == "2"
        else:
            assert step > 5
            return
    raise AssertionError("no rollback ran to its end")


def test_a_busy_alias_is_tried_again_and_a_change_by_someone_else_is_an_error(world: World) -> None:
    waits: list[float] = []
    alias = versions.Alias(world.client("lambda"), "f", "live", waits.append)
    world.errors = [("update_alias", "ResourceConflictException")] * 3
    alias.point("1", ())
    assert len(waits) == 3
    state = alias.read()
    alias.point("1", ())
    with pytest.raises(deployment.DeploymentError, match="changed by someone else"):
        alias.route(state, "1", 0.1, timedelta(minutes=3))
    world.errors = [("update_alias", "ResourceNotFoundException")]
    with pytest.raises(ClientError):
        alias.point("1", ())


def test_the_description_holds_ten_versions_and_may_be_written_by_hand(world: World) -> None:
    alias = versions.Alias(world.client("lambda"), "f", "live")
    world.versions |= {str(number): world.versions["1"] for number in range(99_000, 99_030)}
    alias.point("1", tuple(str(number) for number in range(99_000, 99_030)), returning=True)
    assert len(alias.read().earlier) == 10
    for text in ("Live version", "[1]"):
        world.alias["Description"] = text
        assert alias.read().earlier == ()
