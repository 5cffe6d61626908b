"""Adopting models whose reference has missing values and booleans."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from contract.schema import DType
from tests.training.test_adopt import declare, houses
from training.adopt import AdoptError
from training.use_case import UseCase

GAPS = houses(400, 5)[0].assign(paid=[True, False] * 200)
GAPS.loc[::9, "area"] = np.nan
PRICES = pd.Series(np.arange(400.0), name="price")


def test_missing_numbers_and_booleans_are_adopted(tmp_path: Path) -> None:
    columns = ["area", "rooms", "paid"]
    model = make_pipeline(HistGradientBoostingRegressor(max_iter=5)).fit(GAPS[columns], PRICES)

    declared = declare((model, GAPS[columns], PRICES), tmp_path)

    area, rooms, paid = declared.features
    assert (area.nullable, rooms.nullable, paid.dtype) == (True, False, DType.BOOL)
    assert UseCase.named(str(tmp_path / "x.yaml")).features == declared.features


def test_missing_texts_that_the_model_knows_as_nan_are_refused_with_the_fix(tmp_path: Path) -> None:
    gaps = GAPS[["town"]].mask(GAPS["rooms"] > 4)
    encoder = ColumnTransformer([("town", OneHotEncoder(handle_unknown="ignore"), ["town"])])
    target = (gaps["town"].isna() * 100.0).rename("price")

    model = make_pipeline(encoder, Ridge()).fit(gaps, target)

    with pytest.raises(AdoptError, match=r"rows differently.*\.fillna\('\(missing\)'\)"):
        declare((model, gaps, target), tmp_path)
