"""A bundle of two classes: the positive class is declared, the reference has its probability."""

import dataclasses
from pathlib import Path

import msgspec
import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from contract import bundle
from contract.bundle import BundleError
from contract.schema import Target, Task
from tests.training.test_onnx_model import FEATURES, encoded
from tests.training.tiny import rows
from training import export, onnx_model, serving
from training.data import Table
from training.export import Exported
from training.tracking import Version
from training.use_case import UseCase


def exported(tiny: UseCase, folder: Path, target: Target) -> tuple[Path, pd.DataFrame]:
    """Return the bundle of a model of dear things, and what it predicts for the reference."""
    use_case = dataclasses.replace(tiny, task=Task.CLASSIFICATION, target=target, time_column=None)

    def labelled(part: str) -> pd.DataFrame:
        frame = rows(part)
        return frame.assign(dear=np.where(frame["price"] > 25, "yes", "no"))

    train, held_out = labelled("train"), labelled("validation")
    pipeline = encoded(LogisticRegression(max_iter=500)).fit(train[FEATURES], train["dear"])
    onnx, _ = onnx_model.export(use_case, pipeline, held_out)
    tables = [Table(frame, ["part"], "test", len(frame), {}) for frame in (train, held_out)]
    made = Exported(Version(use_case.model_name, "1", "r", "s"), onnx, tables[0], tables[1], {})
    wanted = pd.DataFrame(pipeline.predict_proba(held_out[FEATURES]), columns=pipeline.classes_)
    return export.write(use_case, made, folder), wanted


@pytest.mark.parametrize(
    ("target", "positive"),
    [(Target(name="dear"), "yes"), (Target(name="dear", positive="no", threshold=0.3), "no")],
    ids=["default", "declared"],
)
def test_the_reference_has_the_probability_of_the_positive_class(
    tiny: UseCase, tmp_path: Path, target: Target, positive: str
) -> None:
    folder, wanted = exported(tiny, tmp_path, target)

    contract = msgspec.json.decode((folder / bundle.CONTRACT).read_bytes())
    assert contract["target"]["positive"] == positive
    assert contract["target"]["labels"] == ["no", "yes"]
    assert contract["target"]["threshold"] == target.threshold
    reference = pd.read_parquet(folder / bundle.REFERENCE)
    assert "probability" not in reference
    assert np.abs(reference["positive_probability"] - wanted[positive]).max() < 1e-5
    thresholds = msgspec.json.decode((folder / bundle.THRESHOLDS).read_bytes())
    assert "positive_probability" in thresholds["limits"]


def test_the_scorer_serves_a_bundle_of_two_classes(tiny: UseCase, tmp_path: Path) -> None:
    folder, _ = exported(tiny, tmp_path, Target(name="dear"))
    assert serving.check(folder) == serving.ROWS

    reference = pd.read_parquet(folder / bundle.REFERENCE)
    other = reference.assign(prediction=reference["prediction"].map({"yes": "no", "no": "yes"}))
    other.to_parquet(folder / bundle.REFERENCE, index=False)
    bundle.write_manifest(folder, "scorewatch-tiny", "1")
    with pytest.raises(BundleError, match="predictions differ from those of the reference"):
        serving.check(folder)
