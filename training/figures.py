"""Plots of a run: importance, errors, segments and versions."""

import io
import warnings
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from sklearn.inspection import permutation_importance
from sklearn.metrics import confusion_matrix

from contract.schema import Task
from training.evaluate import MAIN_METRIC

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from sklearn.pipeline import Pipeline

    from training.use_case import UseCase

IMPORTANCE_ROWS = 2_000
SHOWN_SEGMENTS = 20
DARK = 0.5
_INK, _ACCENT = "#1f2a44", "#2f6fde"
_SCORERS = {"rmse": "neg_root_mean_squared_error", "accuracy": "accuracy"}

LABEL_CHARACTERS = 60
# Names and values are shown as they are: matplotlib would typeset text between two dollar signs.
_STYLE: dict[Any, Any] = {
    "axes.spines.top": False,
    "axes.spines.right": False,
    "font.size": 9,
    "text.parse_math": False,
}


def importance(use_case: "UseCase", pipeline: "Pipeline", rows: pd.DataFrame) -> pd.DataFrame:
    """Return permutation importance by feature: mean and standard deviation."""
    sample = rows.sample(min(len(rows), IMPORTANCE_ROWS), random_state=use_case.seed)
    found = permutation_importance(
        pipeline,
        use_case.model_rows(sample),
        sample[use_case.target.name],
        scoring=_SCORERS[MAIN_METRIC[use_case.task][0]],
        n_repeats=5,
        random_state=use_case.seed,
    )
    table = pd.DataFrame(
        {"feature": use_case.feature_names, "mean": found.importances_mean, "std": found.importances_std}
    )
    return table.sort_values("mean", ascending=False, ignore_index=True)


@mpl.rc_context(_STYLE)
def importance_picture(use_case: "UseCase", table: pd.DataFrame) -> bytes:
    """Return a bar chart of permutation importance as PNG."""
    figure, axes = _canvas(height=1 + 0.35 * len(table))
    flipped = table[::-1]
    bars = range(len(flipped))
    axes.barh(bars, flipped["mean"], xerr=flipped["std"], color=_ACCENT)
    axes.set_yticks(bars, [_short(name) for name in flipped["feature"]])
    axes.set_xlabel(f"loss of {MAIN_METRIC[use_case.task][0]} when the feature is shuffled")
    return _png(figure)


@mpl.rc_context(_STYLE)
def errors_picture(use_case: "UseCase", pipeline: "Pipeline", rows: pd.DataFrame) -> bytes:
    """Return predicted against actual and residuals, or the confusion matrix."""
    predicted = pipeline.predict(use_case.model_rows(rows))
    actual = rows[use_case.target.name].to_numpy()
    if use_case.task is Task.CLASSIFICATION:
        return _confusion(use_case, actual, predicted)
    figure = Figure(figsize=(8, 3.4), layout="constrained")
    left, right = figure.subplots(1, 2)
    limits = np.quantile(actual, [0, 0.995])
    left.hexbin(actual, predicted, gridsize=45, bins="log", cmap="Blues", extent=(*limits, *limits))
    left.plot(limits, limits, color=_INK, linewidth=1)
    left.set(xlabel=f"actual {_unit(use_case)}", ylabel=f"predicted {_unit(use_case)}")
    right.hist(
        np.clip(actual - predicted, *np.quantile(actual - predicted, [0.005, 0.995])), 60, color=_ACCENT
    )
    right.set(xlabel=f"actual minus predicted {_unit(use_case)}", ylabel="rows")
    return _png(figure)


@mpl.rc_context(_STYLE)
def segments_picture(use_case: "UseCase", table: pd.DataFrame) -> bytes | None:
    """Return bars of the twenty largest segments, None without segments."""
    if table.empty:
        return None
    metric = MAIN_METRIC[use_case.task][0]
    largest = table.nlargest(SHOWN_SEGMENTS, "rows").sort_values(metric)
    figure, axes = _canvas(height=1 + 0.25 * len(largest))
    names = [
        f"{_short(f'{s} {v}')} ({r:,})"
        for s, v, r in zip(largest["segment"], largest["value"], largest["rows"], strict=True)
    ]
    bars = range(len(largest))
    axes.barh(bars, largest[metric], color=_ACCENT)
    axes.set_yticks(bars, names)
    axes.set_xlabel(f"{metric} (rows in brackets)")
    return _png(figure)


@mpl.rc_context(_STYLE)
def versions_picture(use_case: "UseCase", table: pd.DataFrame) -> bytes:
    """Return the main metric by version, with aliases marked."""
    metric = MAIN_METRIC[use_case.task][0]
    figure, axes = _canvas(height=2.6)
    axes.plot(table["version"].astype(str), table[metric], color=_INK, marker="o", linewidth=1)
    for _, row in table[table["alias"] != ""].iterrows():
        axes.annotate(
            _short(row["alias"]),
            (str(row["version"]), row[metric]),
            xytext=(0, 8),
            textcoords="offset points",
            ha="center",
        )
    axes.margins(y=0.3)
    axes.set(xlabel="version", ylabel=metric)
    return _png(figure)


def _confusion(use_case: "UseCase", actual: Any, predicted: Any) -> bytes:
    labels = sorted(set(actual.tolist()) | set(predicted.tolist()))
    counts = confusion_matrix(actual, predicted, labels=labels)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure = Figure(figsize=(0.7 * len(labels) + 2, 0.6 * len(labels) + 1.4), layout="constrained")
    axes = figure.subplots()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        axes.text(
            column,
            row,
            str(count),
            ha="center",
            va="center",
            color="white" if shares[row, column] > DARK else _INK,
        )
    ticks = range(len(labels))
    names = [_short(str(label)) for label in labels]
    axes.set_xticks(ticks, names)
    axes.set_yticks(ticks, names)
    axes.set(
        xlabel=f"predicted {_short(use_case.target.name)}", ylabel=f"actual {_short(use_case.target.name)}"
    )
    return _png(figure)


def _short(text: str) -> str:
    """Return one line of at most 60 characters."""
    line = " ".join(text.split())
    return line if len(line) <= LABEL_CHARACTERS else line[: LABEL_CHARACTERS - 1] + "…"


def _canvas(*, height: float) -> "tuple[Figure, Axes]":
    figure = Figure(figsize=(8, height), layout="constrained")
    return figure, figure.subplots()


def _unit(use_case: "UseCase") -> str:
    unit = f" ({use_case.target.unit})" if use_case.target.unit else ""
    return _short(f"{use_case.target.name}{unit}")


def _png(figure: Figure) -> bytes:
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # A character without a glyph is drawn as a box.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure.savefig(buffer, format="png", dpi=110)
    return buffer.getvalue()
