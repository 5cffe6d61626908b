"""Comparison of two models on events and rejections as docs/files.md describes them."""

import gzip
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from contract.schema import Contract, DataRef, DType, Feature, Kind, ModelRef, Target, Task
from ops import shadow_compare, shadow_events, shadow_page
from ops.shadow_compare import Comparison
from ops.shadow_events import Side

START = datetime(2026, 3, 2, 12, tzinfo=UTC)
END = START + timedelta(hours=2)
SHARD = "shardId-000000000000"


def contract(version: str, task: Task = Task.REGRESSION) -> Contract:
    labels = None if task is Task.REGRESSION else [5, 6]
    return Contract(
        use_case="green_taxi",
        task=task,
        id_field="ride_id",
        payload_field="ride",
        features=[Feature(name="trip_distance", kind=Kind.NUMERIC, dtype=DType.FLOAT)],
        target=Target(name="duration", labels=labels),
        model=ModelRef(name="scorewatch-green-taxi", version=version, run_id="run"),
        data=DataRef(source="made up", sha256="0" * 64, rows=2),
    )


def text(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def line(number: int, version: str, *, shard: str = SHARD, seconds: float = 2, **more: Any) -> bytes:
    """Return an event, or a rejection if `reason` is given, of the record that arrived in second `number`."""
    arrived = START + timedelta(seconds=number)
    record = {"shard": shard, "sequence_number": f"{number:021d}", "arrived_at": text(arrived)}
    model = {"name": "scorewatch-green-taxi", "version": version, "run_id": "run"}
    event: dict[str, Any] = {"record": record, "model": model}
    if "reason" in more:
        event |= {"field": "ride", "message": "m", "data": "", "rejected_at": text(arrived)}
    else:
        event |= {"ride_id": f"R{number}", "ride": {}, "features": {"trip_distance": 1.0}}
        event |= {"scored_at": text(arrived + timedelta(seconds=seconds))}
    return json.dumps(event | more).encode()


def scored(number: int, version: str, prediction: float, **more: Any) -> bytes:
    return line(number, version, prediction={"duration": prediction}, **more)


def side(version: str, lines: list[bytes], task: Task = Task.REGRESSION) -> Side:
    found = Side(version, contract(version, task))
    shadow_events.add(found, [("key", gzip.compress(b"\n".join(lines)))], START, END)
    return found


def compared(
    live: list[bytes],
    shadow: list[bytes],
    labels: dict[str, float | str] | None = None,
    task: Task = Task.REGRESSION,
) -> Comparison:
    sides = side("1", live, task), side("2", shadow, task)
    return shadow_compare.compare(*sides, labels or {}, START, END)


def test_predictions_are_compared_record_by_record() -> None:
    live = [scored(n, "1", 10.0) for n in range(100)]
    shadow = [scored(n, "2", 10.0 + (n if n >= 50 else 0), seconds=5) for n in reversed(range(100))]
    found = compared(live, shadow)
    assert (found.outcomes.both, found.equal) == (100, 50)
    assert found.differences.tolist() == [0.0] * 50 + [float(n) for n in range(50, 100)]
    assert [np.median(seconds) for seconds in found.latency] == [2.0, 5.0]
    page = shadow_page.page(found, "green_taxi")
    assert "Scored by both: 100, of which 50.0% have the same prediction" in page
    assert "Shadow minus live: mean 37.25; without sign 37.25" in page
    assert "median 25, 90% 89.1, 99% 98.01, largest 99" in page
    assert "Too few labels for a conclusion" in page
    assert "make release USE_CASE=green_taxi VERSION=2, or make shadow OFF=1" in page


def test_each_record_counts_once_and_the_first_event_of_it() -> None:
    live = [scored(1, "1", 10.0), scored(1, "1", 10.0), scored(2, "1", 3.0)]
    found = compared(live, [scored(1, "2", 11.0), scored(1, "2", 12.0), scored(2, "2", 3.0)])
    assert (found.outcomes.live, found.outcomes.shadow, found.outcomes.both) == (2, 2, 2)
    assert found.differences.tolist() == [1.0, 0.0]


def test_outcomes_tell_lost_records_from_those_that_are_on_their_way() -> None:
    live = [*(scored(n, "1", 1.0) for n in range(10)), line(20, "1", reason="not_json")]
    live += [scored(n, "1", 1.0, shard="shardId-000000000001") for n in (1, 2)]
    shadow = [scored(n, "2", 1.0) for n in (0, 1, 3)] + [line(5, "2", reason="missing_field")]
    shadow += [scored(20, "2", 1.0)]
    found = compared(live, shadow).outcomes
    assert (found.missing, found.waiting) == (6, 2), "2, 4, 6 to 9; the other shard has not begun"
    assert (found.live_rejected, found.shadow_rejected, found.only_shadow) == (1, 1, 1)
    page = shadow_page.page(compared(live, shadow), "green_taxi")
    assert "Rejected in shadow: missing_field 1" in page
    assert "Scored live and not in shadow: 6\n" in page
    assert "Scored live, not yet in shadow: 2\n" in page
    assert "The shadow did not score 6 records" in page


def test_other_versions_records_over_http_and_other_hours_are_left_out() -> None:
    live = [scored(1, "1", 1.0), scored(2, "3", 1.0), scored(3, "1", 1.0, shard="http"), scored(-1, "1", 1.0)]
    found = compared(live, [scored(1, "2", 1.0), scored(2, "2", 1.0), scored(7200, "2", 1.0)])
    assert (found.outcomes.live, found.outcomes.shadow, found.live.others) == (1, 2, 2)


@pytest.mark.parametrize(
    "damaged",
    [b"{", b"[]", b"\xff", scored(1, "2", 1.0).replace(b'"prediction"', b'"p"'), b'{"record": {}}'],
)
def test_damaged_lines_are_counted_not_compared(damaged: bytes) -> None:
    found = compared([scored(1, "1", 1.0)], [damaged, scored(2, "2", 1.0)])
    assert (found.shadow.damaged, found.outcomes.shadow) == (1, 1)
    assert "Left out: 1 damaged lines or objects" in shadow_page.page(found, "green_taxi")


def test_a_damaged_object_is_counted() -> None:
    found = Side("2", contract("2"))
    body = gzip.compress(scored(1, "2", 1.0))
    shadow_events.add(found, [("a", body[:-5]), ("b", body)], START, END)
    assert (found.damaged, len(found.scored)) == (1, 1)


def test_records_that_waited_for_the_shadow_have_no_latency() -> None:
    """A shadow that started an hour back scores the records of that hour late, which is no fault."""
    shadow = [scored(1, "2", 1.0, seconds=3600), scored(2, "2", 1.0, seconds=3599), scored(3700, "2", 1.0)]
    found = compared([scored(n, "1", 1.0) for n in (1, 2, 3700)], shadow)
    assert found.latency[1].tolist() == [2.0]


def advice(of_live: float, of_shadow: float, records: int = 200) -> str:
    """Return the advice if the models are off by so much, each record by a little more or less."""
    noise = np.random.default_rng(0).normal(0, 0.5, (2, records))
    live = [scored(n, "1", 10 + of_live + noise[0, n]) for n in range(records)]
    shadow = [scored(n, "2", 10 + of_shadow + noise[1, n]) for n in range(records)]
    labels: dict[str, float | str] = {f"R{n}": 10.0 for n in range(records)}
    found = compared(live, shadow, labels)
    page = shadow_page.page(found, "green_taxi")
    assert f"rmse on {records} labels" in page
    return page.splitlines()[-1]


def test_labels_decide() -> None:
    assert advice(3, 1).startswith(
        "The shadow is better than the live model on the labelled records: make rel"
    )
    assert advice(1, 3) == "The shadow is worse than the live model: make shadow OFF=1 USE_CASE=green_taxi"
    assert advice(1, 1).startswith("The shadow is not worse than the live model")
    assert advice(3, 1, records=99).startswith("Too few labels")


def test_errors_are_those_of_training() -> None:
    live = [scored(n, "1", p) for n, p in enumerate([1.0, 5.0, 2.0])]
    shadow = [scored(n, "2", p) for n, p in enumerate([2.0, 2.0, 2.0])]
    found = compared(live, shadow, {"R0": 1.0, "R1": 1.0, "elsewhere": 3.0}).errors
    assert found is not None
    assert (found.metric, found.records, found.worse) == ("rmse", 2, None)
    assert found.live == pytest.approx(np.sqrt(8))
    assert found.shadow == pytest.approx(1.0)


def test_classes_are_compared_as_such() -> None:
    task = Task.CLASSIFICATION
    live = [scored(n, "1", 5) for n in range(4)]
    shadow = [scored(n, "2", 5 if n < 1 else 6) for n in range(4)]
    found = compared(live, shadow, {"R0": "5", "R1": "6", "R2": "5"}, task)
    assert (found.equal, len(found.differences)) == (1, 0)
    assert found.errors is not None
    assert found.errors.metric == "accuracy"
    assert (found.errors.live, found.errors.shadow) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert "  5 live, 6 in shadow: 3" in shadow_page.page(found, "green_taxi")


def test_nothing_to_compare_is_said() -> None:
    page = shadow_page.page(compared([scored(1, "1", 1.0)], []), "green_taxi")
    assert "newest record                 2026-03-02 12:00:01                 none" in page
    assert page.splitlines()[-1].startswith("Nothing was scored by both yet")


def test_a_shadow_that_rejects_more_is_not_to_be_released() -> None:
    live = [scored(n, "1", 1.0) for n in range(3)]
    found = compared(live, [scored(0, "2", 1.0), line(1, "2", reason="r"), line(2, "2", reason="r")])
    assert shadow_page.advice(found, "green_taxi").startswith("The shadow rejects more records")
