import dataclasses

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder

from contract.schema import Task
from tests.training.tiny import rows
from training import gate, onnx_model
from training.evaluate import losses
from training.gate import Verdict, worsening
from training.use_case import Gate, Params, UseCase


def fitted(use_case: UseCase, params: Params, frame: pd.DataFrame | None = None) -> Pipeline:
    frame = rows("train") if frame is None else frame
    return use_case.pipeline(params).fit(frame[use_case.feature_names], frame[use_case.target.name])


def judged(use_case: UseCase, challenger: Pipeline, champion: Pipeline | None) -> Verdict:
    return gate.decide(
        use_case, challenger, onnx_model.convert(use_case, challenger), champion, rows("validation")
    )


def test_the_same_model_again_passes(tiny: UseCase) -> None:
    ridge = fitted(tiny, {"model": "ridge"})
    assert judged(tiny, ridge, ridge).passed
    assert judged(tiny, ridge, None).passed


def test_a_better_model_passes_and_a_worse_one_is_refused_with_a_reason(tiny: UseCase) -> None:
    ridge, stump = fitted(tiny, {"model": "ridge"}), fitted(tiny, {"model": "tree", "depth": 1})
    assert judged(tiny, ridge, stump).passed
    refused = judged(tiny, stump, ridge)
    assert not refused.passed
    assert refused.reasons[0].startswith("rmse ")
    assert "against the champion's" in refused.reasons[0]
    assert "worse (95% paired bootstrap)" in refused.reasons[0]


def test_significantly_worse_is_refused_even_within_the_margin(tiny: UseCase) -> None:
    lenient = dataclasses.replace(tiny, gate=Gate(margin=1.0, segment_margin=9.0))
    ridge, worse = fitted(tiny, {"model": "ridge"}), fitted(tiny, {"model": "ridge", "alpha": 400.0})
    verdict = judged(lenient, worse, ridge)
    assert [c.name for c in verdict.checks if not c.passed] == ["quality"]


def test_a_worse_segment_is_refused_although_the_overall_metric_is_better(tiny: UseCase) -> None:
    """The champion errs on red rows, the challenger on blue ones."""
    train, red = rows("train"), rows("train")["colour"] == "red"
    blue = train["colour"] == "blue"
    champion = fitted(tiny, {"model": "ridge"}, train.assign(price=train["price"] + 3 * red))
    challenger = fitted(tiny, {"model": "ridge"}, train.assign(price=train["price"] + 2.5 * blue))
    verdict = judged(tiny, challenger, champion)
    failed = {c.name: c.sentence for c in verdict.checks if not c.passed}
    assert list(failed) == ["segments of colour"]
    assert "blue (" in failed["segments of colour"]
    assert "red" not in failed["segments of colour"]


def test_size_and_latency_have_limits(tiny: UseCase) -> None:
    strict = dataclasses.replace(tiny, gate=Gate(max_megabytes=0.0001, max_microseconds=0.0001))
    ridge = fitted(tiny, {"model": "ridge"})
    assert [c.name for c in judged(strict, ridge, ridge).checks if not c.passed] == ["size", "latency"]


def test_a_model_whose_onnx_differs_is_refused(tiny: UseCase) -> None:
    ridge, other = fitted(tiny, {"model": "ridge"}), fitted(tiny, {"model": "ridge", "alpha": 90.0})
    verdict = gate.decide(tiny, ridge, onnx_model.convert(tiny, other), None, rows("validation"))
    assert [c.name for c in verdict.checks if not c.passed] == ["onnx"]
    assert "disagree" in verdict.reasons[0]


def test_a_champion_with_another_contract_is_not_compared(tiny: UseCase) -> None:
    ridge = fitted(tiny, {"model": "ridge"})
    onnx = onnx_model.convert(tiny, ridge)
    verdict = gate.decide(tiny, ridge, onnx, None, rows("validation"), ["feature weight is new"])
    assert not verdict.passed
    assert verdict.reasons == [
        "the contract changed since the champion: feature weight is new. The two can't be compared on the "
        "same rows: review both reports and promote with --anyway, or give the use case another name"
    ]


def test_a_champion_that_fails_on_new_values_is_not_compared(tiny: UseCase) -> None:
    """Its encoder refuses a category that was added later."""
    ridge, known = fitted(tiny, {"model": "ridge"}), rows("train").query("colour != 'red'")
    strict = OneHotEncoder(handle_unknown="error")
    columns = ColumnTransformer([("colour", strict, ["colour"])], remainder="passthrough")
    champion = make_pipeline(columns, Ridge()).fit(known[tiny.feature_names], known["price"])
    verdict = judged(tiny, ridge, champion)
    assert [c.name for c in verdict.checks if not c.passed] == ["contract"]
    assert (
        "the champion can't score the held-out rows (ValueError: Found unknown categories"
        in verdict.reasons[0]
    )


@pytest.mark.parametrize("task", list(Task))
def test_the_interval_has_its_nominal_coverage(task: Task) -> None:
    """The 95% interval of two equal models holds zero in about 95 of 100."""
    rng = np.random.default_rng(1)
    covered = 0
    for seed in range(100):
        if task is Task.REGRESSION:
            hard = rng.gamma(2, 2, 300)
            ours, theirs = (losses(task, np.zeros(300), rng.normal(0, hard)) for _ in range(2))
        else:
            ours, theirs = ((rng.random(300) < 0.3).astype(float) for _ in range(2))
        _, low, high = worsening(task, ours, theirs, confidence=0.95, seed=seed)
        covered += low <= 0 <= high
    assert 88 <= covered <= 99


def test_more_accuracy_is_better_and_more_error_is_worse() -> None:
    good, bad = np.zeros(100), np.ones(100)
    assert worsening(Task.CLASSIFICATION, good, bad, confidence=0.95, seed=0)[0] == pytest.approx(-1)
    assert worsening(Task.REGRESSION, good, bad, confidence=0.95, seed=0)[0] == pytest.approx(-1)
