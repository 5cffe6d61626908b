"""Outages of hours with Terraform's defaults, on a simulated clock."""

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from lambda_predict.handler import _ONCE, _RESERVE
from lambda_predict.score import Line
from tests.lambda_predict import synthetic
from tests.lambda_predict.world import DEFAULTS, VARIABLES, Shard, World, rides

HOUR = 3_600.0
RECORDS = 20_000
POISON = range(50, RECORDS, 100)
# Lambda waits at most this long between retries.
LONGEST_BACKOFF = 30


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, model: synthetic.Model) -> World:
    return World(monkeypatch, model)


def throttled(world: World, hours: float) -> synthetic.Sink:
    """Return a sender that is throttled for the first `hours`."""
    end = world.now + hours * HOUR

    def fault(lines: Sequence[Line]) -> list[bool]:
        if world.now < end:
            raise synthetic.throttled()
        return [True] * len(lines)

    return synthetic.Sink(fault)


def arriving(hours: float, poison: Sequence[int] = ()) -> Shard:
    return Shard("s0", rides(RECORDS, poison), interval=hours * HOUR / RECORDS)


def test_six_hours_of_throttled_rejects_give_up_nothing(world: World) -> None:
    world.rejected = throttled(world, 6)
    shard = arriving(6, POISON)
    world.run_in_time(shard, DEFAULTS, 12 * HOUR)
    world.check(shard, poison=len(POISON))
    assert world.given_up == []
    assert max(world.output.references().values()) == 1


def test_throttled_rejects_with_few_retries_give_up_no_good_record(world: World) -> None:
    world.rejected = throttled(world, 6)
    shard = arriving(6, POISON)
    world.run_in_time(shard, replace(DEFAULTS, maximum_retries=100), 12 * HOUR)
    assert {int(number) - 1 for _, number in world.given_up} <= set(POISON)
    assert len(world.output.references()) == RECORDS - len(POISON)


def test_six_hours_of_throttled_output_give_up_nothing(world: World) -> None:
    world.output = throttled(world, 6)
    shard = arriving(6, POISON)
    world.run_in_time(shard, DEFAULTS, 12 * HOUR)
    world.check(shard, poison=len(POISON))
    assert world.given_up == []


def test_three_hours_without_the_model_give_up_nothing(world: World) -> None:
    end = world.now + 3 * HOUR

    def load() -> None:
        if world.now < end:
            raise RuntimeError("the model is missing: upload the bundle")

    world.before = load
    shard = arriving(6)
    world.run_in_time(shard, DEFAULTS, 8 * HOUR)
    world.check(shard)
    assert world.given_up == []
    assert max(world.output.references().values()) == 1


def test_record_age_ends_before_the_retries_do() -> None:
    assert DEFAULTS.maximum_retries * LONGEST_BACKOFF > 2 * DEFAULTS.maximum_age


def test_the_shortest_timeout_leaves_each_sender_time_for_a_call() -> None:
    shortest = re.search(r"var.predict_timeout_seconds >= (\d+)", VARIABLES)
    assert shortest is not None
    assert (int(shortest[1]) - _RESERVE) / 2 > _ONCE.connect_timeout + _ONCE.read_timeout
