"""Models that were trained elsewhere: from an MLflow URI, a file or a notebook to a monitored bundle."""

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import joblib
import mlflow
import numpy as np
import pandas as pd
import pytest
import skops.io
from mlflow.tracking import MlflowClient
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LogisticRegression, Ridge, RidgeClassifier
from sklearn.model_selection import train_test_split
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

from contract import bundle
from contract.schema import Contract, DType
from tests.training.monitored import alerts
from training import adopt, adopted, cli, model_files, pipeline, tracking
from training.adopt import Wanted
from training.errors import UserError
from training.infer import Change
from training.model_files import Found, ModelFileError
from training.sources import DataLocation
from training.store import LAKE
from training.use_case import UseCase

Case = tuple[Pipeline, pd.DataFrame, pd.Series]


def houses(rows: int, seed: int) -> tuple[pd.DataFrame, pd.Series]:
    """Return houses with text, whole and other numbers, and their prices."""
    rng = np.random.default_rng(seed)
    found = pd.DataFrame(
        {
            "town": rng.choice(["Ghent", "Bruges", "Leuven"], rows, p=[0.5, 0.3, 0.2]),
            "rooms": rng.integers(1, 9, rows),
            "area": rng.gamma(8, 12, rows).round(1),
        }
    )
    extra = found["town"].map({"Ghent": 20.0, "Bruges": 10.0, "Leuven": 40.0})
    price = 2.1 * found["area"] + 12 * found["rooms"] + extra + rng.normal(0, 15, rows)
    return found, price.rename("price").round(1)


@pytest.fixture(scope="module")
def regression() -> Case:
    """Return boosted trees behind encoded towns, and rows that they were not fitted on."""
    towns = ColumnTransformer(
        [("town", OneHotEncoder(handle_unknown="ignore"), ["town"])], remainder="passthrough"
    )
    model = make_pipeline(towns, HistGradientBoostingRegressor(max_iter=60, random_state=0))
    model.fit(*houses(3000, 0))
    return model, *houses(3000, 1)


@pytest.fixture(scope="module")
def cancer() -> Case:
    """Return a logistic regression on scikit-learn's breast cancer data, and the other half of the rows."""
    rows, benign = load_breast_cancer(as_frame=True, return_X_y=True)
    fitted, held, target, theirs = train_test_split(rows, benign, test_size=0.5, random_state=0)
    model = make_pipeline(StandardScaler(), LogisticRegression()).fit(fitted, target)
    return model, held, theirs.rename("benign")


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory: pytest.TempPathFactory, regression: Case) -> str:
    """Return the tracking URI of a registry with the regression, made with MLflow alone."""
    folder = tmp_path_factory.mktemp("elsewhere")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    mlflow.set_tracking_uri(uri)
    mlflow.set_experiment(
        experiment_id=mlflow.create_experiment("houses", artifact_location=(folder / "art").as_uri())
    )
    model, rows, _ = regression
    signature = mlflow.models.infer_signature(rows, model.predict(rows))
    types = skops.io.get_untrusted_types(data=skops.io.dumps(model))
    for kind, given in {"skops": {"skops_trusted_types": types}, "cloudpickle": {}}.items():
        with mlflow.start_run():
            mlflow.sklearn.log_model(
                model,
                name="model",
                serialization_format=kind,
                signature=signature,
                registered_model_name=f"houses-{kind}",
                pip_requirements=["scikit-learn"],
                **given,
            )
        MlflowClient().set_registered_model_alias(f"houses-{kind}", "champion", "1")
    mlflow.set_tracking_uri(None)
    return uri


@pytest.fixture
def command(elsewhere: str, regression: Case, tmp_path: Path) -> Callable[..., int]:
    """Return a function that runs the command on a registered model of houses."""
    _, rows, price = regression
    rows.assign(price=price, house=range(len(rows)), agent="x").to_csv(tmp_path / "held.csv", index=False)

    def run(model: str, *options: str) -> int:
        given = ["--model", model, "--reference", str(tmp_path / "held.csv"), "--id-field", "house"]
        places = ["--folder", str(tmp_path / "cases"), "--workdir", str(tmp_path / "work")]
        return cli.main(["adopt", *given, *places, "--model-registry", elsewhere, *options])

    return run


