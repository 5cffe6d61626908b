from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from local.event_source import (
    PAYLOAD_LIMIT,
    Condition,
    EventSourceMapping,
    Failed,
    InvocationError,
    Record,
    Settings,
)

NOW = 1_000.0


@dataclass
class Shard:
    shard_id: str = "shard-0"
    records: list[Record] = field(default_factory=list)
    parents: tuple[str, ...] = ()
    closed: bool = False

    def read(self, position: int, most: int) -> list[Record]:
        return self.records[position : position + most]


def shard(*names: str, shard_id: str = "shard-0", arrived_at: float = NOW, **changes: Any) -> Shard:
    return Shard(shard_id, [Record(name, "key", name.encode(), arrived_at) for name in names], **changes)


class Function:
    """Function that records its batches; `answer` gives its response."""

    def __init__(self, answer: Any = lambda _: {}) -> None:
        self.batches: list[list[str]] = []
        self._answer = answer

    def __call__(self, _shard_id: str, records: list[Record]) -> Any:
        self.batches.append([r.sequence_number for r in records])
        return self._answer(records)


def failing_at(*names: str) -> Any:
    def answer(records: list[Record]) -> dict[str, Any]:
        return {
            "batchItemFailures": [
                {"itemIdentifier": r.sequence_number} for r in records if r.sequence_number in names
            ]
        }

    return answer


def raising(_records: list[Record]) -> Any:
    raise InvocationError("out of memory")


def drive(mapping: EventSourceMapping, *shards: Shard, rounds: int = 50, now: float = NOW) -> None:
    for step in range(rounds):
        # A minute a round: no backoff holds anything up.
        mapping.poll(shards, now + 60 * step)


def run(function: Function, *shards: Shard, **changes: Any) -> list[Failed]:
    failed: list[Failed] = []
    drive(EventSourceMapping(Settings(**changes), function, failed.append), *shards)
    return failed


def test_batches_are_in_order_and_at_most_the_batch_size() -> None:
    function = Function()
    run(function, shard(*"abcde"), batch_size=2)
    assert function.batches == [["a", "b"], ["c", "d"], ["e"]]


