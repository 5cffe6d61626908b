"""Synthetic prediction events in the lake's format, written by duckdb."""

from datetime import datetime
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd

from contract import bundle, layout
from contract.schema import Contract, DataRef, DType, Feature, Kind, ModelRef, Target, Task
from contract.timestamps import timestamp

ZONES = 265
REFERENCE_ROWS = 10_000


def contract(model: str) -> Contract:
    """Return the contract of the synthetic rides."""
    return Contract(
        use_case="green_taxi",
        task=Task.REGRESSION,
        id_field="ride_id",
        payload_field="ride",
        features=[
            Feature(name="PULocationID", kind=Kind.CATEGORICAL, dtype=DType.INT),
            Feature(name="DOLocationID", kind=Kind.CATEGORICAL, dtype=DType.INT),
            Feature(name="trip_distance", kind=Kind.NUMERIC, dtype=DType.FLOAT, minimum=0, maximum=100),
        ],
        target=Target(name="duration", unit="minutes", decimals=2),
        model=ModelRef(name=model, version="1", run_id="0" * 32),
        data=DataRef(source="generated for the benchmark", sha256="0" * 64, rows=REFERENCE_ROWS),
    )


def rides(count: int, seed: int) -> pd.DataFrame:
    """Return `count` rides: unequal zones, miles, prediction and target in minutes."""
    rng = np.random.default_rng(seed)
    weights = 1 / np.arange(1, ZONES + 1)
    zones = rng.choice(np.arange(1, ZONES + 1), size=(2, count), p=weights / weights.sum())
    distance = np.round(rng.gamma(2.0, 1.5, count), 2)
    prediction = np.round(4 + 4.2 * distance**0.8, 2)
    return pd.DataFrame(
        {
            "PULocationID": zones[0],
            "DOLocationID": zones[1],
            "trip_distance": distance,
            "prediction": prediction,
            "target": np.round(np.maximum(prediction + rng.normal(0, 2, count), 1), 2),
        }
    )


def bundle_files(folder: Path, model: str) -> None:
    """Write the bundle's files into `folder`."""
    from training.calibration import thresholds as calibration  # noqa: PLC0415  # not part of the baseline

    folder.mkdir(parents=True)
    declared = contract(model)
    reference = rides(REFERENCE_ROWS, seed=10**6)
    reference.to_parquet(folder / bundle.REFERENCE)
    (folder / bundle.CONTRACT).write_bytes(declared.to_json())
    (folder / bundle.THRESHOLDS).write_bytes(
        calibration.compute(reference, declared, window_rows=1000, false_alarm_rate=0.001, seed=1)
    )
    (folder / bundle.MODEL).write_bytes(b"not needed here")
    (folder / bundle.METRICS).write_bytes(b"{}")
    bundle.write_manifest(folder, model, "1")


def events(path: Path, count: int, hour: datetime, *, seed: int, model: str) -> None:
    """Write `count` events of `hour` to `path` as gzip JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    frame = rides(count, seed)
    with duckdb.connect(config={"threads": "2"}) as engine:
        engine.register("frame", frame)
        features = (
            "{'PULocationID': PULocationID, 'DOLocationID': DOLocationID, 'trip_distance': trip_distance}"
        )
        arrived = timestamp(hour)
        engine.execute(
            f"""
            COPY (
                SELECT format('R{seed}-{{}}', n) AS ride_id, {features} AS ride, {features} AS features,
                    {{'duration': prediction}} AS prediction,
                    {{'name': '{model}', 'version': '1', 'run_id': '{"0" * 32}'}} AS model,
                    {{'shard': format('shardId-{{:012d}}', n % 2),
                      'sequence_number': format('{seed:08d}{{:048d}}', n),
                      'arrived_at': strftime(TIMESTAMP '{arrived[:19]}'
                          + to_milliseconds(CAST(n * 3599999 / {count} AS BIGINT)), '%Y-%m-%dT%H:%M:%S.%gZ')
                    }} AS record,
                    '{arrived}' AS scored_at
                FROM (SELECT *, row_number() OVER () - 1 AS n FROM frame)
            ) TO '{path}' (FORMAT json, COMPRESSION gzip)
            """  # noqa: S608  # our own numbers and names
        )


def lake_bundle(artifacts: Path, model: str) -> None:
    """Write the bundle at its path in the artifact bucket."""
    bundle_files(artifacts / layout.model_prefix(model, "1"), model)
