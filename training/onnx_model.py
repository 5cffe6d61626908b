"""Convert the fitted pipeline to ONNX and check parity with scikit-learn."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
import pandas as pd
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import (
    DoubleTensorType,
    FloatTensorType,
    Int64TensorType,
    StringTensorType,
)
from sklearn.base import is_classifier
from sklearn.pipeline import Pipeline

from contract.schema import DType, Feature, Kind, Tensor
from training import onnx_converters, onnx_graph, ways_out
from training.errors import describe
from training.model_kinds import behind_arithmetic, has_trees, text_steps
from training.onnx_graph import ExportError
from training.use_case import UseCase

OPSET = {"": 18, "ai.onnx.ml": 3}
# Relative to prediction plus spread: float32 has seven digits, sums of trees lose two.
TOLERANCE = 1e-4
SHOWN = 5
_TENSORS = {
    Tensor.INT64: Int64TensorType,
    Tensor.FLOAT32: FloatTensorType,
    Tensor.STRING: StringTensorType,
}
_NUMPY = {
    "tensor(int64)": np.int64,
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(string)": np.object_,
}


class Width(StrEnum):
    """Width of the numbers in the graph: float32, float64 before the model only, or float64."""

    SINGLE = "float32"
    CAST = "float64 before the model"
    DOUBLE = "float64"


@dataclass(frozen=True)
class Parity:
    """Largest difference between ONNX and scikit-learn, and the tolerance."""

    rows: int
    largest: float
    tolerance: float


def export(use_case: UseCase, pipeline: Pipeline, rows: pd.DataFrame) -> tuple[bytes, Parity]:
    """Return the pipeline as ONNX, in the first width that has parity on `rows`. Raises ExportError."""
    check_outputs(use_case, pipeline, rows)
    errors: dict[Width, ExportError] = {}
    for width in _widths(pipeline):
        try:
            onnx = convert(use_case, pipeline, width)
            return onnx, check_parity(use_case, pipeline, onnx, rows)
        except ExportError as error:
            errors[width] = error
    raise errors[Width.SINGLE]


def _widths(pipeline: Pipeline) -> list[Width]:
    """Return the widths to try, in order.

    Trees compare values with splits halfway between values of the training rows. A value that lies on a
    split falls on either side if it was scaled in another width: so the width is scikit-learn's at once.
    """
    if has_trees(pipeline):
        # Trees round to float32 themselves: float64 throughout would only be another model.
        return [Width.CAST, Width.SINGLE] if behind_arithmetic(pipeline) else [Width.SINGLE, Width.CAST]
    return [Width.SINGLE, Width.CAST, Width.DOUBLE]


def check_outputs(use_case: UseCase, pipeline: Pipeline, rows: pd.DataFrame) -> None:
    """Raise ExportError unless the pipeline predicts one number or one class with probabilities."""
    name = type(pipeline[-1]).__name__
    few = use_case.model_rows(rows.head(SHOWN))
    if is_classifier(pipeline) and not hasattr(pipeline, "predict_proba"):
        raise ExportError(
            f"{name} has no probabilities, which every event of a classification carries:\n"
            f"wrap it in CalibratedClassifierCV({name}(...))."
        )
    if np.asarray(pipeline.predict(few)).size != len(few):
        raise ExportError(
            f"{name} predicts several values per record:\n"
            "train one model per target, each a use case of its own."
        )


def convert(use_case: UseCase, pipeline: Pipeline, width: Width = Width.SINGLE) -> bytes:
    """Return the pipeline as ONNX. Raises ExportError.

    It has one input [n, 1] per feature, with the feature's name.
    """
    onnx_converters.register()
    tensors = [(f.name, _tensor(f, width)([None, 1])) for f in use_case.features]
    whole = onnx_graph.with_columns(use_case, pipeline)
    if width is Width.CAST:
        whole = onnx_graph.with_cast(whole)
    options: dict[int, dict[str, Any]] = {
        id(step): {"tokenexp": onnx_graph.WORDS} for step in text_steps(whole)
    }
    if is_classifier(pipeline):
        options[id(whole)] = {"zipmap": False}
    try:
        model = convert_sklearn(
            whole,
            use_case.model_name,
            tensors,
            options=options,
            target_opset=OPSET,
            custom_conversion_functions=onnx_converters.PATCHED,
        )
    except Exception as error:  # skl2onnx raises anything, from KeyError to NotImplementedError
        raise ExportError(
            f"{type(pipeline[-1]).__name__} in this pipeline can't become ONNX: {error}\n"
            f"{ways_out.advice(pipeline)}"
        ) from error
    onnx_graph.refuse_case_change(model.graph)
    onnx_graph.name_inputs(model.graph, use_case.feature_names)
    if is_classifier(pipeline):
        onnx_graph.name_classes(model, pipeline.classes_)
    onnx: bytes = model.SerializeToString()
    return onnx


def _tensor(feature: Feature, width: Width) -> Any:
    if width is not Width.SINGLE and (feature.kind is Kind.NUMERIC or feature.tensor is Tensor.FLOAT32):
        return DoubleTensorType
    return _TENSORS[feature.tensor]


def check_parity(use_case: UseCase, pipeline: Pipeline, onnx: bytes, rows: pd.DataFrame) -> Parity:
    """Return the largest difference on `rows`, on unseen categories and on missing values.

    Raises ExportError, naming the rows, beyond the tolerance or where only one of the two predicts.
    """
    features = pd.concat([use_case.model_rows(rows), *_probes(use_case, pipeline, rows)], ignore_index=True)
    got = _run(pipeline, onnx, features)
    if is_classifier(pipeline):
        wanted = pipeline.predict_proba(features)
        distance = np.abs(got[1] - wanted).max(axis=1)
        allowed = np.full(len(features), TOLERANCE)
        first, second = np.sort(wanted, axis=1)[:, [-1, -2]].T
        decided = first - second > 2 * TOLERANCE
        labels = np.asarray(pipeline.predict(features)).reshape(-1)  # CatBoost gives a column
        distance[decided & (got[0].reshape(-1) != labels)] = 1.0
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
            f"{ways_out.advice(pipeline, missing=bool(features.isna().any(axis=None)))}"
        )
    return Parity(rows=len(features), largest=float(distance.max()), tolerance=float(allowed.max()))


def _run(pipeline: Pipeline, onnx: bytes, features: pd.DataFrame) -> list[npt.NDArray[Any]]:
    """Return ONNX's raw outputs. Raises ExportError where ONNX Runtime can't run the model."""
    try:
        return run(onnx, features)
    except Exception as error:  # ONNX Runtime raises its own classes
        raise ExportError(
            f"ONNX Runtime can't run the converted pipeline: {describe(error)}\n{ways_out.advice(pipeline)}"
        ) from error


def _probes(use_case: UseCase, pipeline: Pipeline, rows: pd.DataFrame) -> list[pd.DataFrame]:
    """Return rows with unseen categories and with missing values.

    Raises ExportError if the pipeline can't score them.
    """
    unseen, missing = _unseen(use_case, rows), _missing(use_case, rows)
    _scored(
        pipeline,
        unseen,
        "a category it has not seen",
        'Encode categories with handle_unknown="ignore" (or "use_encoded_value"), which ONNX knows too.',
    )
    _scored(
        pipeline,
        missing,
        "a missing value, which nullable features may have",
        "Put a SimpleImputer before the model, take one that accepts NaN, or remove nullable=True.",
    )
    return [unseen, missing]


def _scored(pipeline: Pipeline, probe: pd.DataFrame, what: str, fix: str) -> None:
    """Raise ExportError if the pipeline can't score the rows."""
    try:
        if len(probe):
            pipeline.predict(probe)
    except Exception as error:  # scikit-learn raises anything
        raise ExportError(f"the pipeline can't score {what}: {error}\n{fix}") from error


