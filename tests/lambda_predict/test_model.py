import json
from typing import Any

import msgspec
import numpy as np
import pytest
from onnx import TensorProto, helper
from onnx import load_from_string as onnx_of
from sklearn.linear_model import LogisticRegression

from contract import bundle
from contract.schema import Target
from lambda_predict.model import PredictError
from tests.lambda_predict import synthetic

TABLE = [1.234, 2.3456, -3.999, 1000.128]


@pytest.mark.parametrize(
    ("decimals", "expected"),
    [
        (2, [1.23, 2.35, -4.0, 1000.13]),
        (0, [1.0, 2.0, -4.0, 1000.0]),
        (None, [float(np.float32(value)) for value in TABLE]),
    ],
)
def test_predictions_are_rounded_to_the_targets_decimals(decimals: int | None, expected: list[float]) -> None:
    model = synthetic.lookup(TABLE, target=Target(name="duration", unit="minutes", decimals=decimals))
    found = model.predict([[0, 1, 2, 3], [1] * 4, [0.0] * 4])
    assert found == [{"duration": pytest.approx(value, abs=1e-9)} for value in expected]


def test_the_marker_stands_for_a_missing_category() -> None:
    first, *others = synthetic.contract().features
    declared = msgspec.structs.replace(first, categories=[1, 2], nullable=True, missing=3)
    model = synthetic.lookup(TABLE, features=[declared, *others], target=Target(name="duration"))
    found = [p["duration"] for p in model.predict([[0, None], [1, 1], [0.0, 0.0]])]
    assert found == pytest.approx([TABLE[0], TABLE[3]])


def test_a_row_on_which_the_model_raises_is_a_predict_error() -> None:
    with pytest.raises(PredictError, match="indices"):
        synthetic.lookup(TABLE).predict([[0, 9], [1, 1], [0.0, 0.0]])


def test_the_probability_is_that_of_the_predicted_class(classifier: synthetic.Model) -> None:
    columns = [[float(n) for n in range(31)], [0.3] * 31]
    inputs = {
        feature.name: np.array(values, dtype=np.float32).reshape(-1, 1)
        for feature, values in zip(classifier.contract.features, columns, strict=True)
    }
    labels, probabilities = classifier._session.run(None, inputs)
    found = classifier.predict(columns)
    assert {p["quality"] for p in found} == {5, 6}
    for prediction, label, row in zip(found, labels, probabilities, strict=True):
        assert prediction["quality"] == label
        assert prediction["probability"] == pytest.approx(row[[5, 6].index(label)], abs=5e-5)
        assert prediction["probability"] == round(prediction["probability"], 4)


def renamed(classifier: synthetic.Model, onnx: bytes, classes: list[int] | None, **target: Any) -> Any:
    """Return the prediction of a weak wine by a model that names `classes`, if any."""
    model = onnx_of(onnx)
    if classes is not None:
        entry = model.metadata_props.add()
        entry.key, entry.value = bundle.CLASSES_KEY, json.dumps(classes)
    declared = msgspec.structs.replace(classifier.contract, target=Target(name="quality", **target))
    (found,) = synthetic.Model(declared, model.SerializeToString()).predict([[1.0], [0.3]])
    return msgspec.to_builtins(found)


def test_the_order_of_the_probabilities_is_the_models() -> None:
    classifier = synthetic.classification()
    onnx = synthetic.onnx(
        classifier.contract, LogisticRegression(), lambda frame: np.where(frame["alcohol"] > 15, 6, 5)
    )
    first = renamed(classifier, onnx, None, labels=[6, 5])["probabilities"]
    assert first["5"] > 0.9, "a model of an earlier release: classes are sorted, however they are declared"
    named = renamed(classifier, onnx, [6, 5], labels=[5, 6])["probabilities"]
    assert (named["6"], named["5"]) == (first["5"], first["6"])
    assert "probabilities" not in renamed(classifier, onnx, None, labels=[4, 5, 6]), "of unknown order"


def test_a_number_is_given_in_the_width_that_the_model_takes() -> None:
    declared = synthetic.contract(target=Target(name="duration"))
    values = helper.make_tensor_value_info("trip_distance", TensorProto.DOUBLE, [None, 1])
    others = [
        helper.make_tensor_value_info(n, TensorProto.INT64, [None, 1]) for n in declared.feature_names[:2]
    ]
    result = helper.make_tensor_value_info("variable", TensorProto.DOUBLE, [None, 1])
    node = helper.make_node("Identity", ["trip_distance"], ["variable"])
    graph = helper.make_graph([node], "wide", [*others, values], [result])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    model = synthetic.Model(declared, made.SerializeToString())
    assert model.predict([[1], [2], [0.1]]) == [{"duration": 0.1}], "float32 would give 0.10000000149"
