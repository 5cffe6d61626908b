"""NannyML's verdicts; run by the interpreter of its own environment: `nannyml_worker.py TASKS.json`.

Each task names Parquet files of reference and windows, all windows of `size` rows after one another.
Univariate drift, reconstruction error and realised performance are asked with every default; verdicts
are written as JSON, a list a task and method, one boolean a window.
"""

import json
import sys
import warnings
from pathlib import Path
from typing import Any

import nannyml  # type: ignore[import-not-found]  # it is in an environment of its own
import pandas as pd


def univariate(task: dict[str, Any], reference: pd.DataFrame, windows: pd.DataFrame) -> list[bool]:
    """Return of each window whether any column drifted."""
    calculator = nannyml.UnivariateDriftCalculator(
        column_names=task["columns"],
        treat_as_categorical=task["categorical"],
        chunk_size=task["size"],
    )
    found = calculator.fit(reference).calculate(windows).filter(period="analysis").to_df()
    alerts = found.loc[:, found.columns.get_level_values(-1) == "alert"]
    return [bool(any_) for any_ in alerts.any(axis=1)]


def multivariate(task: dict[str, Any], reference: pd.DataFrame, windows: pd.DataFrame) -> list[bool]:
    """Return of each window whether its reconstruction error is beyond its thresholds."""
    calculator = nannyml.DataReconstructionDriftCalculator(
        column_names=task["features"], chunk_size=task["size"]
    )
    found = calculator.fit(reference).calculate(windows).filter(period="analysis").to_df()
    return [bool(alert) for alert in found["reconstruction_error", "alert"]]


def performance(task: dict[str, Any], reference: pd.DataFrame, windows: pd.DataFrame) -> list[bool]:
    """Return of each window whether its error is beyond its thresholds."""
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
    """Add a column a class: NannyML asks for them, though accuracy needs the predicted class alone."""
    predicted = rows[task["prediction"]]
    return rows.assign(**{f"p {label}": (predicted == label).astype(float) for label in task["labels"]})


def table(path: str, task: dict[str, Any]) -> pd.DataFrame:
    """Read rows; categories, whatever their type, as NannyML likes them."""
    frame = pd.read_parquet(path)
    texts = {name: frame[name].astype("string").astype(object) for name in task["categorical"]}
    return frame.assign(**{name: column.where(column.notna(), None) for name, column in texts.items()})


def main() -> None:
    """Judge every task and write the verdicts beside the tasks."""
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
