"""The real handler behind the model of the event source mapping, with faults."""

import base64
import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lambda_predict import handler as handlers
from lambda_predict.publish import publish
from lambda_predict.score import Line, Scorer
from local.event_source import EventSourceMapping, Failed, InvocationError, Record, event
from local.event_source import Settings as MappingSettings
from tests.lambda_predict import synthetic

TERRAFORM = MappingSettings(batch_size=20, bisect=True, maximum_retries=100, report_failures=True)
_STREAM = "arn:aws:kinesis:eu-west-1:000000000000:stream/input"
_ROUNDS = 3_000


class Shard:
    def __init__(
        self, shard_id: str, data: Sequence[bytes], parents: Sequence[str] = (), *, closed: bool = False
    ) -> None:
        self.shard_id, self.parents, self.closed = shard_id, parents, closed
        self.records = [Record(f"{i + 1:04d}", "k", item, synthetic.ARRIVED) for i, item in enumerate(data)]

    def read(self, position: int, most: int) -> list[Record]:
        return self.records[position : position + most]


class World:
    """The handler with its senders, driven by an event source mapping."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, model: synthetic.Model) -> None:
        self._patch = monkeypatch
        self.scorer = Scorer(model)
        self.output, self.rejected = synthetic.Sink(), synthetic.Sink()
        self.given_up: list[tuple[str, str]] = []
        self.seconds = 60.0
        self.before: Callable[[], None] = lambda: None

    def invoke(self, shard_id: str, records: list[Record]) -> Any:
        context = synthetic.Context(self.seconds)
        start = lambda: (synthetic.SETTINGS, self.scorer, self.output, self.rejected)  # noqa: E731
        self._patch.setattr(handlers, "start", start)
        self._patch.setattr(handlers, "publish", partial(publish, pause=context.clock.pause))
        given = event(records, shard_id, _STREAM, "eu-west-1", lambda data: base64.b64encode(data).decode())
        try:
            self.before()
            return handlers.handler(given, context)
        except Exception as error:
            raise InvocationError(repr(error)) from error

    def run(self, *shards: Shard, mapping: MappingSettings = TERRAFORM) -> None:
        def give_up(failed: Failed) -> None:
            self.given_up += [(failed.shard_id, r.sequence_number) for r in failed.records]

        reader = EventSourceMapping(mapping, self.invoke, give_up)
        for step in range(_ROUNDS):
            reader.poll(shards, synthetic.ARRIVED + 60 * step)
            if all(reader.drained(_Closed(s)) for s in shards):
                return
        raise AssertionError(f"the shards were not read to their end in {_ROUNDS} polls")

    def check(self, *shards: Shard, poison: int = 0) -> None:
        """Assert that each record is either scored, rejected or given up, duplicates dropped."""
        everything = {(s.shard_id, r.sequence_number) for s in shards for r in s.records}
        scored, rejected = set(self.output.references()), set(self.rejected.references())
        assert scored | rejected | set(self.given_up) == everything
        assert not scored & rejected
        assert len(rejected) == poison
        by_reference = {}
        for line in self.output.lines:
            found = json.loads(line)
            reference = (found["record"]["shard"], found["record"]["sequence_number"])
            assert by_reference.setdefault(reference, found["ride_id"]) == found["ride_id"]


class _Closed:
    """View of a shard as closed, so that `drained` means read to its end."""

    def __init__(self, shard: Shard) -> None:
        self.shard_id, self.parents, self.closed, self.read = shard.shard_id, shard.parents, True, shard.read


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch, model: synthetic.Model) -> World:
    return World(monkeypatch, model)


def rides(count: int, poison: Sequence[int] = ()) -> list[bytes]:
    return [b"{poison" if i in poison else synthetic.ride(f"r{i}") for i in range(count)]


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
            world.output.lines += [line.data for line in lines[:half]]
            raise MemoryError("killed")
        return [True] * len(lines)

    world.output = synthetic.Sink(fault)
    shard = Shard("s0", rides(40, poison=[3]))
    world.run(shard)
    world.check(shard, poison=1)
    assert max(world.output.references().values()) > 1


def test_at_the_timeout_the_response_names_the_lowest_unpublished_record(world: World) -> None:
    stuck = {"r7": 3}

    def fault(lines: Sequence[Line]) -> list[bool]:
        return [line.key != "r7" or stuck["r7"] <= 0 for line in lines]

    def step() -> None:
        stuck["r7"] -= 1

    world.output, world.seconds, world.before = synthetic.Sink(fault), 3.0, step
    shard = Shard("s0", rides(20))
    answer = world.invoke("s0", shard.records)
    assert answer == {"batchItemFailures": [{"itemIdentifier": "0008"}]}
    world.run(shard)
    world.check(shard)


def test_a_batch_is_acknowledged_only_after_its_rejects_are_kept(world: World) -> None:
    down = [True]
    world.rejected = synthetic.Sink(lambda lines: [not down[0]] * len(lines))
    shard = Shard("s0", rides(10, poison=[4]))
    assert world.invoke("s0", shard.records) == {"batchItemFailures": [{"itemIdentifier": "0005"}]}
    down[0] = False
    world.run(shard)
    world.check(shard, poison=1)


def test_good_records_before_an_unkept_reject_are_published_once(world: World) -> None:
    down = [True]
    world.rejected = synthetic.Sink(lambda lines: [not down[0]] * len(lines))
    shard = Shard("s0", rides(10, poison=[4, 7]))
    assert world.invoke("s0", shard.records) == {"batchItemFailures": [{"itemIdentifier": "0005"}]}
    assert [n for _, n in world.output.references()] == ["0001", "0002", "0003", "0004"]
    down[0] = False
    world.run(shard)
    world.check(shard, poison=2)


def test_retries_of_rejects_leave_time_for_the_output(world: World) -> None:
    world.seconds = 10.0
    world.rejected = synthetic.Sink(lambda lines: [False] * len(lines))
    slow = iter([[False] * 9, [True] * 9])
    world.output = synthetic.Sink(lambda lines: next(slow)[: len(lines)])
    shard = Shard("s0", rides(10, poison=[9]))
    assert world.invoke("s0", shard.records) == {"batchItemFailures": [{"itemIdentifier": "0010"}]}
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
    world.run(
        shard, mapping=MappingSettings(batch_size=4, bisect=True, maximum_retries=2, report_failures=True)
    )
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
            sink.lines += [line.data for line in kept]
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
        mapping=MappingSettings(batch_size=size, bisect=True, maximum_retries=100, report_failures=True),
    )
    world.check(*shards, poison=len(poison))
    assert world.given_up == []
