"""White wine quality, 3 to 9, from the three strongest measurements."""

from typing import TYPE_CHECKING

import pandas as pd
import pandera.pandas as pa
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from contract.schema import DType, Feature, Kind, Target, Task
from training.sources import Download, Folder, Synthetic
from training.split import by_content
from training.synthetic import wine
from training.use_case import Demo, Gate, Params, UseCase

if TYPE_CHECKING:
    import optuna

WEAK = 10.0  # % alcohol; two wines in five have less


def positive(most: float) -> pa.Check:
    """Return the rule: above zero, at most `most`."""
    return pa.Check.in_range(0, most, include_min=False, error=f"lies between 0 and {most:g}")


def weak(wines: pd.DataFrame) -> pd.DataFrame:
    """Return the weak wines, unaltered."""
    return wines[wines["alcohol"] < WEAK]


def pipeline(params: Params) -> Pipeline:
    """Return the model that `params` names.

    Only the logistic one needs scaled measurements.
    """
    rest = {k: v for k, v in params.items() if k != "model"}
    if params["model"] == "logistic":
        return make_pipeline(StandardScaler(), LogisticRegression(**rest, max_iter=1_000))
    kind = {
        "forest": RandomForestClassifier,
        "extra_trees": ExtraTreesClassifier,
        "boosting": GradientBoostingClassifier,
    }[params["model"]]
    return make_pipeline(kind(**rest, random_state=0))


def search_space(trial: "optuna.Trial") -> Params:
    """Suggest a model and its parameters."""
    params: Params = {
        "model": trial.suggest_categorical("model", ["forest", "extra_trees", "boosting", "logistic"])
    }
    if params["model"] == "logistic":
        return params | {"C": trial.suggest_float("C", 0.01, 100, log=True)}
    if params["model"] == "boosting":
        return params | {
            "n_estimators": trial.suggest_int("boosting_n_estimators", 20, 60),
            "max_depth": trial.suggest_int("boosting_max_depth", 1, 4),
            "learning_rate": trial.suggest_float("learning_rate", 0.03, 0.3, log=True),
        }
    return params | {
        "n_estimators": trial.suggest_int("n_estimators", 50, 150),
        "max_depth": trial.suggest_int("max_depth", 4, 14),
        "min_samples_leaf": trial.suggest_int("min_samples_leaf", 1, 20, log=True),
    }


USE_CASE = UseCase(
    name="white_wine",
    title="White wine quality",
    task=Task.CLASSIFICATION,
    id_field="customer_id",
    id_dtype=DType.INT,
    payload_field="wine_features",
    features=[
        Feature(name="alcohol", kind=Kind.NUMERIC, dtype=DType.FLOAT, minimum=5, maximum=20, unit="% vol"),
        Feature(
            name="volatile acidity", kind=Kind.NUMERIC, dtype=DType.FLOAT, minimum=0, maximum=3, unit="g/l"
        ),
        Feature(name="sulphates", kind=Kind.NUMERIC, dtype=DType.FLOAT, minimum=0, maximum=3, unit="g/l"),
    ],
    target=Target(name="quality"),
    sources=[
        Folder(patterns=["winequality-white.csv"]),
        Download(
            "https://archive.ics.uci.edu/ml/machine-learning-databases/wine-quality/winequality-white.csv"
        ),
        Synthetic(wine.wines, fitted_to=wine.FITTED_TO),
    ],
    prepare=lambda raw: raw,
    rules=pa.DataFrameSchema(
        {
            "alcohol": pa.Column(float, positive(20)),
            "volatile acidity": pa.Column(float, positive(3)),
            "sulphates": pa.Column(float, positive(3)),
            "quality": pa.Column(int, pa.Check.in_range(0, 10, error="is a mark, 0 to 10"), coerce=True),
        }
    ),
    split=by_content,
    train=["train"],
    validation=["validation"],
    demos={
        "normal": Demo(part="validation", title="wines held out from training"),
        "drifted": Demo(part="validation", title=f"held-out wines below {WEAK:g} % alcohol", select=weak),
    },
    pipeline=pipeline,
    params={"model": "boosting", "n_estimators": 40, "max_depth": 3, "learning_rate": 0.1},
    search_space=search_space,
    gate=Gate(margin=0.05),  # smaller differences aren't significant on a thousand wines
)
