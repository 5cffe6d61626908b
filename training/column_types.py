"""Declared types against found ones: convert equal values, refuse others."""

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import infer_dtype

from contract import times
from contract.schema import DType, Feature, Field, Target, Task
from training.model_rows import marker_in, plain, series

PRESENT = "is present"
_SHOWN = 3
# The year that datetime64 counts from.
_FIRST = 1970
_SCALARS: dict[DType, type] = {DType.INT: int, DType.FLOAT: float, DType.STR: str, DType.BOOL: bool}
_NUMBERS = {"integer", "floating", "mixed-integer-float", "decimal"}
_KINDS: dict[DType, tuple[type, ...]] = {
    DType.STR: (str,),
    DType.BOOL: (bool, np.bool_),
    DType.TIMESTAMP: (str, datetime.datetime),
}
_FEATURE_FIXES = {
    "boolean": "declare dtype=DType.BOOL, or convert it in prepare() with .astype(int)",
    "datetime": "declare an input with dtype=DType.TIMESTAMP and derive features from it, or convert it in "
    "prepare(), for example with .dt.hour",
    "text": "convert it in prepare() with pd.to_numeric(), or declare it categorical with dtype=DType.STR",
    "number": "convert it in prepare() with .astype(str), or declare it with dtype=DType.INT or DType.FLOAT",
    "other": "convert it to one type in prepare(), for example with .astype(str)",
    "fraction": "declare dtype=DType.FLOAT, or round in prepare()",
}
_BOOLEAN_FIX = "convert it in prepare(), for example with .eq(1), or declare dtype=DType.INT"
_BOOLEAN_FIXES = {**_FEATURE_FIXES, "number": _BOOLEAN_FIX, "text": _BOOLEAN_FIX}
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


def field(declared: Field, values: pd.Series) -> pd.Series:
    """Return a field's values in its declared type. Raises ColumnTypeError.

    A missing value of a nullable one is NaN, pd.NA or None; timestamps are UTC without a zone.
    """
    role = "feature" if isinstance(declared, Feature) else "input"
    about = f"{role} {declared.name!r} is declared {declared.dtype}"
    known = values[values.notna()] if declared.nullable else values
    if known.empty:
        raise ColumnTypeError(f"{about}, but every value is missing: remove it, or fill it in prepare()")
    if declared.dtype is DType.TIMESTAMP:
        return _instants(declared, known, about).reindex(values.index)
    fixes = _BOOLEAN_FIXES if declared.dtype is DType.BOOL else _FEATURE_FIXES
    found = _convert(known, declared.dtype, about, fixes)
    if not declared.nullable:
        return found
    if isinstance(declared, Feature) and marker_in(declared, found):
        raise ColumnTypeError(
            f"{about}, but {declared.marker!r}, which would stand for a missing value, is among its values: "
            "declare the value that does by missing=..."
        )
    return series(plain(found.reindex(values.index)), declared.dtype, values.index, nullable=True)


def _instants(declared: Field, values: pd.Series, about: str) -> pd.Series:
    """Return timestamps, or texts of ISO 8601, in UTC without a zone. Raises ColumnTypeError."""
    found = _kind(values)
    if found not in {"text", "datetime"}:
        raise _error(about, values, "convert it in prepare() with pd.to_datetime()")
    try:
        moments = _moments(values, found, getattr(declared, "zone", times.DEFAULT_ZONE))
    except ValueError as error:
        raise ColumnTypeError(f"{about}, but of a value {error}: correct it, as {times.EXAMPLE}") from error
    year = moments.astype("datetime64[Y]").astype(int) + _FIRST
    outside = pd.Series((year < times.FIRST_YEAR) | (year > times.LAST_YEAR), index=values.index)
    bounds = f"outside the years {times.FIRST_YEAR} to {times.LAST_YEAR}"
    _check_rows(about, values, outside, bounds, "drop them by a rule, or in prepare()")
    return pd.Series(moments, index=values.index)


def _moments(values: pd.Series, found: str, zone: str) -> times.Instants:
    """Return timestamps in UTC. Raises ValueError for a text that is none."""
    if found == "text":
        return times.instants([times.parse(text) for text in values], zone)
    if not pd.api.types.is_datetime64_any_dtype(values):
        return times.instants(list(values), zone)
    if values.dt.tz is not None:
        return times.instants(values.dt.tz_convert(None).to_numpy(), zone)
    if zone == times.DEFAULT_ZONE:
        return times.instants(values.to_numpy(), zone)
    return times.instants(values.dt.floor("us").dt.to_pydatetime().tolist(), zone)


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


def sendable(fields: Sequence[Field], frame: pd.DataFrame) -> pd.DataFrame:
    """Return the rows that a record can carry, with the fields in their declared types."""
    usable = pd.Series(data=True, index=frame.index)
    for declared in fields:
        values = frame[declared.name]
        usable &= (values.isna() & declared.nullable) | _carried(values, declared.dtype)
    kept = frame[usable]
    return kept.assign(**{f.name: _sent(f, kept[f.name]) for f in fields})


def _carried(values: pd.Series, dtype: DType) -> pd.Series:
    """Return where a record can have the value in a field of that type."""
    if (kinds := _KINDS.get(dtype)) is not None:
        of_type = [isinstance(value, kinds) for value in values]
        return values.notna() & pd.Series(of_type, index=values.index, dtype=bool)
    numbers = pd.to_numeric(values.astype(object), errors="coerce").astype(float)
    finite = pd.Series(np.isfinite(numbers), index=values.index)
    return finite & ((dtype is DType.FLOAT) | (numbers % 1 == 0))


def _sent(declared: Field, values: pd.Series) -> pd.Series:
    """Return the values that a record carries, in the declared type."""
    if declared.dtype is DType.TIMESTAMP:
        known = values[values.notna()]
        moments = _instants(declared, known, f"input {declared.name!r}") if len(known) else known
        return pd.Series(moments, dtype="datetime64[us]").reindex(values.index)
    scalar = _SCALARS[declared.dtype]
    if not declared.nullable:
        return values.astype(object).astype(scalar)
    carried = [None if value is None else scalar(value) for value in plain(values)]
    return series(carried, declared.dtype, values.index, nullable=True)


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
    if dtype is DType.BOOL:
        if found != "boolean":
            raise _error(about, values, fixes[found])
        return values.astype(bool)
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
