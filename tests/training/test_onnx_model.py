import dataclasses
import json
from typing import Any

import numpy as np
import onnx
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import (
    FunctionTransformer,
    OneHotEncoder,
    OrdinalEncoder,
    StandardScaler,
    TargetEncoder,
)
from sklearn.svm import LinearSVC
from sklearn.tree import DecisionTreeRegressor

from contract import bundle
from contract.schema import Task
from tests.training.tiny import rows
from training import onnx_model
from training.onnx_model import ExportError, Width
from training.use_case import UseCase

FEATURES = ["size", "colour"]
ENCODERS = {
    "one-hot": OneHotEncoder(handle_unknown="ignore"),
    "ordinal": OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1),
    "target": TargetEncoder(target_type="continuous"),
}
REGRESSORS = [
    LinearRegression(),
    Ridge(),
    DecisionTreeRegressor(max_depth=6),
    RandomForestRegressor(20, random_state=0),
    ExtraTreesRegressor(20, random_state=0),
    GradientBoostingRegressor(n_estimators=30, random_state=0),
    HistGradientBoostingRegressor(max_iter=30, random_state=0),
]
CLASSIFIERS = [
    LogisticRegression(max_iter=500),
    RandomForestClassifier(20, random_state=0),
    GradientBoostingClassifier(n_estimators=10, random_state=0),
    HistGradientBoostingClassifier(max_iter=10, random_state=0),
]


def encoded(model: Any, encoder: Any = ENCODERS["one-hot"]) -> Pipeline:
    return make_pipeline(
        ColumnTransformer([("colour", encoder, ["colour"])], remainder="passthrough", sparse_threshold=0),
        model,
    )


@pytest.mark.parametrize("model", REGRESSORS, ids=lambda m: type(m).__name__)
def test_regressors_keep_their_predictions(tiny: UseCase, model: Any) -> None:
    pipeline = encoded(model).fit(rows("train")[FEATURES], rows("train")["price"])
    held_out = rows("validation")
    parity = onnx_model.check_parity(tiny, pipeline, onnx_model.convert(tiny, pipeline), held_out)
    assert parity.rows == 605, "600 rows and 5 of an unseen colour"
    assert parity.largest < 1e-3


@pytest.mark.parametrize("encoder", ENCODERS)
def test_encoders_keep_their_predictions(tiny: UseCase, encoder: str) -> None:
    pipeline = encoded(Ridge(), ENCODERS[encoder]).fit(rows("train")[FEATURES], rows("train")["price"])
    onnx_model.check_parity(tiny, pipeline, onnx_model.convert(tiny, pipeline), rows("validation"))


@pytest.mark.parametrize("model", CLASSIFIERS, ids=lambda m: type(m).__name__)
def test_classifiers_keep_labels_and_probabilities(tiny: UseCase, model: Any) -> None:
    use_case = dataclasses.replace(tiny, task=Task.CLASSIFICATION)
    labels = pd.cut(rows("train")["price"], 3, labels=["low", "middle", "high"]).astype(str)
    pipeline = encoded(model).fit(rows("train")[FEATURES], labels)
    data = onnx_model.convert(use_case, pipeline)
    assert onnx_model.check_parity(use_case, pipeline, data, rows("validation")).largest < 1e-5
    label, probabilities = onnx_model.run(data, rows("validation"))
    assert label[0] in {"low", "middle", "high"}
    assert probabilities.shape == (600, 3), "a matrix, not a list of maps"


def test_inputs_have_the_features_names_with_spaces() -> None:
    wine = UseCase.named("white_wine")
    frame = wine.demo("normal", 300)
    pipeline = wine.pipeline({"model": "logistic", "C": 1.0}).fit(frame[wine.feature_names], frame["quality"])
    model = onnx.load_from_string(onnx_model.convert(wine, pipeline))
    assert [i.name for i in model.graph.input] == ["alcohol", "volatile acidity", "sulphates"]
    onnx.checker.check_model(model)


def test_the_onnx_of_another_model_is_refused_with_the_rows(tiny: UseCase) -> None:
    frame = rows("train")
    pipeline = encoded(Ridge(1.0)).fit(frame[FEATURES], frame["price"])
    other = encoded(Ridge(50.0)).fit(frame[FEATURES], frame["price"])
    with pytest.raises(ExportError, match=r"disagree on \d+ of 605 rows[\s\S]*row 0: \{'size'"):
        onnx_model.check_parity(tiny, pipeline, onnx_model.convert(tiny, other), rows("validation"))


