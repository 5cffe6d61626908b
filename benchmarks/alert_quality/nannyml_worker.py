"""Verdicts of NannyML, run in its own environment: `nannyml_worker.py TASKS.json`.

Each task names Parquet files of reference and windows; the windows of `size` rows are concatenated.
Univariate drift, reconstruction error and realised performance run with all defaults. Verdicts are
written as JSON: per task and method a list with one boolean per window.
"""

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import nannyml  # type: ignore[import-not-found]  # it is in its own environment
import pandas as pd


def univariate(task: dict[str, Any], reference: pd.DataFrame, windows: pd.DataFrame) -> list[bool]:
    """Return whether any column drifted, per window."""
    calculator = nannyml.UnivariateDriftCalculator(
        column_names=task["columns"],
        treat_as_categorical=task["categorical"],
        chunk_size=task["size"],
    )
    found = calculator.fit(reference).calculate(windows).filter(period="analysis").to_df()
    alerts = found.loc[:, found.columns.get_level_values(-1) == "alert"]
    return [bool(any_) for any_ in alerts.any(axis=1)]


def multivariate(task: dict[str, Any], reference: pd.DataFrame, windows: pd.DataFrame) -> list[bool]:
    """Return whether the reconstruction error is beyond its thresholds, per window."""
    calculator = nannyml.DataReconstructionDriftCalculator(
        column_names=task["features"], chunk_size=task["size"]
    )
    found = calculator.fit(reference).calculate(windows).filter(period="analysis").to_df()
    return [bool(alert) for alert in found["reconstruction_error", "alert"]]


def performance(task: dict[str, Any], reference: pd.DataFrame, windows: pd.DataFrame) -> list[bool]:
    """Return whether the model's error is beyond its thresholds, per window."""
    regression = not task["labels"]
    metric = "rmse" if regression else "accuracy"
    if not regression:
        reference, windows = (_with_probabilities(task, side) for side in (reference, windows))
    calculator = nannyml.PerformanceCalculator(
        metrics=[metric],
        y_true=task["target"],
        y_pred=task["prediction"],
        y_pred_proba=None if regression else {label: f"p {label}" for label in task["labels"]},
        problem_type="regression" if regression else "classification_multiclass",
        chunk_size=task["size"],
    )
    found = calculator.fit(reference).calculate(windows).filter(period="analysis").to_df()
    return [bool(alert) for alert in found[metric, "alert"]]


def _with_probabilities(task: dict[str, Any], rows: pd.DataFrame) -> pd.DataFrame:
    """Add one probability column per class, which NannyML requires."""
    predicted = rows[task["prediction"]]
    return rows.assign(**{f"p {label}": (predicted == label).astype(float) for label in task["labels"]})


def table(path: str, task: dict[str, Any]) -> pd.DataFrame:
    """Read rows, with categories as strings."""
    frame = pd.read_parquet(path)
    texts = {name: frame[name].astype("string").astype(object) for name in task["categorical"]}
    return frame.assign(**{name: column.where(column.notna(), None) for name, column in texts.items()})


def main() -> None:
    """Run every task and write the verdicts next to the tasks."""
    warnings.simplefilter("ignore")
    path = Path(sys.argv[1])
    verdicts = []
    for task in json.loads(path.read_text()):
        sides = table(task["reference"], task), table(task["windows"], task)
        methods = {"univariate": univariate, "multivariate": multivariate, "performance": performance}
        verdicts.append({name: judge(task, *sides) for name, judge in methods.items()})
    path.with_suffix(".verdicts.json").write_text(json.dumps(verdicts))


if __name__ == "__main__":
    main()
