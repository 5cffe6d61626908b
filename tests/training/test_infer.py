"""Contract inferred from rows: kinds, types, ranges, categories, and the demo's change."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from contract.schema import DType, Kind
from training import infer
from training.infer import InferError


@pytest.mark.parametrize(
    ("values", "kind", "dtype", "limits"),
    [
        ([1, 5, 9], Kind.NUMERIC, DType.INT, (0, 10)),
        ([-1.0, 0.5, 1.0], Kind.NUMERIC, DType.FLOAT, (-1.2, 1.2)),
        (["a", "b", "a"], Kind.CATEGORICAL, DType.STR, (None, None)),
        ([True, False, True], Kind.CATEGORICAL, DType.BOOL, (None, None)),
        (
            [f"a long sentence about thing number {n}" for n in range(3)],
            Kind.TEXT,
            DType.STR,
            (None, None),
        ),
        ([1.5, None, 2.5], Kind.NUMERIC, DType.FLOAT, (1.4, 2.6)),
    ],
)
def test_a_column_is_declared_by_its_values(values: list, kind: Kind, dtype: DType, limits: tuple) -> None:
    [found] = infer.features(pd.DataFrame({"x": values}), ["x"], [])

    assert (found.kind, found.dtype) == (kind, dtype)
    assert (found.minimum, found.maximum) == limits
    assert found.nullable == (None in values)


def test_whole_numbers_that_the_pipeline_encodes_are_categories() -> None:
    rows = pd.DataFrame({"zone": [7, 8, 9] * 10, "size": range(30)})
    encoder = ColumnTransformer([("zone", OneHotEncoder(), ["zone"])], remainder="passthrough")
    model = make_pipeline(encoder, Ridge()).fit(rows, range(30))

    zone, size = infer.features(rows, ["zone", "size"], infer.encoded(model))

    assert (zone.kind, zone.categories) == (Kind.CATEGORICAL, [7, 8, 9])
    assert size.kind is Kind.NUMERIC


@pytest.mark.parametrize(
    ("values", "message"),
    [
        (pd.to_datetime(["2026-01-01"] * 3), "compute the parts of a time"),
        ([None, None, None], "has no values"),
        ([1, "a", 2.5], "has mixed-integer values"),
        ([1.0, np.inf, 2.0], "has infinite values"),
    ],
)
def test_columns_that_no_feature_can_have_are_named(values: Any, message: str) -> None:
    with pytest.raises(InferError, match=message):
        infer.features(pd.DataFrame({"x": values}), ["x"], [])


def test_a_change_without_numbers_sets_every_second_row() -> None:
    rows = pd.DataFrame({"town": ["a", "b", "a", "b"]})
    declared = infer.features(rows, ["town"], [])
    change = infer.change(rows, declared, [1, 2, 3, 4])

    assert str(change) == "town is 'a' in every second row"
    assert change.apply(rows)["town"].tolist() == ["a", "a", "a", "a"]


def test_texts_that_stand_for_missing_ones_are_missing() -> None:
    rows = pd.DataFrame({"town": ["a", "(missing)", "b"], "size": [1, 2, 3]})

    town, size = infer.features(infer.unmarked(rows), ["town", "size"], [])

    assert (town.nullable, town.categories, town.marker) == (True, ["a", "b"], "(missing)")
    assert size.nullable is False
