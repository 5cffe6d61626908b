"""A classifier with spaces in feature names and quotes in values, read and counted by Athena."""

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from contract.schema import DType, Feature, Kind, Target, Task
from contract.timestamps import timestamp
from lambda_monitor.hours import athena
from lambda_monitor.hours.store import AthenaPath
from lambda_monitor.profiles.profile import Profile, ProfileSpec
from tests.lambda_monitor.hours.duck_athena import DuckAthena
from tests.lambda_monitor.synthetic import NOON, Stack, contract, hours, read_window

FEATURES = [
    Feature(name="volatile acidity", kind=Kind.NUMERIC, dtype=DType.FLOAT),
    Feature(name="the grape", kind=Kind.CATEGORICAL, dtype=DType.STR, categories=["riesling", "o'neill"]),
    Feature(name="year", kind=Kind.CATEGORICAL, dtype=DType.INT),
]


def declared(labels: list):
    return contract(
        task=Task.CLASSIFICATION,
        id_field="customer_id",
        payload_field="wine_features",
        features=FEATURES,
        target=Target(name="quality", labels=labels),
    )


def rows(labels: list, count: int, seed: int) -> list[dict]:
    rng = np.random.default_rng(seed)
    return [
        {
            "volatile acidity": float(np.round(rng.gamma(2, 0.1), 3)),
            "the grape": str(rng.choice(["riesling", "o'neill", "new one"], p=[0.6, 0.39, 0.01])),
            "year": int(rng.integers(2000, 2010)),
            "prediction": labels[int(rng.integers(len(labels)))],
            "probability": float(np.round(rng.uniform(0.4, 1), 4)),
        }
        for _ in range(count)
    ]


def put(stack: Stack, wines: list[dict]) -> None:
    lines = []
    for number, wine in enumerate(wines):
        features = {name: wine[name] for name in (f.name for f in FEATURES)}
        event = {
            "customer_id": number,
            "wine_features": features,
            "features": features,
            "prediction": {"quality": wine["prediction"], "probability": wine["probability"]},
            "model": {"name": "m", "version": "1", "run_id": ""},
            "record": {
                "shard": "shardId-000000000000",
                "sequence_number": f"{number:056d}",
                "arrived_at": timestamp(NOON + timedelta(seconds=number)),
            },
            "scored_at": timestamp(NOON),
        }
        lines.append(json.dumps(event).encode())
    stack.put(lines)


@pytest.mark.parametrize("labels", [[5, 6, 7], ["bad", "good"]])
@pytest.mark.parametrize("bulk", [False, True])
def test_reading_and_athena_count_classes_alike(
    stack: Stack, tmp_path: Path, labels: list, *, bulk: bool
) -> None:
    wines = rows(labels, 300, seed=1)
    put(stack, wines)
    of = declared(labels)
    reference = pa.Table.from_pylist(
        [{**wine, "target": wine["prediction"]} for wine in rows(labels, 500, seed=2)]
    )
    spec = ProfileSpec.of(of, reference)
    runner = athena.Runner(DuckAthena(stack, tmp_path), "workgroup", "database", lambda: 60)
    counter = athena.AthenaCounter(runner, "predictions", of, spec)
    path = AthenaPath(counter=counter, min_bytes=1) if bulk else None

    def profiler(table: pa.Table) -> Profile:
        return Profile.of(table, spec)

    kept = hours(stack, counted=profiler, athena=path, declared=of)
    found = read_window(kept, counted=profiler, declared=of)

    expected = profiler(pa.Table.from_pylist(wines))
    assert found.records == 300
    assert found.profile.categorical == expected.categorical
    assert (
        found.profile.numeric["volatile acidity"].histogram == expected.numeric["volatile acidity"].histogram
    )
    assert found.profile.numeric["probability"].histogram == expected.numeric["probability"].histogram
    assert found.profile.categorical["the grape"].new == {
        "new one": sum(w["the grape"] == "new one" for w in wines)
    }
    assert set(found.sample.column("prediction").to_pylist()) == set(labels)
