"""LightGBM with texts and missing values, and XGBoost, from a notebook to an alert."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder
from xgboost import XGBRegressor

from contract import bundle
from contract.schema import Contract
from tests.training.monitored import alerts
from tests.training.test_adopt import Case, houses
from training.adopt import adopt
from training.use_case import UseCase


def lightgbm() -> Case:
    """Return a classifier of dear houses, with missing towns and areas."""

    def rows(seed: int) -> tuple[pd.DataFrame, pd.Series]:
        found, price = houses(3_000, seed)
        found["town"] = found["town"].mask(found["rooms"] == 4).fillna("(missing)")
        return found.assign(area=found["area"].mask(np.arange(3_000) % 11 == 0)), (price > 250).astype(int)

    towns = ColumnTransformer(
        [("town", OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["town"])],
        remainder="passthrough",
    )
    model = make_pipeline(towns, LGBMClassifier(n_estimators=40, verbose=-1, n_jobs=1))
    model.fit(*rows(0))
    held, dear = rows(1)
    return model, held, dear.rename("dear")


def xgboost() -> Case:
    """Return a regressor without a pipeline."""
    fitted, price = houses(3_000, 0)
    held, true = houses(3_000, 1)
    numbers = ["rooms", "area"]
    return XGBRegressor(n_estimators=40, n_jobs=1).fit(fitted[numbers], price), held[numbers], true


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("make", "nullable"), [(lightgbm, ["town", "area"]), (xgboost, [])])
def test_boosted_trees_are_adopted_and_alert_on_drift_only(
    make: "type[Case]", nullable: list[str], tmp_path: Path
) -> None:
    trained = adopt(
        *make(), id_field="house", name="boosted", folder=tmp_path, workdir=tmp_path, progress=lambda _: None
    )

    assert trained.champion, trained.refused
    contract = Contract.read(trained.bundle / bundle.CONTRACT)
    assert [f.name for f in contract.features if f.nullable] == nullable
    case = UseCase.named(str(tmp_path / "boosted.yaml"))
    assert [alerts(case, trained.bundle, "normal", seed) for seed in range(3)] == [[], [], []]
    assert all(alerts(case, trained.bundle, "drifted", seed) for seed in range(3))
