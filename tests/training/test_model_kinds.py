"""Which pipelines keep 64 bits up to their trees."""

from typing import Any

import pytest
from lightgbm import LGBMRegressor
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import (
    AdaBoostRegressor,
    BaggingRegressor,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    StackingRegressor,
)
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeRegressor
from xgboost import XGBRegressor

from tests.training.test_onnx_model import ENCODERS, FEATURES, encoded
from tests.training.tiny import rows
from training.model_kinds import behind_arithmetic, has_trees

TREES = [
    DecisionTreeRegressor(),
    AdaBoostRegressor(),
    BaggingRegressor(),
    HistGradientBoostingRegressor(),
    CalibratedClassifierCV(RandomForestClassifier()),
    StackingRegressor([("ridge", Ridge()), ("tree", DecisionTreeRegressor())]),
    LGBMRegressor(),
    XGBRegressor(),
]


@pytest.mark.parametrize("model", TREES, ids=lambda model: type(model).__name__)
def test_trees_are_found_at_any_depth(model: Any) -> None:
    assert has_trees(make_pipeline(model))
    assert not has_trees(make_pipeline(Ridge()))


@pytest.mark.parametrize("encoder", ["one-hot", "ordinal"])
def test_encoders_do_not_compute_and_scalers_do(encoder: str) -> None:
    pipeline = encoded(Ridge(), ENCODERS[encoder]).fit(rows("train")[FEATURES], rows("train")["price"])
    assert not behind_arithmetic(pipeline)
    assert behind_arithmetic(make_pipeline(*pipeline[:-1], StandardScaler(), Ridge()))
    assert behind_arithmetic(make_pipeline(make_pipeline(StandardScaler()), Ridge()))
