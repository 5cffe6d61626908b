"""Errors and predictions by group: against the other records, and against the reference."""

import numpy as np
import pyarrow as pa
import pytest

from contract.schema import Contract, Target, Task
from lambda_monitor.checks import bias
from lambda_monitor.checks.bias import ERROR, RATE, score_errors, score_rates
from lambda_monitor.checks.score import Score
from lambda_monitor.profiles.profile import Profile, ProfileSpec
from tests.lambda_monitor.checks.test_performance import EVEN, rows
from tests.lambda_monitor.synthetic import contract

CONTRACT = contract(segments=["PULocationID"], groups=["PULocationID"])
BINARY = contract(
    task=Task.CLASSIFICATION,
    target=Target(name="paid", labels=[0, 1], positive=1),
    segments=["PULocationID"],
    groups=["PULocationID"],
)


def failed(score: Score) -> bool:
    return score.value is not None and score.threshold is not None and score.value > score.threshold


def error(current: pa.Table, reference: pa.Table = EVEN, declared: Contract = CONTRACT) -> Score:
    [score] = score_errors(declared, reference, current)
    return score


def rate(current: pa.Table, reference: pa.Table = EVEN, declared: Contract = CONTRACT) -> Score:
    spec = ProfileSpec.of(declared, reference)
    [score] = score_rates(declared, spec, Profile.of(reference, spec), Profile.of(current, spec))
    return score


def moved(table: pa.Table, column: str, by: float, zone: int | None = None) -> pa.Table:
    inside = np.ones(len(table)) if zone is None else table.column("PULocationID").to_numpy() == zone
    values = table.column(column).to_numpy() + by * inside
    return table.set_column(table.column_names.index(column), column, pa.array(values))


def applicants(count: int, seed: int, *, lower: float = 0.0, wrong: float = 0.0) -> pa.Table:
    """Return labelled records of two classes; zone 2 gets lower probabilities or more wrong classes."""
    rng = np.random.default_rng(seed)
    zones = rng.integers(1, 6, count)
    probability = np.clip(rng.beta(2, 3, count) - lower * (zones == 2), 0.01, 0.99)
    predicted = (probability >= 0.5).astype(int)
    turned = rng.random(count) < np.where(zones == 2, 0.1 + wrong, 0.1)
    return pa.table(
        {
            "PULocationID": zones,
            "prediction": predicted,
            "positive_probability": probability,
            "target": np.where(turned, 1 - predicted, predicted),
        }
    )


def test_groups_like_those_of_the_reference_are_ok() -> None:
    assert [
        seed for seed in range(200) if failed(error(rows(500, seed))) or failed(rate(rows(500, seed)))
    ] == []
    people = applicants(8_000, 1)
    found = [applicants(800, seed) for seed in range(2, 150)]
    assert not any(failed(error(one, people, BINARY)) or failed(rate(one, people, BINARY)) for one in found)


def test_a_group_with_a_larger_error_is_named() -> None:
    score = error(rows(1_500, 3, zone=2.0))
    assert failed(score)
    assert (score.columns, score.detail["segment"]) == (["PULocationID"], "1")
    assert 'For PULocationID = "1" errors are 1.' in score.sentence
    assert "times on the reference." in score.sentence
    assert set(score.detail["segments"]) == {"1", "2", "3", "4", "5"}


@pytest.mark.parametrize("worse", [1.0, 2.0])
def test_an_error_that_grows_for_all_is_no_bias(worse: float) -> None:
    assert not failed(error(rows(1_500, 3, error=2.0 * worse)))


def test_a_group_that_was_worse_on_the_reference_is_ok() -> None:
    reference = rows(6_000, 1, zone=2.0)
    assert not failed(error(rows(1_500, 3, zone=2.0), reference))
    assert failed(error(rows(1_500, 3, zone=5.0), reference))


def test_wrong_classes_of_one_group_are_a_bias() -> None:
    people = applicants(8_000, 1)
    score = error(applicants(1_500, 2, wrong=0.3), people, BINARY)
    assert failed(score)
    assert score.detail["segment"] == "2"
    assert "(wrong predictions)" in score.sentence


def test_predictions_of_one_group_that_move_away_are_found() -> None:
    score = rate(moved(rows(1_000, 4), "prediction", 5.0, zone=2))
    assert failed(score)
    assert score.detail["segment"] == "2"
    assert "the mean predicted duration is" in score.sentence
    assert "above that of the other records" in score.sentence
    assert not failed(rate(moved(rows(1_000, 4), "prediction", 5.0)))
    apart = moved(EVEN, "prediction", 5.0, zone=2)
    assert not failed(rate(moved(rows(1_000, 4), "prediction", 5.0, zone=2), apart))


def test_a_lower_probability_for_one_group_is_found() -> None:
    score = rate(applicants(1_500, 2, lower=0.2), applicants(8_000, 1), BINARY)
    assert failed(score)
    assert "the mean probability of paid 1 is" in score.sentence
    assert "below that of the other records" in score.sentence


def test_more_than_two_classes_have_no_prediction_rate() -> None:
    classes = contract(
        task=Task.CLASSIFICATION,
        target=Target(name="quality", labels=[1, 2, 3]),
        segments=["PULocationID"],
        groups=["PULocationID"],
    )
    score = rate(rows(100, 1), EVEN, classes)
    assert (score.name, score.value) == (RATE, None)
    assert score.sentence == "Predictions by PULocationID are compared for numbers and for two classes only."


def test_few_records_of_every_group_are_skipped_with_a_sentence() -> None:
    few = rows(60, 1)
    assert (error(few).name, error(few).value) == (ERROR, None)
    assert (
        error(few).sentence == "No value of PULocationID has 30 labelled records, so errors are not compared."
    )
    assert rate(few).sentence == "No value of PULocationID has 30 records, so predictions are not compared."


def test_rare_errors_of_small_groups_exceed_the_limit_as_rarely() -> None:
    rng = np.random.default_rng(7)
    above, windows = 0, 6_000
    for _ in range(windows):
        before = rng.random(400) < 0.1, rng.random(1_600) < 0.1
        now = rng.random(40) < 0.1, rng.random(160) < 0.1
        found = bias._error("a", *((a.astype(float), b.astype(float)) for a, b in (before, now)))
        above += found.segment.value > found.segment.limit
    assert above <= 1


def test_without_groups_nothing_is_compared() -> None:
    plain = contract(segments=["PULocationID"])
    spec = ProfileSpec.of(plain, EVEN)
    whole = Profile.of(EVEN, spec)
    assert [*score_errors(plain, EVEN, EVEN), *score_rates(plain, spec, whole, whole)] == []
