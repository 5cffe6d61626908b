"""Load the configured model and run it on batches."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import onnxruntime as ort
from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

from contract import bundle, store
from contract.schema import Contract, DType, Task

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_RUN_ERRORS = (
    ort_errors.EPFail,
    ort_errors.Fail,
    ort_errors.InvalidArgument,
    ort_errors.NotImplemented,
    ort_errors.RuntimeException,
)
_NUMPY = {DType.INT: np.int64, DType.FLOAT: np.float32, DType.STR: np.object_}


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

    def predict(self, columns: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
        """Return one prediction per row, as in events. Raises PredictError.

        `columns` holds one sequence of n values per feature, in the contract's order.
        """
        inputs: dict[str, npt.NDArray[Any]] = {
            feature.name: np.array(values, dtype=_NUMPY[feature.dtype]).reshape(-1, 1)
            for feature, values in zip(self.contract.features, columns, strict=True)
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
        labels, top = np.asarray(outputs[0]).reshape(-1), np.asarray(outputs[1], dtype=np.float64).max(axis=1)
        return [
            {name: label, "probability": probability}
            for label, probability in zip(labels.tolist(), top.round(4).tolist(), strict=True)
        ]


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
