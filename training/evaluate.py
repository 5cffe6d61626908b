"""Metrics of predictions, over all rows and by segment."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn import metrics

from contract.schema import Task

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

    from training.use_case import UseCase

# The metric models are compared by, and whether higher is better.
MAIN_METRIC = {Task.REGRESSION: ("rmse", False), Task.CLASSIFICATION: ("accuracy", True)}
SEGMENT_ROWS = 50


def evaluate(use_case: "UseCase", pipeline: "Pipeline", rows: pd.DataFrame) -> dict[str, float]:
    """Return the metrics on rows the model has not seen.

    Regression: rmse, mae and bias in the target's unit, r2. Classification: accuracy, f1 (macro), log_loss.
    """
    features, target = use_case.model_rows(rows), rows[use_case.target.name]
    predicted = pipeline.predict(features)
    if use_case.task is Task.REGRESSION:
        return {
            "rmse": float(metrics.root_mean_squared_error(target, predicted)),
            "mae": float(metrics.mean_absolute_error(target, predicted)),
            "bias": float(np.mean(predicted - target)),
            "r2": float(metrics.r2_score(target, predicted)),
        }
    # An unseen class has no probability; its rows count as wrong in accuracy.
    seen = target.isin(pipeline.classes_).to_numpy()
    probabilities = pipeline.predict_proba(features)[seen]
    return {
        "accuracy": float(metrics.accuracy_score(target, predicted)),
        "f1": float(metrics.f1_score(target, predicted, average="macro", zero_division=0)),
        "log_loss": float(metrics.log_loss(target[seen], probabilities, labels=list(pipeline.classes_))),
    }


def losses(task: Task, target: npt.NDArray[Any], predicted: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Return each row's loss: squared error, or 1 for a wrong class."""
    loss: npt.NDArray[np.float64]
    if task is Task.REGRESSION:
        loss = np.square(np.subtract(predicted, target, dtype=np.float64))
    else:
        loss = np.not_equal(predicted, target).astype(np.float64)
    return loss


def score(task: Task, loss: npt.NDArray[np.float64]) -> float:
    """Return the main metric of rows with these losses: rmse, or accuracy."""
    return float(np.sqrt(loss.mean())) if task is Task.REGRESSION else float(1 - loss.mean())


def segment_columns(use_case: "UseCase") -> list[str]:
    """Return the columns to break errors down by.

    These are the declared segments and, in classification, the target.
    """
    classes = [use_case.target.name] if use_case.task is Task.CLASSIFICATION else []
    return [*use_case.segments, *classes]


def by_segment(use_case: "UseCase", rows: pd.DataFrame, loss: npt.NDArray[np.float64]) -> pd.DataFrame:
    """Return segment, value, rows and main metric of segments with 50 rows."""
    metric, _ = MAIN_METRIC[use_case.task]
    found: list[dict[str, Any]] = []
    for column in segment_columns(use_case):
        for value, positions in rows.groupby(column).indices.items():
            if len(positions) >= SEGMENT_ROWS:
                figure = score(use_case.task, loss[positions])
                found.append({"segment": column, "value": value, "rows": len(positions), metric: figure})
    return pd.DataFrame(found, columns=["segment", "value", "rows", metric])