def test_a_batch_stays_below_six_megabytes() -> None:
    big = Shard(records=[Record(str(i), "k", b"x" * (PAYLOAD_LIMIT // 4), NOW) for i in range(4)])
    function = Function()
    run(function, big, batch_size=100)
    assert function.batches == [["0", "1"], ["2", "3"]]


def test_a_batch_that_is_not_full_waits_for_the_batching_window() -> None:
    function, source = Function(), shard(*"ab")
    mapping = EventSourceMapping(Settings(batch_size=3, batching_window=10), function, lambda _: None)
    assert not mapping.poll([source], NOW)
    assert not mapping.poll([source], NOW + 9)
    assert mapping.poll([source], NOW + 10)
    source.records += shard(*"cde").records
    assert mapping.poll([source], NOW + 11)
    assert function.batches == [["a", "b"], ["c", "d", "e"]]


def test_the_lowest_reported_record_is_the_new_checkpoint() -> None:
    answers = iter([failing_at("d", "b"), failing_at()])
    function = Function(lambda records: next(answers)(records))
    run(function, shard(*"abcd"), report_failures=True)
    assert function.batches == [list("abcd"), list("bcd")]


@pytest.mark.parametrize("answer", [None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}, "text"])
def test_an_answer_without_failures_is_success(answer: Any) -> None:
    function = Function(lambda _: answer)
    run(function, shard(*"ab"), report_failures=True)
    assert function.batches == [["a", "b"]]


@pytest.mark.parametrize("identifier", ["", "unknown", None])
def test_an_unknown_identifier_fails_the_whole_batch(identifier: Any) -> None:
    function = Function(lambda _: {"batchItemFailures": [{"itemIdentifier": identifier}]})
    failed = run(function, shard(*"ab"), report_failures=True, maximum_retries=1)
    assert function.batches == [["a", "b"]] * 2
    assert [[r.sequence_number for r in f.records] for f in failed] == [["a", "b"]]


def test_failures_are_ignored_unless_reporting_is_on() -> None:
    function = Function(failing_at("a"))
    run(function, shard(*"ab"), report_failures=False)
    assert function.batches == [["a", "b"]]


def test_bisecting_isolates_the_failing_record_and_costs_no_retry() -> None:
    def answer(records: list[Record]) -> Any:
        return raising(records) if any(r.sequence_number == "c" for r in records) else {}

    function = Function(answer)
    failed = run(function, shard(*"abcd"), bisect=True, maximum_retries=1)
    assert function.batches == [list("abcd"), ["a", "b"], ["c", "d"], ["c"], ["c"], ["d"]]
    assert [([r.sequence_number for r in f.records], f.condition) for f in failed] == [
        (["c"], Condition.RETRIES)
    ]


def test_unlimited_retries_block_only_their_shard() -> None:
    def answer(records: list[Record]) -> Any:
        return raising(records) if records[0].sequence_number == "a" else {}

    function = Function(answer)
    assert run(function, shard("a"), shard("b", shard_id="shard-1")) == []
    assert function.batches.count(["a"]) == 50
    assert function.batches.count(["b"]) == 1


def test_records_older_than_the_limit_are_discarded_without_an_invocation() -> None:
    function = Function()
    source = Shard(records=[Record("old", "k", b"", NOW - 100), Record("new", "k", b"", NOW)])
    failed = run(function, source, maximum_age=60)
    assert [([r.sequence_number for r in f.records], f.condition) for f in failed] == [
        (["old"], Condition.AGE)
    ]
    assert function.batches == [["new"]]


def test_only_old_records_are_discarded_if_arrival_times_are_out_of_order() -> None:
    function = Function()
    ages = {"a": 10, "old": 100, "b": 10, "oldest": 200, "c": 0}
    source = Shard(records=[Record(name, "k", b"", NOW - age) for name, age in ages.items()])
    failed = run(function, source, maximum_age=60)
    assert [r.sequence_number for f in failed for r in f.records] == ["old", "oldest"]
    assert function.batches == [["a", "b", "c"]]


def test_child_shards_wait_for_their_parent() -> None:
    function = Function()
    parent = shard("a", "b", shard_id="parent", closed=True)
    child = shard("c", shard_id="child", parents=("parent",))
    run(function, child, parent, batch_size=1)
    assert function.batches == [["a"], ["b"], ["c"]]


def test_a_crash_of_the_reader_delivers_the_batch_again() -> None:
    calls = iter([MemoryError("the reader itself"), None])

    def answer(_records: list[Record]) -> Any:
        if (error := next(calls)) is not None:
            raise error
        return {}

    function, source = Function(answer), shard(*"ab")
    mapping = EventSourceMapping(Settings(), function, lambda _: None)
    with pytest.raises(MemoryError):
        mapping.poll([source], NOW)
    drive(mapping, source)
    assert function.batches == [["a", "b"], ["a", "b"]]


@settings(max_examples=200, deadline=None)
@given(data=st.data(), bisect=st.booleans(), size=st.integers(1, 7), retries=st.integers(0, 3))
def test_each_record_is_processed_or_discarded_in_order(
    data: st.DataObject,
    bisect: bool,
    size: int,
    retries: int,
) -> None:
    names = [f"{n:03d}" for n in range(data.draw(st.integers(1, 20)))]
    done: list[str] = []

    def answer(records: list[Record]) -> Any:
        here = [r.sequence_number for r in records]
        fate = data.draw(st.integers(-2, len(here)))
        if fate == -1:
            raise InvocationError("crash")
        if fate == -2:
            return {"batchItemFailures": [{"itemIdentifier": ""}]}
        done.extend(here[:fate])
        return {"batchItemFailures": [{"itemIdentifier": n} for n in here[fate:]]}

    failed: list[Failed] = []
    source = shard(*names)
    mapping = EventSourceMapping(
        Settings(batch_size=size, bisect=bisect, maximum_retries=retries, report_failures=True),
        Function(answer),
        failed.append,
    )
    drive(mapping, source, rounds=400)
    given_up = [r.sequence_number for f in failed for r in f.records]
    assert sorted(done + given_up) == names
    assert done == sorted(done)


def test_invocations_are_counted_anew_after_a_partial_failure() -> None:
    failed = run(Function(failing_at("c")), shard(*"abc"), report_failures=True, maximum_retries=3)
    assert [(f.invocations, f.function_error) for f in failed] == [(4, False)]


def test_records_discarded_before_any_invocation_count_one() -> None:
    failed = run(Function(), Shard(records=[Record("old", "k", b"", NOW - 100)]), maximum_age=60)
    assert [(f.condition, f.invocations) for f in failed] == [("RecordAgeExceeded", 1)]


def test_a_raised_error_is_a_function_error() -> None:
    failed = run(Function(raising), shard("a"), maximum_retries=1)
    assert [(f.invocations, f.function_error) for f in failed] == [(2, True)]


def test_settings_of_a_described_mapping() -> None:
    described = {
        "BatchSize": 7,
        "MaximumRetryAttempts": 0,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    }
    assert Settings.of(described) == Settings(batch_size=7, maximum_retries=0, report_failures=True)
    assert Settings.of({}) == Settings()
