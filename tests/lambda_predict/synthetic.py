"""Synthetic models and records, and senders with injected faults."""

import base64
import io
import json
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
from botocore.awsrequest import AWSResponse, HTTPHeaders
from botocore.exceptions import ClientError
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from contract.schema import Contract, DataRef, DType, Feature, Kind, ModelRef, OutOfRange, Target, Task
from lambda_predict.model import Model
from lambda_predict.publish import publish
from lambda_predict.score import Line, Scorer
from lambda_predict.settings import Settings

NOW = datetime(2026, 3, 2, 12, 0, 1, tzinfo=UTC)
ARRIVED = datetime(2026, 3, 2, 12, 0, 0, 250_000, tzinfo=UTC).timestamp()
SETTINGS = Settings(
    artifact_bucket="artifacts",
    model_name="scorewatch-green-taxi",
    model_version="1",
    use_case="green_taxi",
    output_stream="output",
    rejected_stream="rejected",
)
_TYPES = {DType.INT: Int64TensorType, DType.FLOAT: FloatTensorType, DType.STR: StringTensorType}


def contract(**changes: Any) -> Contract:
    values: dict[str, Any] = {
        "use_case": "green_taxi",
        "task": Task.REGRESSION,
        "id_field": "ride_id",
        "payload_field": "ride",
        "features": [
            Feature(name="PULocationID", kind=Kind.CATEGORICAL, dtype=DType.INT, categories=[1, 2, 3]),
            Feature(name="DOLocationID", kind=Kind.CATEGORICAL, dtype=DType.INT, categories=[1, 2, 3]),
            Feature(
                name="trip_distance",
                kind=Kind.NUMERIC,
                dtype=DType.FLOAT,
                minimum=0,
                maximum=100,
                unit="miles",
            ),
        ],
        "target": Target(name="duration", unit="minutes", decimals=2),
        "model": ModelRef(name="scorewatch-green-taxi", version="1", run_id="0" * 32),
        "data": DataRef(source="made", sha256="0" * 64, rows=300),
    }
    return Contract(**{**values, **changes})


def onnx(declared: Contract, estimator: Any, target: Any) -> bytes:
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        {
            f.name: rng.choice([1, 2, 3], 300) if f.kind is Kind.CATEGORICAL else rng.uniform(0, 30, 300)
            for f in declared.features
        }
    )
    columns = [f.name for f in declared.features if f.kind is Kind.CATEGORICAL]
    encoder = ColumnTransformer(
        [("levels", OneHotEncoder(handle_unknown="ignore"), columns)], remainder="passthrough"
    )
    pipeline = make_pipeline(encoder, estimator).fit(frame, target(frame))
    types = [(f.name, _TYPES[f.dtype]([None, 1])) for f in declared.features]
    options = {id(estimator): {"zipmap": False}} if declared.task is Task.CLASSIFICATION else None
    serialized: bytes = to_onnx(pipeline, initial_types=types, options=options).SerializeToString()
    return serialized


def regression(**changes: Any) -> Model:
    declared = contract(**changes)
    return Model(
        declared, onnx(declared, Ridge(), lambda frame: 3 * frame["trip_distance"] + frame["PULocationID"])
    )


def lookup(table: Sequence[float], **changes: Any) -> Model:
    """Return a model whose prediction is `table[PULocationID]`; it raises for other numbers."""
    values = helper.make_tensor("table", TensorProto.FLOAT, [len(table)], table)
    kinds = {"PULocationID": TensorProto.INT64, "DOLocationID": TensorProto.INT64}
    inputs = [helper.make_tensor_value_info(name, kind, [None, 1]) for name, kind in kinds.items()]
    inputs.append(helper.make_tensor_value_info("trip_distance", TensorProto.FLOAT, [None, 1]))
    output = helper.make_tensor_value_info("variable", TensorProto.FLOAT, [None, 1])
    node = helper.make_node("Gather", ["table", "PULocationID"], ["variable"])
    graph = helper.make_graph([node], "lookup", inputs, [output], [values])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
    return Model(contract(**changes), made.SerializeToString())


