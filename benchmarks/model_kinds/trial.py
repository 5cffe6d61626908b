"""Fit, convert and score one model."""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline

from benchmarks.model_kinds import rows
from contract.schema import Contract, Task
from training import onnx_model, serving
from training.onnx_graph import ExportError
from training.use_case import UseCase


@dataclass(frozen=True)
class Kind:
    """One model to try: its pipeline, what it predicts, and from which features."""

    group: str
    name: str
    pipeline: Callable[[], Pipeline]
    target: str
    features: Sequence[str] = (*rows.NUMBERS, *rows.PLACES)


@dataclass(frozen=True)
class Outcome:
    """Result of a trial: largest difference of the served predictions, or the reason of the refusal.

    Differences are of probabilities, or shares of a predicted number.
    """

    kind: Kind
    rows: int = 0
    difference: float = 0.0
    refused: str = ""

    @property
    def verdict(self) -> str:
        """Return accepted or refused."""
        return "refused" if self.refused else "accepted"


def run(kind: Kind) -> Outcome:
    """Fit the model, export it and compare what the prediction Lambda publishes with its own predictions."""
    use_case = rows.use_case(kind.target, list(kind.features))
    frame = use_case.model_rows(rows.train())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # convergence and names of features do not matter here
        pipeline = kind.pipeline().fit(frame[list(kind.features)], rows.train()[kind.target])
        try:
            onnx, _ = onnx_model.export(use_case, pipeline, rows.validation())
        except ExportError as error:
            return Outcome(kind, refused=str(error))
        return Outcome(
            kind, rows=len(rows.validation()), difference=_difference(use_case, kind, pipeline, onnx)
        )


def _difference(use_case: UseCase, kind: Kind, pipeline: Pipeline, onnx: bytes) -> float:
    """Return the largest difference between the served predictions and the pipeline's."""
    frame = rows.validation().assign(order_id=[str(number) for number in range(rows.VALIDATION)])
    scored = serving.score(_contract(use_case), onnx, frame)
    if scored.rejected:
        raise ValueError(f"the scorer rejected a record: {scored.rejected[0].data!r}")
    served = [msgspec.json.decode(line.data)["prediction"] for line in scored.scored]
    features = use_case.model_rows(frame)
    if not is_classifier(pipeline):
        wanted = np.asarray(pipeline.predict(features), dtype=np.float64).reshape(-1)
        got = np.array([one[kind.target] for one in served])
        return float((np.abs(got - wanted) / (np.abs(wanted) + wanted.std())).max())
    classes = [str(c) for c in pipeline.classes_]
    labels = np.asarray(pipeline.predict(features)).reshape(-1).astype(str)
    return _apart(served, pipeline.predict_proba(features), labels, classes)


def _apart(
    served: list[dict[str, Any]],
    wanted: npt.NDArray[np.float64],
    labels: npt.NDArray[np.str_],
    classes: list[str],
) -> float:
    """Return the largest difference of a probability, 1 if a class differs that was not a draw."""
    got = np.array([[one["probabilities"][name] for name in classes] for one in served])
    ordered = np.sort(wanted, axis=1)
    decided = ordered[:, -1] - ordered[:, -2] > 2 * onnx_model.TOLERANCE
    if (np.array([str(one["label"]) for one in served]) != labels)[decided].any():
        return 1.0
    return float(np.abs(got - wanted).max())


def _contract(use_case: UseCase) -> Contract:
    """Return the contract with the labels that an export finds in the rows."""
    declared = use_case.contract()
    if use_case.task is Task.REGRESSION:
        return declared
    labels = sorted(pd.unique(rows.train()[use_case.target.name]).tolist())
    target = msgspec.structs.replace(use_case.target, labels=labels)
    return msgspec.structs.replace(declared, target=target)
