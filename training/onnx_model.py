"""Convert the fitted pipeline to ONNX and check parity with scikit-learn."""

from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
import pandas as pd
from skl2onnx import convert_sklearn, get_model_alias
from skl2onnx.common._registration import get_converter  # no public function returns a converter
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType
from sklearn.base import is_classifier
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.pipeline import Pipeline

from contract.schema import DType, Kind
from training.errors import UserError, describe
from training.use_case import UseCase

OPSET = 18
# Relative to prediction plus spread: float32 has seven digits, sums of trees lose two.
TOLERANCE = 1e-4
SHOWN = 5
SUPPORTED = (
    "linear and logistic models, trees, random forests, gradient boosting, histogram gradient boosting, "
    "nearest neighbours, support vectors and small neural nets, behind one-hot, ordinal or target encoding, "
    "scaling, imputing and polynomials; not DictVectorizer, SplineTransformer or custom functions"
)
_TENSORS = {DType.INT: Int64TensorType, DType.FLOAT: FloatTensorType, DType.STR: StringTensorType}
_NUMPY = {DType.INT: np.int64, DType.FLOAT: np.float32, DType.STR: np.object_}


class ExportError(UserError, RuntimeError):
    """The pipeline can't be served as ONNX; the message names cause and rows."""


@dataclass(frozen=True)
class Parity:
    """Largest difference between ONNX and scikit-learn, and the tolerance."""

    rows: int
    largest: float
    tolerance: float


def convert(use_case: UseCase, pipeline: Pipeline) -> bytes:
    """Return the pipeline as ONNX. Raises ExportError.

    It has one input [n, 1] per feature, with the feature's name.
    """
    tensors = [(f.name, _TENSORS[f.dtype]([None, 1])) for f in use_case.features]
    whole = _with_columns(use_case, pipeline)
    options = {id(whole): {"zipmap": False}} if is_classifier(pipeline) else None
    try:
        model = convert_sklearn(
            whole,
            use_case.model_name,
            tensors,
            options=options,
            target_opset=OPSET,
            custom_conversion_functions=_PATCHED,
        )
    except Exception as error:  # skl2onnx raises anything, from KeyError to NotImplementedError
        raise ExportError(
            f"{type(pipeline[-1]).__name__} in this pipeline can't become ONNX: {error}\n"
            f"Supported: {SUPPORTED}."
        ) from error
    _refuse_case_change(model.graph)
    _name_inputs(model.graph, use_case.feature_names)
    onnx: bytes = model.SerializeToString()
    return onnx


def _with_columns(use_case: UseCase, pipeline: Pipeline) -> Pipeline:
    """Return the pipeline with its columns joined first.

    ONNX has one input per feature, the model a single one.
    """
    if isinstance(pipeline[0], ColumnTransformer):
        return pipeline
    join = ColumnTransformer([("all", "passthrough", use_case.feature_names)])
    join.fit(pd.DataFrame([[0.0] * len(use_case.features)], columns=use_case.feature_names))
    return Pipeline([("join", join), *pipeline.steps])


def _refuse_case_change(graph: Any) -> None:
    """Raise ExportError for a text step that changes case, even where this machine has its locale."""
    for node in graph.node:
        actions = [a.s for a in node.attribute if a.name == "case_change_action"]
        if node.op_type == "StringNormalizer" and actions not in ([], [b"NONE"]):
            raise ExportError(
                "a text step changes case, for which ONNX Runtime needs a locale that the image lacks:\n"
                "set lowercase=False in the vectorizer, and lower the text in prepare() and in the records"
            )


def _name_inputs(graph: Any, names: list[str]) -> None:
    """Name the inputs as the features: skl2onnx makes "volatile_acidity" of "volatile acidity".

    A value inside the graph that has a feature's name, such as "variable", gets another one.
    """
    renamed = {given.name: name for given, name in zip(graph.input, names, strict=True)}
    inner = {name for node in graph.node for name in node.output}
    free = (f"inner_{number}" for number in count())
    renamed |= {name: next(n for n in free if n not in {*names, *inner}) for name in inner & set(names)}
    for value in (*graph.input, *graph.output):
        value.name = renamed.get(value.name, value.name)
    for node in graph.node:
        node.input[:] = [renamed.get(name, name) for name in node.input]
        node.output[:] = [renamed.get(name, name) for name in node.output]


