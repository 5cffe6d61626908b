"""Rows with derived features, and rows as the model takes them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from contract.derivation import derive
from contract.schema import DType, Feature, Kind, Tensor

if TYPE_CHECKING:
    from training.use_case import UseCase

DEFINED = "is defined"
_DTYPES = {DType.INT: "int64", DType.FLOAT: "float64", DType.STR: "object", DType.BOOL: "bool"}
_NULLABLE = {**_DTYPES, DType.INT: "Int64", DType.BOOL: "boolean"}


def plain(values: pd.Series) -> list[Any]:
    """Return the values of a column as JSON has them, None if missing."""
    found = values.astype(object)
    return found.where(found.notna(), None).tolist()


def series(values: Sequence[Any], dtype: DType, index: pd.Index, *, nullable: bool) -> pd.Series:
    """Return JSON values, None if missing, as a column of the declared type."""
    return pd.Series(values, index=index, dtype=(_NULLABLE if nullable else _DTYPES)[dtype])


def with_derived(use_case: "UseCase", frame: pd.DataFrame) -> tuple[pd.DataFrame, dict[str, int]]:
    """Return the rows with derived features, and the count of dropped rows by feature.

    A row is dropped if a derived feature that is not nullable is not defined for it.
    """
    derived = [f for f in use_case.features if f.derived is not None]
    if not derived:
        return frame, {}
    columns = {
        field.name: frame[field.name].to_numpy("datetime64[us]")
        if field.dtype is DType.TIMESTAMP
        else plain(frame[field.name])
        for field in use_case.sent
    }
    found = derive(use_case.features, use_case.inputs, columns)
    defined = np.ones(len(frame), bool)
    dropped = {}
    for feature in derived:
        missing = np.array([value is None for value in found[feature.name]], bool)
        if not feature.nullable and missing.any():
            dropped[feature.name] = int(missing.sum())
            defined &= ~missing
    frame = frame[defined]
    places = np.flatnonzero(defined)
    made = {
        f.name: series([found[f.name][int(n)] for n in places], f.dtype, frame.index, nullable=f.nullable)
        for f in derived
    }
    return frame.assign(**made), dropped


def model_rows(features: Sequence[Feature], rows: pd.DataFrame) -> pd.DataFrame:
    """Return the features as the model takes them, in its order.

    A missing number or boolean is NaN, a missing category its marker; booleans are 0 and 1. Features
    that are not nullable, and no booleans, are the columns as they are.
    """
    taken = rows[[f.name for f in features]]
    changed = {f.name: _taken(f, rows[f.name]) for f in features if f.nullable or f.dtype is DType.BOOL}
    return taken.assign(**changed) if changed else taken


def _taken(feature: Feature, values: pd.Series) -> pd.Series:
    if feature.tensor is Tensor.FLOAT32:
        return pd.Series(np.array(plain(values), dtype=np.float64), index=values.index)
    marked = [feature.marker if value is None else value for value in plain(values)]
    return pd.Series(marked, index=values.index, dtype=_DTYPES[DType.INT if _whole(feature) else DType.STR])


def _whole(feature: Feature) -> bool:
    return feature.tensor is Tensor.INT64


def marker_in(feature: Feature, values: pd.Series) -> bool:
    """Return whether a category of the data would be taken for a missing value."""
    undeclared = feature.missing is None and feature.kind is Kind.CATEGORICAL
    return undeclared and feature.marker is not None and bool((values == feature.marker).any())
