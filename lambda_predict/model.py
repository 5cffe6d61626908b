"""Load the configured model and run it on batches."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from contract import bundle, events, store
from contract.bundle import Manifest
from contract.schema import Contract, Task, Tensor

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_RUN_ERRORS = (
    ort_errors.EPFail,
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)
_NUMPY = {
    "tensor(int64)": np.int64,
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(string)": np.object_,
}
# Types of the model's input to which a feature's values are converted without loss.
_CONVERTED: dict[Tensor, set[type | None]] = {
    Tensor.INT64: {np.int64, np.float32, np.float64},
    Tensor.FLOAT32: {np.float32, np.float64},
    Tensor.STRING: {np.object_},
}


class PredictError(RuntimeError):
    """The model fails on at least one row of a batch."""


class Model:
    """Contract and ONNX session of one model version."""

    def __init__(self, contract: Contract, onnx: bytes) -> None:
        options = ort.SessionOptions()
        # Below 1.8 GB Lambda has less than one vCPU: more threads would only wait.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        self.contract = contract
        self._session = ort.InferenceSession(onnx, options, providers=["CPUExecutionProvider"])
        types = {given.name: _NUMPY[given.type] for given in self._session.get_inputs()}
        _check_types(contract, types)
        self._inputs = [(f.name, types[f.name], f.marker) for f in contract.features]
        self._classes = _classes(self._session, contract)

    def predict(self, columns: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
        """Return one prediction per row, as in events. Raises PredictError.

        `columns` holds one sequence of n values per feature, in the contract's order; None if missing.
        """
        inputs: dict[str, npt.NDArray[Any]] = {
            name: np.array(_marked(values, marker), dtype=dtype).reshape(-1, 1)
            for (name, dtype, marker), values in zip(self._inputs, columns, strict=True)
        }
        try:
            outputs = self._session.run(None, inputs)
        except _RUN_ERRORS as error:
            raise PredictError(str(error)) from error
        name = self.contract.target.name
        if self.contract.task is Task.REGRESSION:
            values = np.asarray(outputs[0], dtype=np.float64).reshape(-1)
            if self.contract.target.decimals is not None:
                values = values.round(self.contract.target.decimals)
            return [{name: value} for value in values.tolist()]
        probabilities = np.asarray(outputs[1], dtype=np.float64)
        labels = np.asarray(outputs[0]).reshape(-1)
        known = self._classes is not None and len(self._classes) == probabilities.shape[1]
        return events.class_predictions(name, labels, probabilities, self._classes if known else None)


def _classes(session: ort.InferenceSession, contract: Contract) -> list[int | str] | None:
    """Return the classes in the order of the model's probabilities, None if unknown.

    A model of an earlier release doesn't name them: scikit-learn sorts them.
    """
    stored = session.get_modelmeta().custom_metadata_map.get(bundle.CLASSES_KEY)
    if stored is not None:
        return msgspec.json.decode(stored, type=list[int | str])
    return sorted(contract.target.labels) if contract.target.labels else None


def _check_types(contract: Contract, types: Mapping[str, type]) -> None:
    """Raise BundleError if numpy would convert a feature's values to another type unseen."""
    for feature in contract.features:
        if types.get(feature.name) not in _CONVERTED[feature.tensor]:
            raise bundle.BundleError(
                f"the contract declares feature {feature.name!r} as {feature.dtype}, which the model does "
                "not take: export the bundle again"
            )


def _marked(values: Sequence[Any], marker: int | str | None) -> Sequence[Any]:
    """Return the values with the marker in place of missing ones; without one they become NaN."""
    return values if marker is None else [marker if value is None else value for value in values]


def load(s3: "S3Client", bucket: str, name: str, version: str) -> Model:
    """Return a verified model version. Raises BundleError."""
    manifest = store.manifest(s3, bucket, name, version)
    contract = Contract.from_json(store.read(s3, bucket, manifest, bundle.CONTRACT))
    if (contract.model.name, contract.model.version) != (name, version):
        raise bundle.BundleError(
            f"the contract is for {contract.model.name} {contract.model.version}, not {name} {version}: "
            "export it again"
        )
    return Model(contract, store.read(s3, bucket, manifest, bundle.MODEL))


def read(folder: Path) -> Model:
    """Return the model of the bundle in `folder`, verified. Raises BundleError and OSError."""
    manifest = Manifest.from_json((folder / bundle.MANIFEST).read_bytes())
    contract, onnx = (
        manifest.verify(name, (folder / name).read_bytes()) for name in (bundle.CONTRACT, bundle.MODEL)
    )
    return Model(Contract.from_json(contract), onnx)