def _unseen(use_case: UseCase, rows: pd.DataFrame) -> pd.DataFrame:
    """Return a few rows with an unseen value in each category in turn."""
    probes = []
    for feature in use_case.features:
        if feature.kind is Kind.CATEGORICAL and feature.dtype is not DType.BOOL:
            probe = use_case.model_rows(rows.head(SHOWN))
            unseen = int(rows[feature.name].max()) + 1_000 if feature.dtype is DType.INT else "unseen"
            probes.append(probe.assign(**{feature.name: unseen}))
    return pd.concat(probes) if probes else use_case.model_rows(rows.head(0))


def _missing(use_case: UseCase, rows: pd.DataFrame) -> pd.DataFrame:
    """Return a few rows without each feature that may be missing in turn, and without all of them."""
    nullable = [f for f in use_case.features if f.nullable]
    probes = []
    for without in [[f] for f in nullable] + [nullable]:
        probe = use_case.model_rows(rows.head(SHOWN if nullable else 0))
        given = {f.name: np.nan if f.marker is None else f.marker for f in without}
        probes.append(probe.assign(**given).astype(probe.dtypes.to_dict()))
    return pd.concat(probes)


def run(onnx: bytes, rows: pd.DataFrame) -> list[npt.NDArray[Any]]:
    """Return ONNX's raw outputs.

    Values [n, 1], or labels [n] and probabilities [n, classes].
    """
    session = ort.InferenceSession(onnx, providers=["CPUExecutionProvider"])
    outputs: list[npt.NDArray[Any]] = session.run(None, inputs(session, rows))
    return outputs


def inputs(session: ort.InferenceSession, rows: pd.DataFrame) -> dict[str, npt.NDArray[Any]]:
    """Return the model's inputs: one tensor [n, 1] per feature."""
    return {i.name: rows[[i.name]].to_numpy().astype(_NUMPY[i.type]) for i in session.get_inputs()}