@pytest.mark.timeout(300)
def test_a_registered_model_becomes_a_bundle_that_alerts_on_drift_only(
    command: Callable[..., int], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert command("models:/houses-skops@champion", "--target", "price", "--groups", "town") == 0

    printed = capsys.readouterr().out
    assert "scorewatch-houses-skops 1 is champion" in printed
    assert "│ town  │ categorical │ str        │ 3 categories: Bruges, Ghent, Leuven │" in printed
    assert "│ price │ target" in printed
    contract = Contract.read(tmp_path / "work/bundles/scorewatch-houses-skops/1" / bundle.CONTRACT)
    assert contract.feature_names == ["town", "rooms", "area"]
    assert (contract.id_field, contract.payload_field) == ("house", "input")
    assert (contract.segments, contract.groups) == (["town"], ["town"])
    assert contract.feature("rooms").dtype is DType.INT
    case, folder = UseCase.named(str(tmp_path / "cases/houses_skops.yaml")), tmp_path / "work/bundles"
    folder /= "scorewatch-houses-skops/1"
    assert [alerts(case, folder, "normal", seed) for seed in range(3)] == [[], [], []]
    assert all(alerts(case, folder, "drifted", seed) for seed in range(3))
    assert case.demo_title("normal") == "rows drawn from the reference (real)"
    assert case.demo_title("drifted").endswith("is raised by 34.1 (changed)") or "area is raised" in (
        case.demo_title("drifted")
    )


def test_a_pickle_is_loaded_only_if_it_is_trusted(
    command: Callable[..., int],
    capsys: pytest.CaptureFixture[str],
    regression: Case,
    tmp_path: Path,
    elsewhere: str,
) -> None:
    file = tmp_path / "model.joblib"
    joblib.dump(regression[0], file)
    for model in ("models:/houses-cloudpickle/1", str(file)):
        assert command(model, "--target", "price") == 1
        assert "is a pickle, which runs code when it is loaded: add --trust-pickle" in capsys.readouterr().err
    assert not (tmp_path / "cases").exists()
    with tracking.looked_up_in(elsewhere):
        for model in ("models:/houses-cloudpickle/1", str(file)):
            assert isinstance(model_files.load(model, trust_pickle=True).pipeline, Pipeline)


@pytest.mark.timeout(300)
def test_a_notebook_adopts_its_pipeline_by_one_call(cancer: Case, tmp_path: Path) -> None:
    said: list[str] = []

    trained = adopt.adopt(
        *cancer, id_field="patient", name="cancer", folder=tmp_path, workdir=tmp_path, progress=said.append
    )

    assert trained.champion
    assert "the reference has 285 rows: below 1,000, only large drift alerts" in said
    contract = Contract.read(trained.bundle / bundle.CONTRACT)
    assert contract.target.labels == [0, 1]
    assert len(contract.features) == 30
    case = UseCase.named(str(tmp_path / "cancer.yaml"))
    assert [alerts(case, trained.bundle, "normal", seed) for seed in range(3)] == [[], [], []]
    assert all(alerts(case, trained.bundle, "drifted", seed) for seed in range(3))


def declare(case: Case, folder: Path, **wanted: Any) -> adopted.Adopted:
    model, rows, target = case
    given = {"name": "x", "id_field": "id", "target": target.name, "folder": folder}
    found = Found(model_files.as_pipeline(model))
    file = adopt.declare(found, rows.assign(**{target.name: target}), Wanted(**given | wanted), print)
    return adopted.read(file)


def test_the_yaml_file_is_read_back_and_its_corrections_hold(regression: Case, tmp_path: Path) -> None:
    declared = declare(regression, tmp_path)
    file = tmp_path / "x.yaml"
    text = file.read_text()
    assert "# Contract of an adopted model" in text
    assert declared.change == Change(feature="area", by=declared.change.by)

    file.write_text(text.replace("title: X", "title: Houses").replace("minimum: 0.0", "minimum: 1.0", 1))
    case = UseCase.named(str(file))
    assert case.title == "Houses"
    assert case.features[1].minimum == 1.0
    file.write_text(text.replace("  kind: numeric", "  kind: number", 1))
    with pytest.raises(UserError, match=r"x.yaml can't be read: .*number"):
        UseCase.named(str(file))


def test_an_adopted_model_is_not_trained_again(regression: Case, tmp_path: Path) -> None:
    declare(regression, tmp_path)
    model, rows, _ = regression
    case = UseCase.named(str(tmp_path / "x.yaml"))
    again = case.pipeline({})
    assert np.allclose(again.predict(rows), model.predict(rows))
    data = pipeline.load_data(case, DataLocation(), None, lambda _: None)
    with pytest.raises(UserError, match="x was adopted, so it is not trained here"):
        pipeline.fit(case, dataclasses.replace(data, source=LAKE))


def fitted(model: Any, rows: pd.DataFrame, target: Any) -> Case:
    return make_pipeline(model).fit(rows, target), rows, pd.Series(target, name="y")


NUMBERS = pd.DataFrame({"a": np.arange(60.0), "b": np.arange(60.0) ** 2})


@pytest.mark.parametrize(
    ("case", "wanted", "message"),
    [
        (fitted(RidgeClassifier(), NUMBERS, [0, 1] * 30), {}, "wrap it in CalibratedClassifierCV"),
        (fitted(LogisticRegression(), NUMBERS, [True, False] * 30), {}, "convert them before fitting"),
        (fitted(Ridge(), NUMBERS, np.arange(60)), {"target": "z"}, "has no column 'z'"),
        (fitted(Ridge(), NUMBERS, np.arange(60)), {"segments": ["z"]}, "has no column 'z'"),
        (fitted(Ridge(), NUMBERS, np.arange(60)), {"groups": ["z"]}, "has no column 'z'"),
        (fitted(Ridge(), NUMBERS, np.arange(60)), {"name": "X y"}, "such as x_y"),
    ],
)
def test_what_can_not_be_adopted_is_refused_with_a_way_out(
    case: Case, wanted: dict, message: str, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=message):
        declare(case, tmp_path, **wanted)


def test_classes_that_need_a_pickle_are_refused(tmp_path: Path) -> None:
    model = make_pipeline(FunctionTransformer(houses), Ridge())
    with pytest.raises(ModelFileError, match="can't be stored without a pickle"):
        model_files.save(model, tmp_path / "x.skops")


@pytest.mark.parametrize("model", ["nothing", "models:/nothing@champion", "runs:/0/model"])
def test_a_model_that_is_not_there_is_named(command: Callable[..., int], model: str, capsys: Any) -> None:
    assert command(model) == 1
    error = capsys.readouterr().err
    assert model in error
    assert "Traceback" not in error


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("models:/Wine-Quality@champion", "wine_quality"),
        ("models:/wine/3", "wine"),
        ("a/b/Model 7.skops", "model_7"),
        ("runs:/0123/7", "my_model"),
    ],
)
def test_the_name_is_made_of_the_model(model: str, name: str) -> None:
    assert adopt.name_of(model) == name
