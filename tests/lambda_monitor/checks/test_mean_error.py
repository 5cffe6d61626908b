"""Mean error on few labels: targets that moved, in all records or in one segment."""

import numpy as np
import pyarrow as pa
import pytest

from contract.schema import Target, Task
from lambda_monitor.checks.mean_error import SEGMENT, WHOLE, score_mean_error
from lambda_monitor.checks.score import Score
from tests.lambda_monitor.checks.test_performance import A_DAY, CONTRACT, DAYS, EVEN, rows
from tests.lambda_monitor.synthetic import contract


def scores(current: pa.Table, reference: pa.Table = EVEN) -> dict[str, Score]:
    return {score.name: score for score in score_mean_error(CONTRACT, reference, current)}


def failing(current: pa.Table, reference: pa.Table = EVEN) -> set[str]:
    return {
        s.name for s in scores(current, reference).values() if s.value is not None and s.value > s.threshold
    }


def longer(table: pa.Table, by: float, zone: int | None = None) -> pa.Table:
    """Return `table` with every target, or those of a zone, longer by that many minutes."""
    inside = np.ones(len(table)) if zone is None else table.column("PULocationID").to_numpy() == zone
    target = table.column("target").to_numpy() + by * inside
    return table.set_column(table.column_names.index("target"), "target", pa.array(target))


def test_windows_like_the_reference_are_ok() -> None:
    assert [seed for seed in range(200) if failing(rows(300, seed))] == []


@pytest.mark.parametrize("by", [-3.0, 3.0])
def test_fifty_labels_detect_targets_that_moved(by: float) -> None:
    found = [failing(longer(rows(50, seed), by)) for seed in range(50)]
    assert sum(WHOLE in one for one in found) >= 48


def test_the_sentence_names_side_size_and_unit() -> None:
    sentence = scores(longer(rows(1_000, 1), 3.0))[WHOLE].sentence
    assert sentence.startswith("On 1,000 labelled records duration is 3.0")
    assert "minutes above the prediction on average; the mean error moved by 1.6 usual errors" in sentence
    assert "minutes below the prediction" in scores(longer(rows(1_000, 1), -3.0))[WHOLE].sentence


def test_a_target_that_moved_in_one_segment_names_it() -> None:
    found = [failing(longer(rows(400, seed), 3.0, zone=2)) for seed in range(30)]
    assert sum(SEGMENT in one for one in found) >= 28
    score = scores(longer(rows(1_000, 1), 3.0, zone=2))[SEGMENT]
    assert score.detail["segment"] == "2"
    assert "PULocationID" in score.sentence
    assert score.columns == ["PULocationID"]


def test_a_day_that_moves_every_segment_is_no_alert_of_a_segment() -> None:
    assert failing(longer(rows(2_000, 4), 3.0)) == {WHOLE}


def test_one_bad_day_of_several_is_no_alert() -> None:
    days = np.arange(1_000) % 5
    window = rows(1_000, 6, spread=5)
    target = window.column("target").to_numpy() + 4.0 * (days == 2)
    stormy = window.set_column(window.column_names.index("target"), "target", pa.array(target))
    found = scores(stormy)[WHOLE]
    assert 0.25 < found.value < found.threshold
    assert "Without one bad day, 2026-03-03," in found.sentence


def test_days_may_differ_as_much_as_those_of_the_reference() -> None:
    moved = np.repeat(np.random.default_rng(8).normal(0, 1.5, DAYS)[None, :], A_DAY, axis=0).ravel()
    target = EVEN.column("target").to_numpy() + moved
    uneven = EVEN.set_column(EVEN.column_names.index("target"), "target", pa.array(target))
    window = longer(rows(1_000, 7, spread=1), 2.0)
    assert WHOLE in failing(window)
    assert WHOLE not in failing(window, uneven)


def test_few_labels_are_skipped_with_a_sentence() -> None:
    found = scores(rows(20, 1))
    assert {name: score.value for name, score in found.items()} == {WHOLE: None, SEGMENT: None}
    assert found[WHOLE].sentence == "20 records have a label; the mean error is checked from 30 on."
    assert scores(rows(60, 1))[SEGMENT].sentence == (
        "No value of PULocationID has 30 labelled records, so mean errors are not compared."
    )


def test_a_classification_has_no_mean_error() -> None:
    classes = contract(task=Task.CLASSIFICATION, target=Target(name="quality", labels=[1, 2, 3]))
    assert list(score_mean_error(classes, EVEN, rows(500, 1))) == []