def check_parity(use_case: UseCase, pipeline: Pipeline, onnx: bytes, rows: pd.DataFrame) -> Parity:
    """Return the largest difference on `rows` and on unseen categories.

    Raises ExportError, naming the rows, beyond the tolerance or where only one of the two predicts.
    """
    unseen = _unseen(use_case, rows)
    features = pd.concat([rows[use_case.feature_names], unseen], ignore_index=True)
    try:
        if len(unseen):
            pipeline.predict(unseen)
    except Exception as error:  # scikit-learn raises anything
        raise ExportError(
            f"the pipeline can't score a category it has not seen: {error}\n"
            'Encode categories with handle_unknown="ignore" (or "use_encoded_value"), which ONNX knows too.'
        ) from error
    got = _run(use_case, onnx, features)
    if is_classifier(pipeline):
        wanted = pipeline.predict_proba(features)
        distance = np.abs(got[1] - wanted).max(axis=1)
        allowed = np.full(len(features), TOLERANCE)
        first, second = np.sort(wanted, axis=1)[:, [-1, -2]].T
        decided = first - second > 2 * TOLERANCE
        distance[decided & (got[0].reshape(-1) != pipeline.predict(features))] = 1.0
    else:
        wanted = np.asarray(pipeline.predict(features), dtype=np.float64).reshape(-1)
        distance = np.abs(got[0].reshape(-1) - wanted)
        allowed = TOLERANCE * (np.abs(wanted) + wanted.std())
    # Negated, so that NaN counts as a disagreement.
    if (beyond := np.flatnonzero(~(distance <= allowed))).size:
        shown = "\n".join(
            f"  row {i}: {features.iloc[i].to_dict()} differs by {distance[i]:.3g}" for i in beyond[:SHOWN]
        )
        raise ExportError(
            f"ONNX and scikit-learn disagree on {beyond.size} of {len(features)} rows by more than "
            f"{TOLERANCE:g} of a prediction's size, so the model is not exported:\n{shown}\n"
            "Trees behind a scaler are the usual cause: float32 rounds a value across a split, and "
            f"trees need no scaling. Supported: {SUPPORTED}."
        )
    return Parity(rows=len(features), largest=float(distance.max()), tolerance=float(allowed.max()))


def _run(use_case: UseCase, onnx: bytes, features: pd.DataFrame) -> list[npt.NDArray[Any]]:
    """Return ONNX's raw outputs. Raises ExportError where ONNX Runtime can't run the model."""
    try:
        return run(use_case, onnx, features)
    except Exception as error:  # ONNX Runtime raises its own classes
        raise ExportError(
            f"ONNX Runtime can't run the converted pipeline: {describe(error)}\nSupported: {SUPPORTED}."
        ) from error


def _unseen(use_case: UseCase, rows: pd.DataFrame) -> pd.DataFrame:
    """Return a few rows with an unseen value in each category in turn."""
    probes = []
    for feature in use_case.features:
        if feature.kind is Kind.CATEGORICAL:
            probe = rows[use_case.feature_names].head(SHOWN)
            unseen = int(rows[feature.name].max()) + 1_000 if feature.dtype is DType.INT else "unseen"
            probes.append(probe.assign(**{feature.name: unseen}))
    return pd.concat(probes) if probes else rows[use_case.feature_names].head(0)


def run(use_case: UseCase, onnx: bytes, rows: pd.DataFrame) -> list[npt.NDArray[Any]]:
    """Return ONNX's raw outputs.

    Values [n, 1], or labels [n] and probabilities [n, classes].
    """
    session = ort.InferenceSession(onnx, providers=["CPUExecutionProvider"])
    outputs: list[npt.NDArray[Any]] = session.run(None, inputs(use_case, rows))
    return outputs


def inputs(use_case: UseCase, rows: pd.DataFrame) -> dict[str, npt.NDArray[Any]]:
    """Return the model's inputs: one tensor [n, 1] per feature."""
    return {f.name: rows[[f.name]].to_numpy().astype(_NUMPY[f.dtype]) for f in use_case.features}


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


_PATCHED = dict.fromkeys((HistGradientBoostingClassifier, HistGradientBoostingRegressor), _convert_with_ints)
