"""Quality of a binary classifier: figures as scikit-learn gives, alerts for worse models only."""

import numpy as np
import pyarrow as pa
import pytest
from sklearn import metrics

from contract.schema import Contract, Target, Task
from lambda_monitor.checks.binary import score_binary
from lambda_monitor.checks.score import Score
from tests.lambda_monitor.synthetic import contract

TARGET = Target(name="paid", labels=["no", "yes"], positive="yes", threshold=0.4)
CONTRACT = contract(task=Task.CLASSIFICATION, target=TARGET)
CHECKS = {f"performance.{name}" for name in ("log_loss", "auc", "precision", "recall", "calibration")}


def rows(
    count: int, seed: int, *, base: float = 0.3, noise: float = 1.0, bias: float = 0.0, sharp: float = 1.0
) -> pa.Table:
    """Return labelled records of a calibrated model.

    `noise` weakens what the probability knows, `bias` shifts and `sharp` multiplies its logit.
    """
    rng = np.random.default_rng(seed)
    logit = rng.normal(np.log(base / (1 - base)), 1.5, count)
    positive = rng.random(count) < 1 / (1 + np.exp(-logit))
    told = np.where(rng.random(count) < noise, logit, rng.permutation(logit))
    probability = 1 / (1 + np.exp(-(told * sharp + bias)))
    return pa.table(
        {
            "positive_probability": probability.round(6),
            "target": np.where(positive, "yes", "no").tolist(),
        }
    )


def scores(reference: pa.Table, current: pa.Table, declared: Contract = CONTRACT) -> dict[str, Score]:
    return {score.name: score for score in score_binary(declared, reference, current)}


def alerts(reference: pa.Table, current: pa.Table) -> set[str]:
    return {
        score.name
        for score in scores(reference, current).values()
        if score.value is not None
        and score.threshold is not None
        and (score.value < score.threshold if score.below else score.value > score.threshold)
    }


EVEN = rows(5_000, 1)


def test_the_figures_are_those_of_scikit_learn() -> None:
    current = rows(700, 2)
    found = {name.split(".")[1]: score for name, score in scores(EVEN, current).items()}

    probability = current.column("positive_probability").to_numpy()
    positive = np.array(current.column("target").to_pylist()) == "yes"
    flagged = probability >= 0.4
    assert found["log_loss"].value == pytest.approx(metrics.log_loss(positive, probability))
    assert found["auc"].value == pytest.approx(metrics.roc_auc_score(positive, probability))
    assert found["precision"].value == pytest.approx(metrics.precision_score(positive, flagged))
    assert found["recall"].value == pytest.approx(metrics.recall_score(positive, flagged))
    assert [name for name, score in found.items() if score.below] == ["auc", "precision", "recall"]
    assert "precision at the threshold 0.4" in found["precision"].sentence
    assert "it was" in found["auc"].sentence


def test_equal_probabilities_count_half_in_the_auc() -> None:
    current = pa.table(
        {"positive_probability": [0.2, 0.5, 0.5, 0.9] * 30, "target": ["no", "no", "yes", "yes"] * 30}
    )
    assert scores(EVEN, current)["performance.auc"].value == pytest.approx(7 / 8)


def test_calibration_is_the_mean_distance_of_probability_and_share() -> None:
    even = pa.table({"positive_probability": [0.25] * 4 + [0.75] * 4, "target": (["yes"] + ["no"] * 3) * 2})
    reference = pa.concat_tables([even] * 100)
    found = scores(reference, reference)["performance.calibration"]
    # A quarter is positive: right where 0.25 was predicted, 0.5 too few where 0.75 was.
    assert found.value == pytest.approx(0.25)
    assert found.detail == {"reference": pytest.approx(0.25)}
    assert found.threshold is not None
    assert found.value < found.threshold


@pytest.mark.parametrize("base", [0.05, 0.3])
@pytest.mark.parametrize("count", [120, 2_000])
def test_windows_like_the_reference_are_ok(base: float, count: int) -> None:
    reference = rows(5_000, 1, base=base)
    assert [s for s in range(200) if alerts(reference, rows(count, 100 + s, base=base))] == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"noise": 0.25}, CHECKS),
        ({"bias": 1.5}, {"performance.calibration", "performance.log_loss", "performance.precision"}),
        ({"bias": -2.0}, {"performance.calibration", "performance.log_loss", "performance.recall"}),
        ({"sharp": 3.0}, {"performance.calibration", "performance.log_loss"}),
    ],
)
def test_a_worse_model_is_an_alert(changes: dict[str, float], expected: set[str]) -> None:
    found = [alerts(EVEN, rows(2_000, seed, **changes)) for seed in range(20)]
    assert sum(expected <= each for each in found) >= 19
    if changes != {"noise": 0.25}:
        assert all("performance.auc" not in each for each in found), "the order of the records is the same"


def test_a_check_on_few_rows_of_a_kind_is_skipped_with_its_reason() -> None:
    few = scores(EVEN, rows(60, 3))
    assert few["performance.log_loss"].value is None
    assert few["performance.log_loss"].sentence == (
        "Of labelled records the window has 60; the check is made from 100 on."
    )
    rare = scores(EVEN, rows(400, 3, base=0.01))
    assert rare["performance.auc"].value is None
    assert "rarer class" in rare["performance.auc"].sentence
    assert rare["performance.recall"].value is None
    assert rare["performance.calibration"].value is not None


def test_nothing_is_measured_without_a_positive_class_or_its_probabilities() -> None:
    several = contract(task=Task.CLASSIFICATION, target=Target(name="paid", labels=["a", "b", "c"]))
    assert scores(EVEN, EVEN, several) == {}
    assert scores(EVEN.drop_columns(["positive_probability"]), EVEN) == {}


def test_records_without_a_probability_are_left_out() -> None:
    whole = rows(700, 2)
    gaps = pa.table({"positive_probability": pa.array([None] * 50, pa.float64()), "target": ["yes"] * 50})
    assert scores(EVEN, pa.concat_tables([whole, gaps])) == scores(EVEN, whole)
