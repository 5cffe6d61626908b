"""The handler behind a model of its event source mapping, with faults."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from botocore.exceptions import ReadTimeoutError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambda_predict.score import Line
from local.event_source import InvocationError
from tests.lambda_predict import synthetic
from tests.lambda_predict.world import TERRAFORM, Shard, World, rides


@pytest.fixture(params=[0, 2], ids=["one event per record", "packed"])
def world(monkeypatch: pytest.MonkeyPatch, model: synthetic.Model, request: pytest.FixtureRequest) -> World:
    return World(monkeypatch, model, output_record_kb=request.param)


@pytest.mark.parametrize("poison", [[0], [30], [59], [0, 30, 59], list(range(60)), []], ids=str)
def test_invalid_records_are_rejected_and_the_others_scored(world: World, poison: list[int]) -> None:
    shard = Shard("s0", rides(60, poison))
    world.run(shard)
    world.check(shard, poison=len(poison))
    assert max(world.output.references().values(), default=1) == 1
    assert world.given_up == []


def test_throttled_entries_are_retried_without_duplicates(world: World) -> None:
    calls = iter(range(1000))
    world.output = synthetic.Sink(lambda lines: [(next(calls) + i) % 4 > 0 for i in range(len(lines))])
    shard = Shard("s0", rides(60))
    world.run(shard)
    world.check(shard)
    assert max(world.output.references().values()) == 1


def test_a_failed_call_is_retried(world: World) -> None:
    faults = iter([synthetic.throttled(), synthetic.throttled()])

    def fault(lines: Sequence[Line]) -> list[bool]:
        if (error := next(faults, None)) is not None:
            raise error
        return [True] * len(lines)

    world.output = synthetic.Sink(fault)
    shard = Shard("s0", rides(30))
    world.run(shard)
    world.check(shard)


def test_a_crash_after_a_partial_publish_duplicates_but_loses_nothing(world: World) -> None:
    crashes = iter([True, True])

    def fault(lines: Sequence[Line]) -> list[bool]:
        if next(crashes, False):
            half = len(lines) // 2
            world.output.lines += synthetic.events(lines[:half])
            raise MemoryError("killed")
        return [True] * len(lines)

    world.output = synthetic.Sink(fault)
    shard = Shard("s0", rides(40, poison=[3]))
    world.run(shard)
    world.check(shard, poison=1)
    assert max(world.output.references().values()) > 1


@pytest.mark.parametrize("tenths", range(100, 200, 7))
def test_calls_that_hang_leave_time_for_the_response(world: World, tenths: int) -> None:
    def hang(_: Sequence[Line]) -> list[bool]:
        world.context.clock.left -= 3
        raise ReadTimeoutError(endpoint_url="https://kinesis.eu-west-1.amazonaws.com")

    world.output, world.rejected = synthetic.Sink(hang), synthetic.Sink(hang)
    world.output.seconds = world.rejected.seconds = 3
    world.seconds = tenths / 10
    shard = Shard("s0", rides(10, poison=[9]))
    assert world.invoke("s0", shard.records) == {"batchItemFailures": [{"itemIdentifier": "1"}]}
    assert world.output.calls
    assert world.rejected.calls
    assert world.context.clock.left >= 2


def test_an_unkept_reject_that_is_first_splits_the_batch(world: World) -> None:
    world.rejected = synthetic.Sink(lambda lines: [False] * len(lines))
    shard = Shard("s0", rides(10, poison=[0, 4]))
    with pytest.raises(InvocationError, match="record 1 is rejected and rejected does not accept"):
        world.invoke("s0", shard.records)
    assert world.output.lines == []


def test_a_throttled_good_record_that_is_first_does_not_split_the_batch(world: World) -> None:
    world.output = synthetic.Sink(lambda lines: [False] * len(lines))
    shard = Shard("s0", rides(10, poison=[4]))
    assert world.invoke("s0", shard.records) == {"batchItemFailures": [{"itemIdentifier": "1"}]}


def test_at_the_timeout_the_response_names_the_lowest_unpublished_record(world: World) -> None:
    stuck = {"r7": 3}

    def fault(lines: Sequence[Line]) -> list[bool]:
        return [b'"r7"' not in line.data or stuck["r7"] <= 0 for line in lines]

    def step() -> None:
        stuck["r7"] -= 1

    world.output, world.seconds, world.before = synthetic.Sink(fault), 3.0, step
    shard = Shard("s0", rides(20))
    answer = world.invoke("s0", shard.records)
    # 2 KB hold five events: the record of r7 begins with r5.
    first = "6" if world.settings.output_record_kb else "8"
    assert answer == {"batchItemFailures": [{"itemIdentifier": first}]}
    world.run(shard)
    world.check(shard)


def test_a_batch_is_acknowledged_only_after_its_rejects_are_kept(world: World) -> None:
    down = [True]
    world.rejected = synthetic.Sink(lambda lines: [not down[0]] * len(lines))
    shard = Shard("s0", rides(10, poison=[4]))
    assert world.invoke("s0", shard.records) == {"batchItemFailures": [{"itemIdentifier": "5"}]}
    down[0] = False
    world.run(shard)
    world.check(shard, poison=1)


def test_good_records_before_an_unkept_reject_are_published_once(world: World) -> None:
    down = [True]
    world.rejected = synthetic.Sink(lambda lines: [not down[0]] * len(lines))
    shard = Shard("s0", rides(10, poison=[4, 7]))
    assert world.invoke("s0", shard.records) == {"batchItemFailures": [{"itemIdentifier": "5"}]}
    assert [n for _, n in world.output.references()] == ["1", "2", "3", "4"]
    down[0] = False
    world.run(shard)
    world.check(shard, poison=2)


def test_retries_of_rejects_leave_time_for_the_output(world: World) -> None:
    world.seconds = 10.0
    world.rejected = synthetic.Sink(lambda lines: [False] * len(lines))
    slow = iter([[False] * 9, [True] * 9])
    world.output = synthetic.Sink(lambda lines: next(slow)[: len(lines)])
    shard = Shard("s0", rides(10, poison=[9]))
    assert world.invoke("s0", shard.records) == {"batchItemFailures": [{"itemIdentifier": "10"}]}
    assert len(world.output.lines) == 9


def test_a_redelivered_batch_gives_the_same_references(world: World) -> None:
    shard = Shard("s0", rides(20, poison=[5]))
    for _ in range(2):
        assert world.invoke("s0", shard.records) == {"batchItemFailures": []}
    world.check(shard, poison=1)
    assert set(world.output.references().values()) == {2}


def test_records_of_a_denied_output_reach_the_failure_destination(world: World) -> None:
    def fault(_: Sequence[Line]) -> list[bool]:
        raise synthetic.denied()

    world.output = synthetic.Sink(fault)
    shard = Shard("s0", rides(8))
    world.run(shard, mapping=replace(TERRAFORM, batch_size=4, maximum_retries=2))
    assert len(world.given_up) == 8
    world.check(shard)


def test_records_stay_in_order_across_a_split(world: World) -> None:
    parent = Shard("s0", rides(30), closed=True)
    children = [Shard("s1", rides(15), ["s0"]), Shard("s2", rides(15), ["s0"])]
    world.run(*children, parent)
    world.check(parent, *children)
    order = [ref[0] for ref in world.output.references()]
    assert order[:30] == ["s0"] * 30


def test_records_near_the_size_limit_are_scored_or_rejected(world: World) -> None:
    large = [
        synthetic.ride(f"r{i}", note="x" * size) for i, size in enumerate([1_047_000, 1_048_500, 1_040_000])
    ]
    shard = Shard("s0", [*large, synthetic.ride("small")])
    world.run(shard)
    world.check(shard, poison=1)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_schedule_of_faults_loses_a_record(world: World, data: st.DataObject) -> None:
    faults = data.draw(
        st.lists(st.sampled_from(["refuse", "throttle", "crash", "half", "slow"]), max_size=25)
    )
    pending = iter(faults)

    def fault(sink: synthetic.Sink, lines: Sequence[Line]) -> list[bool]:
        kind = next(pending, None)
        if kind == "throttle":
            raise synthetic.throttled()
        if kind in {"crash", "half"}:
            kept = lines[: len(lines) // 2] if kind == "half" else []
            sink.lines += synthetic.events(kept)
            raise RuntimeError("killed")
        return [kind != "refuse" or i % 2 == 0 for i in range(len(lines))]

    def slow() -> None:
        world.seconds = 2.2 if next(pending, None) == "slow" else 60.0

    world.given_up = []
    world.output = synthetic.Sink(lambda lines: fault(world.output, lines))
    world.rejected = synthetic.Sink(lambda lines: fault(world.rejected, lines))
    world.before = slow
    poison = data.draw(st.sets(st.integers(0, 39), max_size=5))
    shards = [Shard("s0", rides(40, sorted(poison)), closed=True), Shard("s1", rides(10), ["s0"])]
    size = data.draw(st.integers(1, 25))
    world.run(
        *shards,
        mapping=replace(TERRAFORM, batch_size=size),
    )
    world.check(*shards, poison=len(poison))
    assert world.given_up == []
