"""Converters of models that skl2onnx doesn't convert by itself, registered when a pipeline has one."""

import copy
import sys
from typing import Any

from onnx import helper
from skl2onnx import get_model_alias, update_registered_converter
from skl2onnx.common._registration import get_converter  # no public function returns a converter
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType
from skl2onnx.common.shape_calculator import (
    calculate_linear_classifier_output_shapes,
    calculate_linear_regressor_output_shapes,
)
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

_CLASSIFIER = {"zipmap": [True, False, "columns"], "nocl": [True, False], "raw_scores": [True, False]}


def register() -> None:
    """Register the converters of the boosting libraries that are imported."""
    if lightgbm := sys.modules.get("lightgbm"):
        from onnxmltools.convert.lightgbm.operator_converters.LightGbm import (  # noqa: PLC0415  # optional
            convert_lightgbm,
        )

        _add(lightgbm.LGBMClassifier, "LightGbmLGBMClassifier", convert_lightgbm, _CLASSIFIER)
        _add(lightgbm.LGBMRegressor, "LightGbmLGBMRegressor", convert_lightgbm, {"split": None})
    if xgboost := sys.modules.get("xgboost"):
        _add(xgboost.XGBClassifier, "XGBoostXGBClassifier", _convert_xgboost, _CLASSIFIER)
        _add(xgboost.XGBRegressor, "XGBoostXGBRegressor", _convert_xgboost)
    if catboost := sys.modules.get("catboost"):
        _add(
            catboost.CatBoostClassifier, "CatBoostClassifier", _convert_catboost, _CLASSIFIER, _parse_classes
        )
        _add(catboost.CatBoostRegressor, "CatBoostRegressor", _convert_catboost)


def _add(
    model: type, alias: str, convert: Any, options: dict[str, Any] | None = None, parse: Any = None
) -> None:
    shapes = (
        calculate_linear_regressor_output_shapes
        if options is None or "split" in options
        else calculate_linear_classifier_output_shapes
    )
    update_registered_converter(model, alias, shapes, convert, parser=parse, options=options, overwrite=True)


def _parse_classes(scope: Any, model: Any, inputs: Any, custom_parsers: Any = None) -> Any:  # noqa: ARG001  # skl2onnx's signature
    """Declare label and probabilities of a classifier that skl2onnx doesn't recognize as one."""
    operator = scope.declare_local_operator(get_model_alias(type(model)), model)
    operator.inputs = inputs
    for name, kind in (("label", Int64TensorType()), ("probabilities", FloatTensorType())):
        operator.outputs.append(scope.declare_local_variable(name, kind))
    return operator.outputs


def _convert_xgboost(scope: Any, operator: Any, container: Any) -> None:
    """Convert XGBoost without the names of the columns that it was fitted with.

    onnxmltools takes names such as f0 only.
    """
    from onnxmltools.convert.xgboost.operator_converters.XGBoost import (  # noqa: PLC0415  # optional
        convert_xgboost,
    )

    fitted = operator.raw_operator
    operator.raw_operator = copy.deepcopy(fitted)
    operator.raw_operator.get_booster().feature_names = None
    try:
        convert_xgboost(scope, operator, container)
    finally:
        operator.raw_operator = fitted


def _convert_catboost(scope: Any, operator: Any, container: Any) -> None:
    """Add the trees of CatBoost's own ONNX export to the graph."""
    from catboost.utils import convert_to_onnx_object  # noqa: PLC0415  # optional

    exported = convert_to_onnx_object(operator.raw_operator)
    (trees,) = [node for node in exported.graph.node if node.op_type.startswith("TreeEnsemble")]
    attributes = {a.name: helper.get_attribute_value(a) for a in trees.attribute}
    container.add_node(
        trees.op_type,
        [operator.inputs[0].full_name],
        [output.full_name for output in operator.outputs],
        op_domain="ai.onnx.ml",
        op_version=1,
        name=scope.get_unique_operator_name(trees.op_type),
        **attributes,
    )


class _IntContainer:
    """Converter container that writes numpy booleans as ints.

    skl2onnx 1.20 passes HistGradientBoosting's missing-value directions as booleans, which
    protobuf 7 refuses.
    """

    def __init__(self, container: Any) -> None:
        self._container = container

    def __getattr__(self, name: str) -> Any:
        return getattr(self._container, name)

    def add_node(self, *args: Any, **attributes: Any) -> None:
        directions = attributes.get("nodes_missing_value_tracks_true", [])
        if directions:
            attributes["nodes_missing_value_tracks_true"] = [int(d) for d in directions]
        self._container.add_node(*args, **attributes)


def _convert_with_ints(scope: Any, operator: Any, container: Any) -> None:
    alias = get_model_alias(type(operator.raw_operator))
    get_converter(alias)(scope, operator, _IntContainer(container))


PATCHED = dict.fromkeys((HistGradientBoostingClassifier, HistGradientBoostingRegressor), _convert_with_ints)
