"""Days like the reference with odd ones among them, for the replay by chance."""

from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks.by_chance.pool import Pool
from contract import bundle
from contract.schema import DType, Feature, Kind
from lambda_monitor.check_config import CheckConfig
from lambda_monitor.checks.over_time import DAY
from lambda_monitor.model import Model
from lambda_monitor.profiles import thresholds
from lambda_monitor.profiles.profile import Profile, ProfileSpec
from tests.lambda_monitor.synthetic import contract, predict, synthetic_rides
from training.calibration.thresholds import compute

DAYS, PER_HOUR = 80, 14
ODD, UNFAIR, WEEK = 50, 53, range(60, 67)
CHECKS = [
    *(
        ("drift", name)
        for name in ("trip_distance", bundle.PREDICTION_COLUMN, "PULocationID", "DOLocationID", "area")
    ),
    *(("drift.segment", name) for name in ("PULocationID", "area")),
]


def made_model() -> Model:
    """A model with segments and groups of three areas; its reference has 20 days."""
    zones: list[int | str] = list(range(1, 41))
    found = contract()
    features = [
        msgspec.structs.replace(f, categories=zones) if f.kind is Kind.CATEGORICAL else f
        for f in found.features
    ]
    features.append(Feature(name="area", kind=Kind.CATEGORICAL, dtype=DType.INT))
    found = msgspec.structs.replace(
        found, features=features, segments=["PULocationID", "area"], groups=["area"]
    )
    frame = rides(6_000, 99)
    frame[bundle.TIME_COLUMN] = pd.Timestamp("2026-01-01") + pd.to_timedelta(
        np.arange(6_000) // 300, unit="D"
    )
    table = pa.Table.from_pandas(frame, preserve_index=False)
    spec = ProfileSpec.of(found, table)
    limits = compute(frame, found, window_rows=1_000, false_alarm_rate=0.001, seed=1)
    return Model(
        contract=found,
        reference=table,
        profile_spec=spec,
        baseline=Profile.of(table, spec),
        thresholds=thresholds.load(limits),
        check_config=CheckConfig(),
    )


def made_pool(model: Model) -> Pool:
    """Days with two odd days and an odd week; the others are like the reference."""
    rng = np.random.default_rng(5)
    hour = np.sort(rng.integers(0, DAYS * DAY, DAYS * DAY * PER_HOUR))
    rows, day = rides(len(hour), 7), hour // DAY
    few = rng.random(len(hour)) < 0.2
    rows.loc[day == ODD, "target"] *= 2.5
    rows.loc[(day == ODD) & few, "PULocationID"] = 99
    rows.loc[(day == ODD) & few, "trip_distance"] = 150.0
    rows.loc[(day == ODD) & (rows["area"] == 1), bundle.PREDICTION_COLUMN] *= 2
    rows.loc[(day == UNFAIR) & (rows["area"] == 1), "target"] *= 2.5
    week = np.isin(day, WEEK)
    rows.loc[week, ["trip_distance", bundle.PREDICTION_COLUMN, "target"]] *= 1.17
    watched: Any = SimpleNamespace(model=model, reference=model.reference.to_pandas())
    return Pool.of(watched, rows, hour, DAYS)


def rides(count: int, seed: int) -> pd.DataFrame:
    frame = synthetic_rides(count, seed=seed).rename(columns={"duration": "target"})
    predicted = predict(frame["trip_distance"].to_numpy())
    return frame.assign(
        **{bundle.PREDICTION_COLUMN: predicted, "area": np.digitize(frame["PULocationID"], [2, 7])}
    )
