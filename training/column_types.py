"""Declared types against found ones: convert equal values, refuse others."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import infer_dtype

from contract.schema import DType, Feature, Target, Task

PRESENT = "is present"
_SHOWN = 3
_NUMBERS = {"integer", "floating", "mixed-integer-float", "decimal"}
_SCALARS = {DType.INT: int, DType.FLOAT: float, DType.STR: str}
_FEATURE_FIXES = {
    "boolean": "convert it in prepare() with .astype(int) and declare dtype=DType.INT, or map it to words",
    "datetime": "convert it in prepare(), for example to numbers with .dt.hour, or with .dt.strftime()",
    "text": "convert it in prepare() with pd.to_numeric(), or declare it categorical with dtype=DType.STR",
    "number": "convert it in prepare() with .astype(str), or declare it with dtype=DType.INT or DType.FLOAT",
    "other": "convert it to one type in prepare(), for example with .astype(str)",
    "fraction": "declare dtype=DType.FLOAT, or round in prepare()",
}
_TARGET_FIXES = {
    **_FEATURE_FIXES,
    "boolean": "convert it in prepare() with .astype(int), or map it to words",
    "number": "convert it in prepare() with .astype(str)",
    "fraction": "convert it in prepare() to int or str, or declare task=Task.REGRESSION",
}


class ColumnTypeError(ValueError):
    """A column's values don't have its declared type; the message names the fix."""


def complete(frame: pd.DataFrame, columns: Sequence[str]) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return the rows without missing values in `columns`, and the count of missing ones by column."""
    missing = {name: int(frame[name].isna().sum()) for name in columns}
    return frame.dropna(subset=list(columns)), {name: count for name, count in missing.items() if count}


def feature(declared: Feature, values: pd.Series) -> pd.Series:
    """Return a feature's values in its declared type. Raises ColumnTypeError."""
    return _convert(values, declared.dtype, f"feature {declared.name!r} is declared {declared.dtype}")


def target(declared: Target, task: Task, values: pd.Series) -> pd.Series:
    """Return the target in a type that the task can predict. Raises ColumnTypeError."""
    about = f"target {declared.name!r} of a {task}"
    found = _kind(values)
    if task is Task.REGRESSION:
        if found == "text":
            raise ColumnTypeError(
                f"{about} must be a number, found text such as {_example(values)}: convert it in prepare() "
                "with pd.to_numeric(), or declare task=Task.CLASSIFICATION"
            )
        return _convert(values, DType.FLOAT, f"{about} must be a number", _TARGET_FIXES)
    dtype = DType.STR if found == "text" else DType.INT
    return _convert(values, dtype, f"{about} must be int or str", _TARGET_FIXES)


def time(name: str, values: pd.Series) -> pd.Series:
    """Return a time column in UTC without a zone. Raises ColumnTypeError."""
    if not pd.api.types.is_datetime64_any_dtype(values):
        raise ColumnTypeError(
            f"time_column {name!r} must be a time, found {_found(values)}: convert it in prepare() with "
            "pd.to_datetime()"
        )
    return values.dt.tz_convert(None) if values.dt.tz is not None else values


def sendable(features: Sequence[Feature], frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that a record can carry, with the features in their declared types."""
    usable = pd.Series(data=True, index=frame.index)
    for declared in features:
        values = frame[declared.name]
        if declared.dtype is DType.STR:
            usable &= values.map(lambda value: isinstance(value, str)).astype(bool)
            continue
        numbers = pd.to_numeric(values.astype(object), errors="coerce").astype(float)
        usable &= np.isfinite(numbers) & ((declared.dtype is DType.FLOAT) | (numbers % 1 == 0))
    kept = frame[usable]
    plain = {f.name: kept[f.name].astype(object).astype(_SCALARS[f.dtype]) for f in features}
    return kept.assign(**plain)


def _convert(
    values: pd.Series, dtype: DType, about: str, fixes: Mapping[str, str] = _FEATURE_FIXES
) -> pd.Series:
    """Return `values` as `dtype`. Raises ColumnTypeError, beginning with `about`."""
    found = _kind(values)
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    if dtype is DType.STR:
        if found != "text":
            raise _error(about, values, fixes[found])
        return values.astype(str) if values.dtype == "string" else values
    if found != "number":
        raise _error(about, values, fixes[found])
    numbers = values.astype(float)
    if dtype is DType.FLOAT:
        _check_rows(
            about, values, ~np.isfinite(numbers), "not finite", "drop them by a rule, or in prepare()"
        )
        return values if values.dtype.kind in "iuf" else numbers
    _check_rows(about, values, numbers % 1 != 0, "not whole", fixes["fraction"])
    _check_rows(about, values, numbers.abs() >= 2.0**63, "beyond 64 bits", fixes["fraction"])
    return values if values.dtype == np.int64 else values.astype(np.int64)


def _check_rows(about: str, values: pd.Series, bad: Any, problem: str, fix: str) -> None:
    """Raise ColumnTypeError where a row is bad, naming the first ones by their position."""
    if not bad.any():
        return
    rows = ", ".join(f"row {index}: {value}" for index, value in values[bad].head(_SHOWN).items())
    raise ColumnTypeError(f"{about}, but {int(bad.sum()):,} values are {problem} ({rows}): {fix}")


def _error(about: str, values: pd.Series, fix: str) -> ColumnTypeError:
    return ColumnTypeError(f"{about}, found {_found(values)} such as {_example(values)}: {fix}")


def _kind(values: pd.Series) -> str:
    """Return boolean, datetime, text, number or other."""
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
    inferred = infer_dtype(values, skipna=True)
    if inferred in _NUMBERS:
        return "number"
    return {"string": "text", "boolean": "boolean", "datetime64": "datetime", "datetime": "datetime"}.get(
        inferred, "other"
    )


def _found(values: pd.Series) -> str:
    """Return the types found, such as "bool" or "mixed int and str"."""
    names = sorted({type(value).__name__ for value in values.astype(object)})
    return names[0] if len(names) == 1 else f"mixed {' and '.join(names)}"


def _example(values: pd.Series) -> str:
    distinct = dict.fromkeys(type(value).__name__ for value in values)
    first = {name: next(v for v in values if type(v).__name__ == name) for name in distinct}
    return ", ".join(
        repr(getattr(value, "item", lambda v=value: v)()) for value in list(first.values())[:_SHOWN]
    )