def test_a_nan_prediction_is_a_disagreement(tiny: UseCase) -> None:
    pipeline = encoded(Ridge()).fit(rows("train")[FEATURES], rows("train")["price"])
    data = onnx_model.convert(tiny, pipeline)
    held_out = rows("validation")

    class Broken(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
        def predict(self, frame: pd.DataFrame) -> np.ndarray[Any, Any]:
            return np.full(len(frame), np.nan)

        def fit(self, *_: Any) -> "Broken":
            self.fitted_ = True
            return self

    broken = make_pipeline(Broken()).fit(held_out[FEATURES])
    with pytest.raises(ExportError, match="disagree on 605 of 605"):
        onnx_model.check_parity(tiny, broken, data, held_out)


def test_trees_behind_a_scaler_are_scaled_in_the_width_of_scikit_learn() -> None:
    wine = UseCase.named("white_wine")
    frame = wine.demo("normal", 949)
    pipeline = make_pipeline(StandardScaler(), RandomForestClassifier(50, random_state=0))
    pipeline.fit(frame[wine.feature_names], frame["quality"])
    with pytest.raises(ExportError, match="trees need no scaling"):
        onnx_model.check_parity(wine, pipeline, onnx_model.convert(wine, pipeline), frame)

    data, parity = onnx_model.export(wine, pipeline, frame)

    assert parity.largest < 1e-6
    kinds = {given.type.tensor_type.elem_type for given in onnx.load_from_string(data).graph.input}
    assert kinds == {onnx.TensorProto.DOUBLE}


def test_a_model_without_probabilities_is_refused_with_the_way_out(tiny: UseCase) -> None:
    use_case = dataclasses.replace(tiny, task=Task.CLASSIFICATION)
    pipeline = encoded(LinearSVC()).fit(rows("train")[FEATURES], rows("train")["size"] > 3)
    with pytest.raises(
        ExportError, match=r"LinearSVC has no probabilities[\s\S]*wrap it in CalibratedClassifierCV"
    ):
        onnx_model.export(use_case, pipeline, rows("validation"))


def test_several_outputs_are_refused_with_the_way_out(tiny: UseCase) -> None:
    pipeline = encoded(Ridge()).fit(rows("train")[FEATURES], rows("train")[["price", "size"]])
    with pytest.raises(ExportError, match=r"predicts several values per record:\ntrain one model per target"):
        onnx_model.export(tiny, pipeline, rows("validation"))


def test_a_classifier_names_its_classes_in_the_order_of_its_probabilities(tiny: UseCase) -> None:
    use_case = dataclasses.replace(tiny, task=Task.CLASSIFICATION)
    labels = pd.cut(rows("train")["price"], 3, labels=["low", "middle", "high"]).astype(str)
    pipeline = encoded(LogisticRegression(max_iter=500)).fit(rows("train")[FEATURES], labels)
    model = onnx.load_from_string(onnx_model.convert(use_case, pipeline))
    stored = {entry.key: entry.value for entry in model.metadata_props}
    assert json.loads(stored[bundle.CLASSES_KEY]) == ["high", "low", "middle"]


def test_a_pipeline_that_fails_on_unseen_categories_is_refused(tiny: UseCase) -> None:
    pipeline = encoded(Ridge(), OneHotEncoder(handle_unknown="error"))
    pipeline.fit(rows("train")[FEATURES], rows("train")["price"])
    with pytest.raises(ExportError, match='handle_unknown="ignore"'):
        onnx_model.check_parity(tiny, pipeline, onnx_model.convert(tiny, pipeline), rows("validation"))


def test_a_text_step_is_refused_only_if_it_changes_case(tiny: UseCase) -> None:
    def words(*, lowercase: bool) -> Pipeline:
        columns = ColumnTransformer(
            [("words", TfidfVectorizer(lowercase=lowercase), "colour")], remainder="passthrough"
        )
        return make_pipeline(columns, Ridge()).fit(rows("train")[FEATURES], rows("train")["price"])

    with pytest.raises(ExportError, match=r"needs a locale that the image lacks:\nset lowercase=False"):
        onnx_model.convert(tiny, words(lowercase=True))
    data = onnx_model.convert(tiny, words(lowercase=False))
    onnx_model.check_parity(tiny, words(lowercase=False), data, rows("validation"))


def test_an_unsupported_step_lists_the_supported_ones(tiny: UseCase) -> None:
    columns = ColumnTransformer([("size", FunctionTransformer(np.log1p), ["size"])])
    pipeline = make_pipeline(columns, Ridge()).fit(rows("train")[FEATURES], rows("train")["price"])
    with pytest.raises(
        ExportError,
        match=r"can't become ONNX[\s\S]*Supported: linear and logistic models[\s\S]*in prepare\(\)",
    ):
        onnx_model.convert(tiny, pipeline)


def test_trees_are_never_tried_in_float64_throughout() -> None:
    forest, ridge = RandomForestRegressor(), Ridge()
    assert onnx_model._widths(make_pipeline(forest)) == [Width.SINGLE, Width.CAST]
    assert onnx_model._widths(make_pipeline(StandardScaler(), forest)) == [Width.CAST, Width.SINGLE]
    assert onnx_model._widths(make_pipeline(StandardScaler(), ridge)) == list(Width)
