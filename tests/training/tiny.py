"""A use case of 600 synthetic rows, so that a run takes a second."""

import numpy as np
import pandas as pd
import pandera.pandas as pa
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder
from sklearn.tree import DecisionTreeRegressor

from contract.schema import DType, Feature, Kind, Target, Task
from training.sources import Synthetic
from training.use_case import Demo, Params, UseCase

ROWS = 600


def rows(part):
    rng = np.random.default_rng(len(part))
    size = rng.gamma(2, 2, ROWS).round(2)
    colour = rng.choice(["red", "green", "blue"], ROWS, p=[0.5, 0.3, 0.2])
    price = 8 + 3 * size + np.where(colour == "red", 5, 0) + rng.normal(0, 1, ROWS)
    price[:7] = -1.0  # these rows break the rule
    time = pd.Timestamp("2026-01-01") + pd.to_timedelta(np.arange(ROWS), unit="min")
    return pd.DataFrame({"size": size, "colour": colour, "price": price, "time": time})


def pipeline(params: Params) -> Pipeline:
    model = {
        "ridge": lambda: Ridge(params.get("alpha", 1.0)),
        "tree": lambda: DecisionTreeRegressor(max_depth=params["depth"], random_state=0),
    }[params["model"]]()
    colour = OneHotEncoder(handle_unknown="ignore")
    return make_pipeline(ColumnTransformer([("colour", colour, ["colour"])], remainder="passthrough"), model)


def search_space(trial):
    if trial.suggest_categorical("model", ["ridge", "tree"]) == "ridge":
        return {"model": "ridge", "alpha": trial.suggest_float("alpha", 0.01, 10, log=True)}
    return {"model": "tree", "depth": trial.suggest_int("depth", 1, 6)}


USE_CASE = UseCase(
    name="tiny",
    title="Tiny",
    task=Task.REGRESSION,
    id_field="record_id",
    payload_field="thing",
    features=[
        Feature(name="size", kind=Kind.NUMERIC, dtype=DType.FLOAT, minimum=0, maximum=100),
        Feature(name="colour", kind=Kind.CATEGORICAL, dtype=DType.STR),
    ],
    target=Target(name="price", decimals=2),
    sources=[Synthetic(rows, fitted_to="nothing")],
    prepare=lambda raw: raw,
    rules=pa.DataFrameSchema({"price": pa.Column(float, pa.Check.gt(0, error="is above zero"))}),
    train=["train"],
    validation=["validation"],
    demos={
        "normal": Demo(part="later", title="later rows"),
        "drifted": Demo(part="much later", title="big ones", select=lambda f: f[f["size"] > 5]),
    },
    pipeline=pipeline,
    params={"model": "ridge"},
    search_space=search_space,
    segments=["colour"],
    time_column="time",
    window_rows=200,
)
