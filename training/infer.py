"""Contract of a model, inferred from rows: types, ranges, categories, missing values."""

from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
import numpy as np
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline

from contract.schema import ContractError, DType, Feature, Kind, Target, Task
from training.errors import UserError

# A range is wider than the observed one by this share at both ends, so that later rows fit.
MARGIN = 0.1
# What the scorer gives a model for a missing text.
MARK = "(missing)"
# Texts of more characters on average, and mostly distinct, are free text.
_LONG, _DISTINCT = 30, 0.5


class InferError(UserError, ValueError):
    """Rows don't fit the model, or a column has values that no feature can have."""


class Change(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Change of the reference that makes the demo's drifted rows: `by` is added, or half are set to `to`."""

    feature: str
    by: float | None = None
    to: int | str | bool | None = None

    def __str__(self) -> str:
        """Return the change as a phrase."""
        if self.by is not None:
            return f"{self.feature} is raised by {self.by:g}"
        return f"{self.feature} is {self.to!r} in every second row"

    def apply(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Return the changed rows."""
        values = frame[self.feature]
        if self.by is not None:
            return frame.assign(**{self.feature: values + type(self.by)(self.by)})
        second = np.arange(len(frame)) % 2 == 1
        return frame.assign(**{self.feature: values.mask(second, self.to)})


def taken(pipeline: Pipeline, rows: pd.DataFrame, inputs: Sequence[str], other: Sequence[str]) -> list[str]:
    """Return the columns that the model takes, in its order. Raises InferError.

    They are those of its MLflow signature, or those it was fitted with, or all but `other`.
    """
    fitted = getattr(pipeline, "feature_names_in_", None)
    found = list(inputs) or ([str(name) for name in fitted] if fitted is not None else [])
    found = found or [str(name) for name in rows.columns if name not in other]
    if missing := [name for name in found if name not in rows.columns]:
        raise InferError(
            f"the reference has no column {', '.join(missing)}, which the model takes; its columns are "
            f"{', '.join(map(str, rows.columns))}"
        )
    expected = getattr(pipeline, "n_features_in_", len(found))
    if expected != len(found):
        raise InferError(
            f"the model takes {expected} columns, the reference has {len(found)} besides target, id and "
            f"time ({', '.join(found)}): leave out the others, or fit the model on a DataFrame"
        )
    return found


def features(rows: pd.DataFrame, names: Sequence[str], categories: Sequence[str]) -> list[Feature]:
    """Return the declaration of each column; those in `categories` are categorical. Raises InferError."""
    return [_feature(name, rows[name], categorical=name in categories) for name in names]


def unmarked(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows with missing texts in place of those that stand for them, `(missing)`."""
    texts = [str(name) for name in rows if (rows[name].astype(object) == MARK).any()]
    return rows.assign(**{name: rows[name].astype(object).mask(rows[name] == MARK, None) for name in texts})


def encoded(pipeline: Pipeline) -> list[str]:
    """Return the columns that the pipeline encodes as categories."""
    first = pipeline[0]
    if not isinstance(first, ColumnTransformer):
        return []
    return [
        str(name)
        for _, step, columns in first.transformers_
        if any("Encoder" in type(inner).__name__ for inner in _steps(step))
        and isinstance(columns, list | np.ndarray | pd.Index)
        for name in columns
    ]


def _steps(step: Any) -> Iterator[Any]:
    if isinstance(step, Pipeline):
        for _, inner in step.steps:
            yield from _steps(inner)
    else:
        yield step


def _feature(name: str, values: pd.Series, *, categorical: bool) -> Feature:
    present = values.dropna()
    if present.empty:
        raise InferError(f"column {name!r} of the reference has no values: leave it out of the model")
    dtype = _dtype(name, present)
    given: dict[str, Any] = {"name": name, "dtype": dtype, "nullable": bool(values.isna().any())}
    if not given["nullable"]:
        del given["nullable"]
    try:
        if dtype is DType.STR and not categorical and _is_text(present):
            return Feature(kind=Kind.TEXT, **given)
        if dtype is DType.BOOL:
            return Feature(kind=Kind.CATEGORICAL, **given)
        if dtype is DType.STR or (dtype is DType.INT and categorical):
            levels = sorted({value if dtype is DType.STR else int(value) for value in present})
            return Feature(kind=Kind.CATEGORICAL, categories=levels, **given)
        low, high = _range(present.astype(float), whole=dtype is DType.INT)
        return Feature(kind=Kind.NUMERIC, minimum=low, maximum=high, **given)
    except ContractError as error:
        raise InferError(str(error)) from error


def _dtype(name: str, present: pd.Series) -> DType:
    if isinstance(present.dtype, pd.CategoricalDtype):
        present = present.astype(present.cat.categories.dtype)
    kind = pd.api.types.infer_dtype(present, skipna=True)
    known = {
        "string": DType.STR,
        "boolean": DType.BOOL,
        "integer": DType.INT,
        "floating": DType.FLOAT,
        "mixed-integer-float": DType.FLOAT,
        "decimal": DType.FLOAT,
    }
    if kind not in known:
        raise InferError(
            f"column {name!r} of the reference has {kind} values such as {present.iloc[0]!r}: a feature is a "
            "number, a text or a boolean; compute the parts of a time, such as its hour, before the model"
        )
    return known[kind]


def _is_text(present: pd.Series) -> bool:
    return present.str.len().mean() > _LONG and present.nunique() > _DISTINCT * len(present)


def _range(values: pd.Series, *, whole: bool) -> tuple[float, float]:
    """Return the observed range, widened; one that starts at 0 or above stays there."""
    low, high = float(values.min()), float(values.max())
    if not np.isfinite([low, high]).all():
        raise InferError(f"column {values.name!r} of the reference has infinite values: drop these rows")
    margin = MARGIN * (high - low)
    wide_low = max(low - margin, 0.0) if low >= 0 else low - margin
    digits = 0 if whole else max(0, 3 - int(np.floor(np.log10(max(high - low, 1e-9)))))
    found = np.floor(wide_low * 10**digits) / 10**digits, np.ceil((high + margin) * 10**digits) / 10**digits
    return float(found[0]), float(found[1])


def target(name: str, task: Task, values: pd.Series, classes: Sequence[Any]) -> Target:
    """Return the declaration of the target. Raises InferError."""
    if task is Task.REGRESSION:
        return Target(name=name)
    labels = [value.item() if hasattr(value, "item") else value for value in classes]
    known = {type(label) for label in labels}
    if not known <= {int, str} or len(known) != 1:
        raise InferError(
            f"the model's classes are {labels[:3]}: classes are whole numbers or texts; convert them before "
            "fitting, for example with .astype(int)"
        )
    if unknown := sorted(set(map(str, values.dropna().unique())) - set(map(str, labels))):
        raise InferError(
            f"target {name!r} of the reference has {unknown[0]!r}, which is no class of the model"
        )
    return Target(name=name, labels=labels)


def change(rows: pd.DataFrame, declared: Sequence[Feature], predicted: Any) -> Change:
    """Return a change of the numeric feature that predictions depend on most, by a standard deviation.

    Without a numeric feature, every second row has the commonest value of the first one.
    """
    numeric = [f for f in declared if f.kind is Kind.NUMERIC and rows[f.name].std() > 0]
    if not numeric:
        first = next((f for f in declared if f.kind is Kind.CATEGORICAL), declared[0])
        common = rows[first.name].mode().iloc[0]
        return Change(feature=first.name, to=common.item() if hasattr(common, "item") else common)
    outcome = pd.Series(np.asarray(predicted, dtype=np.float64), index=rows.index)
    strength = {f.name: abs(rows[f.name].astype(float).corr(outcome, method="spearman")) for f in numeric}
    best = max(numeric, key=lambda f: np.nan_to_num(strength[f.name]))
    step = float(rows[best.name].astype(float).std())
    by = max(1, round(step)) if best.dtype is DType.INT else float(f"{step:.3g}")
    return Change(feature=best.name, by=by)
