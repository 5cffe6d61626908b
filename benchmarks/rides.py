"""Model and records of the scoring measurements."""

import base64
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mlflow
import msgspec
import numpy as np
import pandas as pd
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, Int64TensorType
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingRegressor
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from contract import bundle
from contract.derived import ratio
from contract.schema import Contract, DataRef, DType, Feature, Input, Kind, ModelRef, Target, Task

FEATURES = ("PULocationID", "DOLocationID", "trip_distance")
ESTIMATORS = {
    "linear": Ridge,
    "100 boosted trees": lambda: GradientBoostingRegressor(n_estimators=100, random_state=0),
}
ROWS = 10_000
_ZONES = 265


@dataclass(frozen=True)
class Bench:
    """One model: contract and ONNX."""

    contract: Contract
    onnx: bytes


def frame(rows: int, seed: int = 0) -> pd.DataFrame:
    """Return rides between 265 zones, as many as New York has."""
    rng = np.random.default_rng(seed)
    zones = rng.integers(1, _ZONES + 1, (2, rows))
    distance = np.round(rng.gamma(2.0, 1.5, rows), 2)
    return pd.DataFrame(dict(zip(FEATURES, [zones[0], zones[1], distance], strict=True)))


def build(kind: str) -> Bench:
    """Fit a model of `kind` and convert it."""
    rides = frame(ROWS)
    encode = OneHotEncoder(handle_unknown="ignore")
    columns = ColumnTransformer([("zones", encode, list(FEATURES[:2]))], remainder="passthrough")
    pipeline = make_pipeline(columns, ESTIMATORS[kind]()).fit(rides, _target(rides))
    types = [(n, Int64TensorType([None, 1])) for n in FEATURES[:2]] + [
        (FEATURES[2], FloatTensorType([None, 1]))
    ]
    onnx = to_onnx(pipeline, initial_types=types).SerializeToString()
    return Bench(contract(rides), onnx)


def contract(rides: pd.DataFrame) -> Contract:
    """Return the contract of the model, with every zone as a category."""
    zones = [
        Feature(name=n, kind=Kind.CATEGORICAL, dtype=DType.INT, categories=sorted(rides[n].unique().tolist()))
        for n in FEATURES[:2]
    ]
    distance = Feature(name=FEATURES[2], kind=Kind.NUMERIC, dtype=DType.FLOAT, minimum=0, maximum=100)
    return Contract(
        use_case="green_taxi",
        task=Task.REGRESSION,
        id_field="ride_id",
        payload_field="ride",
        features=[*zones, distance],
        target=Target(name="duration", unit="minutes", decimals=2),
        model=ModelRef(name="scorewatch-green-taxi", version="1", run_id="0" * 32),
        data=DataRef(source="generated for the benchmark", sha256="0" * 64, rows=len(rides)),
    )


def event(rows: int, note: str = "", *, escaped: bool = True) -> dict[str, Any]:
    """Return a Kinesis event of `rows` rides.

    `note` is an extra text of each ride; `escaped` writes it in ASCII, as json.dumps does by default.
    """
    extra = {"note": note} if note else {}
    return _event(frame(rows, seed=1).assign(**extra), escaped=escaped)


def _event(rides: pd.DataFrame, *, escaped: bool = True) -> dict[str, Any]:
    return {
        "Records": [
            {
                "kinesis": {
                    "partitionKey": str(number),
                    "sequenceNumber": f"4966{number:052d}",
                    "data": base64.b64encode(
                        json.dumps({"ride_id": f"r{number}", "ride": ride}, ensure_ascii=escaped).encode()
                    ).decode(),
                    "approximateArrivalTimestamp": 1_772_452_800.25 + number / 1000,
                },
                "eventID": f"shardId-000000000000:4966{number:052d}",
            }
            for number, ride in enumerate(rides.to_dict("records"))
        ]
    }


def variants(made: Bench, rows: int) -> dict[str, tuple[Bench, dict[str, Any]]]:
    """Return the model with nullable or derived features, and an event of each."""
    pickup, dropoff, distance = made.contract.features

    def bench(features: list[Feature], inputs: list[Input]) -> Bench:
        return Bench(msgspec.structs.replace(made.contract, features=features, inputs=inputs), made.onnx)

    nullable = bench([msgspec.structs.replace(pickup, nullable=True), dropoff, distance], [])
    halved = frame(rows, seed=1).astype(object)
    halved.loc[halved.index % 4 == 0, FEATURES[0]] = None
    derived = Feature(
        name=distance.name, kind=distance.kind, dtype=distance.dtype, derived=ratio("feet", "feet_per_mile")
    )
    inputs = [Input(name=name, dtype=DType.FLOAT) for name in ("feet", "feet_per_mile")]
    feet = frame(rows, seed=1).assign(feet=lambda f: f.pop(FEATURES[2]) * 5_280, feet_per_mile=5_280.0)
    return {
        "one feature nullable": (nullable, event(rows)),
        "one feature nullable, null in a quarter of the records": (nullable, _event(halved)),
        "one feature a ratio of two inputs": (bench([pickup, dropoff, derived], inputs), _event(feet)),
    }


def write_bundle(made: Bench, folder: Path) -> None:
    """Write the bundle files that a cold start loads."""
    (folder / bundle.MODEL).write_bytes(made.onnx)
    (folder / bundle.CONTRACT).write_bytes(made.contract.to_json())
    for name in (bundle.REFERENCE, bundle.THRESHOLDS, bundle.METRICS):
        (folder / name).write_bytes(b"{}")
    bundle.write_manifest(folder, made.contract.model.name, made.contract.model.version)


def log_to_mlflow(folder: Path) -> str:
    """Log the linear model behind a DictVectorizer, and return its URI.

    Its input is one dict per record, pyfunc's cheapest input; a DataFrame costs ten times as much.
    """
    rides = frame(ROWS)
    dicts = rides.astype(dict.fromkeys(FEATURES[:2], str)).to_dict("records")
    pipeline = make_pipeline(DictVectorizer(), Ridge()).fit(dicts, _target(rides))
    mlflow.set_tracking_uri(f"sqlite:///{folder}/mlflow.db")
    experiment = mlflow.create_experiment("bench", artifact_location=f"{folder}/artifacts")
    with mlflow.start_run(experiment_id=experiment):
        return str(mlflow.sklearn.log_model(pipeline, name="model").model_uri)


def _target(rides: pd.DataFrame) -> pd.Series:
    return 4 + 4.2 * rides["trip_distance"] + rides["PULocationID"] / 100
