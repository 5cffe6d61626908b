"""New York taxi ride duration: one month trains, the next validates."""

from typing import TYPE_CHECKING

import pandas as pd
import pandera.pandas as pa
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import GradientBoostingRegressor, RandomForestRegressor
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder

from contract.schema import DType, Feature, Kind, Target, Task
from training.sources import Download, Folder, Synthetic
from training.synthetic import taxi
from training.use_case import Demo, Params, UseCase

if TYPE_CHECKING:
    import optuna

ZONES = ["PULocationID", "DOLocationID"]
KNOWN_ZONE = pa.Check.in_range(1, 265, error="is a taxi zone, 1 to 265")


def prepare(raw: pd.DataFrame) -> pd.DataFrame:
    """Add the ride's duration in minutes.

    Times have the prefix lpep in green cabs' files, tpep in yellow ones'.
    """
    rides = raw.rename(columns=lambda name: name.removeprefix("lpep_").removeprefix("tpep_"))
    for clock in ("pickup_datetime", "dropoff_datetime"):
        rides[clock] = pd.to_datetime(rides[clock])
    seconds = (rides["dropoff_datetime"] - rides["pickup_datetime"]).dt.total_seconds()
    return rides.assign(duration=seconds / 60)


def pipeline(params: Params) -> Pipeline:
    """Return one-hot zones before the model that `params` names.

    Rare zones get no column.
    """
    zones = OneHotEncoder(handle_unknown="ignore", min_frequency=params["min_frequency"])
    return make_pipeline(
        ColumnTransformer([("zones", zones, ZONES)], remainder="passthrough"), _model(params)
    )


def search_space(trial: "optuna.Trial") -> Params:
    """Suggest a model and its parameters."""
    params: Params = {
        "model": trial.suggest_categorical("model", ["boosting", "forest", "ridge"]),
        "min_frequency": trial.suggest_int("min_frequency", 5, 60, log=True),
    }
    if params["model"] == "ridge":
        params["alpha"] = trial.suggest_float("alpha", 0.1, 30, log=True)
        return params
    trees = 200 if params["model"] == "boosting" else 60
    params["n_estimators"] = trial.suggest_int("n_estimators", 40, trees)
    params["max_depth"] = trial.suggest_int("max_depth", 3, 6)
    params["min_samples_leaf"] = trial.suggest_int("min_samples_leaf", 2, 40, log=True)
    if params["model"] == "boosting":
        params["learning_rate"] = trial.suggest_float("learning_rate", 0.03, 0.3, log=True)
    return params


def _model(params: Params) -> GradientBoostingRegressor | RandomForestRegressor | Ridge:
    if params["model"] == "ridge":
        return Ridge(params["alpha"])
    trees = {k: params[k] for k in ("n_estimators", "max_depth", "min_samples_leaf")}
    if params["model"] == "forest":
        return RandomForestRegressor(**trees, max_features=0.5, random_state=0, n_jobs=2)
    return GradientBoostingRegressor(
        **trees, learning_rate=params["learning_rate"], subsample=0.7, random_state=0
    )


USE_CASE = UseCase(
    name="green_taxi",
    title="New York taxi ride duration",
    task=Task.REGRESSION,
    id_field="ride_id",
    payload_field="ride",
    features=[
        Feature(name="PULocationID", kind=Kind.CATEGORICAL, dtype=DType.INT),
        Feature(name="DOLocationID", kind=Kind.CATEGORICAL, dtype=DType.INT),
        Feature(
            name="trip_distance", kind=Kind.NUMERIC, dtype=DType.FLOAT, minimum=0, maximum=100, unit="miles"
        ),
    ],
    target=Target(name="duration", unit="minutes", decimals=2),
    sources=[
        Folder(
            patterns=[
                "nyc_yellow_taxi/yellow_{part}.csv.gz",
                "green_tripdata_{part}.parquet",
                "yellow_tripdata_{part}.parquet",
            ]
        ),
        Download("https://d37ci6vzurychx.cloudfront.net/trip-data/green_tripdata_{part}.parquet"),
        Synthetic(taxi.month, fitted_to=taxi.FITTED_TO),
    ],
    prepare=prepare,
    rules=pa.DataFrameSchema(
        {
            "PULocationID": pa.Column(int, KNOWN_ZONE, coerce=True),
            "DOLocationID": pa.Column(int, KNOWN_ZONE, coerce=True),
            "trip_distance": pa.Column(
                float, pa.Check.in_range(0, 100, error="lies between 0 and 100 miles"), coerce=True
            ),
            "duration": pa.Column(float, pa.Check.in_range(1, 60, error="lies between 1 and 60 minutes")),
        }
    ),
    train=["2019-03"],
    validation=["2019-04"],
    demos={
        "normal": Demo(part="2019-05", title="a later month, May 2019"),
        "drifted": Demo(part="2020-04", title="April 2020, the city under lockdown"),
    },
    pipeline=pipeline,
    params={
        "model": "boosting",
        "min_frequency": 20,
        "n_estimators": 100,
        "max_depth": 5,
        "min_samples_leaf": 10,
        "learning_rate": 0.1,
    },
    search_space=search_space,
    segments=["PULocationID"],
    value_names=dict.fromkeys(ZONES, "zone"),
    time_column="pickup_datetime",
)