def classification() -> Model:
    declared = contract(
        task=Task.CLASSIFICATION,
        id_field="customer_id",
        payload_field="wine_features",
        features=[
            Feature(name="alcohol", kind=Kind.NUMERIC, dtype=DType.FLOAT),
            Feature(name="volatile_acidity", kind=Kind.NUMERIC, dtype=DType.FLOAT),
        ],
        target=Target(name="quality", labels=[5, 6]),
    )
    fitted = onnx(declared, LogisticRegression(), lambda frame: np.where(frame["alcohol"] > 15, 6, 5))
    return Model(declared, fitted)


def rejecting() -> Contract:
    """Return the contract with distances rejected out of their range."""
    features = contract().features
    strict = Feature(
        name="trip_distance",
        kind=Kind.NUMERIC,
        dtype=DType.FLOAT,
        minimum=0,
        maximum=100,
        out_of_range=OutOfRange.REJECT,
    )
    return contract(features=[*features[:2], strict])


def ride(record_id: Any = "r1", **changes: Any) -> bytes:
    values = {"PULocationID": 1, "DOLocationID": 2, "trip_distance": 3.5, **changes}
    return json.dumps({"ride_id": record_id, "ride": values}).encode()


def kinesis(
    data: Sequence[bytes], shard: str = "shardId-000000000000", first: int = 1
) -> list[dict[str, Any]]:
    """Return the records of a Lambda event for `data`."""
    return [
        {
            "kinesis": {
                "partitionKey": "k",
                "sequenceNumber": str(first + number),
                "data": base64.b64encode(item).decode(),
                "approximateArrivalTimestamp": ARRIVED,
            },
            "eventID": f"{shard}:{first + number}",
        }
        for number, item in enumerate(data)
    ]


def throttled() -> ClientError:
    return ClientError({"Error": {"Code": "ThrottlingException", "Message": "slow down"}}, "PutRecords")


def service_error() -> ClientError:
    answer: Any = {"Error": {"Code": "InternalFailure"}, "ResponseMetadata": {"HTTPStatusCode": 500}}
    return ClientError(answer, "PutRecords")


def denied() -> ClientError:
    return ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "PutRecords")


def events(lines: Sequence[Line]) -> list[bytes]:
    """Return the events in lines, packed or not."""
    return [event for line in lines for event in line.data.splitlines(keepends=True)]


class Sink:
    """Sender to a list; `fault` returns whether each line is accepted."""

    limits = (500, 5 * 1024 * 1024)
    seconds = 0.0

    def __init__(self, fault: Callable[[Sequence[Line]], list[bool]] | None = None) -> None:
        self.lines: list[bytes] = []
        self.calls: list[int] = []
        self._fault = fault

    def __call__(self, lines: Sequence[Line]) -> list[bool]:
        self.calls.append(len(lines))
        taken = [True] * len(lines) if self._fault is None else self._fault(lines)
        self.lines += events([line for line, kept in zip(lines, taken, strict=True) if kept])
        return taken

    def references(self) -> Counter[tuple[str, str]]:
        """Return the count of each (shard, sequence number)."""
        found = [json.loads(line)["record"] for line in self.lines]
        return Counter((e["shard"], e["sequence_number"]) for e in found)


class _Body(io.BytesIO):
    def stream(self) -> Any:
        yield self.read()


def answer(request: Any, status: int = 200, body: bytes = b"") -> AWSResponse:
    """Return an AWS response in the form botocore receives it."""
    return AWSResponse(request.url, status, HTTPHeaders(), _Body(body))


class Context:
    """Lambda context whose time passes only while the handler waits."""

    def __init__(self, seconds: float) -> None:
        self.clock = Clock(seconds)

    def get_remaining_time_in_millis(self) -> float:
        return self.clock.left * 1000


class Clock:
    """Time left in seconds, reduced by pauses only."""

    def __init__(self, seconds: float) -> None:
        self.left = seconds
        self.pauses: list[float] = []

    def remaining(self) -> float:
        return self.left

    def pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        self.left -= seconds


__all__ = ["Clock", "Line", "Model", "Scorer", "Sink", "publish"]
