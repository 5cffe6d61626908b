"""A use case with every kind of field: nullable, boolean, timestamp and derived ones."""

import numpy as np
import pandas as pd
import pandera.pandas as pa
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.impute import SimpleImputer
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder

from contract.derived import concatenate, difference, hour, log, ratio, weekday
from contract.schema import DType, Feature, Input, Kind, Target, Task
from training.sources import Synthetic
from training.use_case import Demo, Params, UseCase

ROWS = 1_500
MISSING = {"normal": 0.1, "drifted": 0.4}


def rows(part: str) -> pd.DataFrame:
    """Return rides: `part` seeds them; in the drifted part more tips are missing."""
    rng = np.random.default_rng(sum(part.encode()))
    start = pd.Timestamp("2026-03-02", tz="America/New_York") + pd.to_timedelta(
        rng.integers(0, 28 * 86_400, ROWS), unit="s"
    )
    distance = np.round(rng.gamma(2, 2, ROWS) + 0.1, 2)
    seconds = np.round(200 * distance + 120 * (start.hour.to_numpy() > 16) + rng.normal(0, 30, ROWS) + 300, 3)
    share = MISSING.get(part, 0.1)
    return pd.DataFrame(
        {
            "pickup_zone": rng.integers(1, 5, ROWS),
            "dropoff_zone": np.where(rng.random(ROWS) < 0.05, np.nan, rng.integers(1, 5, ROWS)),
            "distance": distance,
            "tip": np.where(rng.random(ROWS) < share, np.nan, rng.gamma(2, 1, ROWS).round(2)),
            "passengers": np.where(rng.random(ROWS) < 0.1, np.nan, rng.integers(1, 6, ROWS)),
            "payment": np.where(rng.random(ROWS) < 0.1, None, rng.choice(["card", "cash"], ROWS)),
            "shared": rng.random(ROWS) < 0.3,
            "airport": np.where(rng.random(ROWS) < 0.1, None, rng.random(ROWS) < 0.2),
            "pickup_time": start,
            "booked_time": (start - pd.to_timedelta(rng.integers(60, 3_000, ROWS), unit="s")).where(
                rng.random(ROWS) > 0.1
            ),
            "duration": np.where(rng.random(ROWS) < 0.01, -1, seconds / 60),
        }
    )


def pipeline(params: Params) -> Pipeline:
    """Return imputers and one-hot categories before a linear model, or boosting that accepts NaN."""
    encode = OneHotEncoder(handle_unknown="ignore", sparse_output=False)
    categories = ["pickup_zone", "dropoff_zone", "payment", "zones", "weekday"]
    if params["model"] == "boosting":
        columns = ColumnTransformer([("categories", encode, categories)], remainder="passthrough")
        return make_pipeline(columns, HistGradientBoostingRegressor(max_iter=20, random_state=0))
    columns = ColumnTransformer([("categories", encode, categories)], remainder=SimpleImputer())
    return make_pipeline(columns, Ridge())


def feature(name: str, kind: Kind, dtype: DType, **more: object) -> Feature:
    return Feature(name=name, kind=kind, dtype=dtype, **more)


NUMERIC, CATEGORICAL = Kind.NUMERIC, Kind.CATEGORICAL
INT, FLOAT, STR, BOOL, TIMESTAMP = DType.INT, DType.FLOAT, DType.STR, DType.BOOL, DType.TIMESTAMP

USE_CASE = UseCase(
    name="rich",
    title="Rich",
    task=Task.REGRESSION,
    id_field="ride_id",
    payload_field="ride",
    features=[
        feature("pickup_zone", CATEGORICAL, INT),
        feature("dropoff_zone", CATEGORICAL, INT, nullable=True),
        feature("distance", NUMERIC, FLOAT, minimum=0, maximum=100),
        feature("tip", NUMERIC, FLOAT, minimum=0, maximum=50, nullable=True),
        feature("passengers", NUMERIC, INT, nullable=True),
        feature("payment", CATEGORICAL, STR, nullable=True),
        feature("shared", CATEGORICAL, BOOL),
        feature("airport", CATEGORICAL, BOOL, nullable=True),
        feature("zones", CATEGORICAL, STR, nullable=True, derived=concatenate("pickup_zone", "dropoff_zone")),
        feature("hour", NUMERIC, INT, derived=hour("pickup_time")),
        feature("weekday", CATEGORICAL, INT, derived=weekday("pickup_time")),
        feature("waited", NUMERIC, FLOAT, nullable=True, derived=difference("pickup_time", "booked_time")),
        feature("tip_per_mile", NUMERIC, FLOAT, nullable=True, derived=ratio("tip", "distance")),
        feature("log_distance", NUMERIC, FLOAT, derived=log("distance")),
    ],
    inputs=[
        Input(name="pickup_time", dtype=TIMESTAMP, zone="America/New_York"),
        Input(name="booked_time", dtype=TIMESTAMP, nullable=True),
    ],
    target=Target(name="duration", unit="minutes", decimals=2),
    sources=[Synthetic(rows, fitted_to="nothing")],
    prepare=lambda raw: raw,
    rules=pa.DataFrameSchema({"duration": pa.Column(float, pa.Check.gt(0, error="is above zero"))}),
    train=["train"],
    validation=["validation"],
    demos={
        "normal": Demo(part="normal", title="ordinary rides"),
        "drifted": Demo(part="drifted", title="rides with few tips"),
    },
    pipeline=pipeline,
    params={"model": "ridge"},
    segments=["payment", "shared"],
    time_column="pickup_time",
    window_rows=500,
)
