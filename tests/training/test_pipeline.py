import json
from collections.abc import Callable
from pathlib import Path

import boto3
import numpy as np
import pandas as pd
import pytest
from mlflow.tracking import MlflowClient
from moto import mock_aws

from contract import bundle
from contract.bundle import BundleError, Manifest
from contract.schema import Contract
from lambda_monitor.profiles import thresholds
from lambda_predict.model import Model
from tests.training.conftest import TINY
from tests.training.tiny import rows
from training import cli, pipeline, registry, tracking
from training.data import DataError
from training.pipeline import Trained
from training.tracking import RegistryError
from training.use_case import UseCase

Train = Callable[..., Trained]
STUMP = {"model": "tree", "depth": 1}


@pytest.fixture(scope="module")
def first(train_tiny: Train) -> Trained:
    return train_tiny()


def client(workdir: Path) -> MlflowClient:
    return MlflowClient(tracking.tracking_uri(workdir))


def champion(workdir: Path) -> str:
    found = tracking.by_alias(client(workdir), "scorewatch-tiny", "champion")
    assert found is not None
    return found.version


def test_the_bundle_is_complete_and_its_checksums_match(first: Trained, tiny: UseCase) -> None:
    manifest = Manifest.from_json((first.bundle / bundle.MANIFEST).read_bytes())
    assert (manifest.name, manifest.version) == ("scorewatch-tiny", "1")
    assert set(manifest.files) == set(bundle.FILES)
    for file in manifest.files:
        manifest.verify(file, (first.bundle / file).read_bytes())
    limits = thresholds.load((first.bundle / bundle.THRESHOLDS).read_bytes())
    assert limits.false_alarm_rate == tiny.false_alarm_rate
    assert limits.window_rows == 200
    assert set(limits.limits) == {"size", "colour", "prediction", "target"}


def test_the_contract_has_the_categories_and_rows_of_training(first: Trained) -> None:
    contract = Contract.read(first.bundle / bundle.CONTRACT)
    assert contract.feature("colour").categories == ["blue", "green", "red"]
    assert contract.data.source == "SYNTHETIC train, generator fitted to nothing"
    assert contract.data.rows == 593
    assert (contract.model.version, contract.model.run_id) == (first.version, first.run_id)


def test_the_reference_has_held_out_rows_with_served_predictions(first: Trained) -> None:
    reference = pd.read_parquet(first.bundle / bundle.REFERENCE)
    contract = Contract.read(first.bundle / bundle.CONTRACT)
    valid = rows("validation").query("price > 0")
    assert reference["size"].tolist() == valid["size"].tolist()
    assert reference["target"].tolist() == valid["price"].tolist()
    assert reference["time"].is_monotonic_increasing
    model = Model(contract, (first.bundle / bundle.MODEL).read_bytes())
    served = model.predict([reference["size"].tolist(), reference["colour"].tolist()])
    assert reference["prediction"].tolist() == [p["price"] for p in served]
    error = np.sqrt(np.square(reference["prediction"] - reference["target"]).mean())
    assert error == pytest.approx(first.metrics["rmse"], abs=0.01)


def test_the_run_has_tags_metrics_data_and_report(first: Trained, workdir: Path) -> None:
    run = client(workdir).get_run(first.run_id)
    assert run.data.tags["source"] == "synthetic"
    assert run.data.tags["gate"] == "passed"
    assert run.data.metrics["rmse"] == first.metrics["rmse"]
    assert {i.dataset.name for i in run.inputs.dataset_inputs} == {"training", "validation"}
    stored = {
        a.path for path in ("report", "bundle") for a in client(workdir).list_artifacts(first.run_id, path)
    }
    assert {"report/report.html", "report/data.lock", "report/metrics.json", "bundle/model.onnx"} <= stored
    page = first.page.read_text()
    for heading in (
        "Gate passed",
        "Metrics",
        "Errors",
        "Importance of features",
        "By segment",
        "Versions",
    ):
        assert f"<h2>{heading}" in page
    assert "price: is above zero" in page, "the rules and the rows they dropped"


def test_no_pickle_is_stored(first: Trained, workdir: Path) -> None:
    assert first.version == "1"
    stored = {p.suffix for p in (workdir / "mlartifacts").rglob("*") if p.is_file()}
    assert ".skops" in stored
    assert not stored & {".pkl", ".pickle", ".joblib"}


def test_the_same_lock_gives_the_same_model(first: Trained, train_tiny: Train) -> None:
    again = train_tiny(lock=first.page.parent / "data.lock")
    assert again.metrics == first.metrics
    assert (again.bundle / bundle.MODEL).read_bytes() == (first.bundle / bundle.MODEL).read_bytes()
    assert (again.bundle / bundle.REFERENCE).read_bytes() == (first.bundle / bundle.REFERENCE).read_bytes()


def test_a_locked_run_takes_the_parameters_of_the_lock(train_tiny: Train) -> None:
    tree = train_tiny(params={"model": "tree", "depth": 6})
    again = train_tiny(lock=tree.page.parent / "data.lock")
    assert again.metrics == tree.metrics


def test_rows_that_differ_from_the_lock_are_refused(
    first: Trained, train_tiny: Train, tmp_path: Path
) -> None:
    lock = json.loads((first.page.parent / "data.lock").read_text())
    lock["validation"]["sha256"] = "0" * 64
    path = tmp_path / "data.lock"
    path.write_text(json.dumps(lock))
    with pytest.raises(DataError, match="the validation rows are not those of the lock"):
        train_tiny(lock=path)


def test_a_lock_of_another_use_case_is_refused(first: Trained, workdir: Path) -> None:
    with pytest.raises(DataError, match="is a lock of tiny, not of green_taxi"):
        pipeline.train("green_taxi", workdir, lock=first.page.parent / "data.lock", progress=lambda _: None)


def test_a_worse_challenger_is_refused_and_the_champion_stays(train_tiny: Train, workdir: Path) -> None:
    before = champion(workdir)
    messages: list[str] = []
    worse = train_tiny(params=STUMP, progress=messages.append)
    assert not worse.champion
    assert any("against the champion's" in reason for reason in worse.refused)
    assert champion(workdir) == before
    assert messages[-1] == f"scorewatch-tiny {worse.version} is refused: the champion stays"
    challenger = tracking.by_alias(client(workdir), "scorewatch-tiny", "challenger")
    assert challenger is not None
    assert challenger.version == worse.version
    assert "Gate refused" in worse.page.read_text()
    verdict = pipeline.promote(str(TINY), workdir, progress=messages.append)
    assert not verdict.passed
    assert champion(workdir) == before


def test_an_earlier_version_is_promoted_and_exported_again(
    first: Trained, workdir: Path, tmp_path: Path
) -> None:
    assert pipeline.promote(str(TINY), workdir, wanted="1", progress=lambda _: None).passed
    assert champion(workdir) == "1"
    folder = pipeline.export_bundle(str(TINY), "champion", workdir, tmp_path)
    for file in (*bundle.FILES, bundle.MANIFEST):
        assert (folder / file).read_bytes() == (first.bundle / file).read_bytes()


def test_a_changed_artifact_is_not_exported(train_tiny: Train, workdir: Path, tmp_path: Path) -> None:
    trained = train_tiny()
    kept = next((workdir / "mlartifacts").rglob(f"{trained.run_id}/artifacts/bundle/model.onnx"))
    kept.write_bytes(kept.read_bytes() + b"x")
    with pytest.raises(BundleError, match=r"model\.onnx"):
        pipeline.export_bundle(str(TINY), trained.version, workdir, tmp_path)


def test_an_unknown_version_lists_the_known_ones(first: Trained, workdir: Path) -> None:
    with (
        tracking.tracking(workdir, "tiny") as found,
        pytest.raises(RegistryError, match=r"no version 99; versions are 1"),
    ):
        registry.find(found, UseCase.named(str(TINY)), "99")
    assert first.version == "1"


def test_a_run_can_be_registered_again(first: Trained, workdir: Path) -> None:
    again = pipeline.register_run(str(TINY), first.run_id, workdir, progress=lambda _: None)
    assert int(again.version) > 1
    assert again.metrics == first.metrics
    assert not again.champion


def test_artifacts_go_to_s3_if_the_variable_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCOREWATCH_MLFLOW_ARTIFACTS", "s3://artifacts/mlflow")
    with mock_aws():
        boto3.client("s3").create_bucket(Bucket="artifacts")
        trained = pipeline.train(str(TINY), tmp_path, progress=lambda _: None)
        assert pipeline.promote(str(TINY), tmp_path, wanted="1", progress=lambda _: None).passed
        folder = pipeline.export_bundle(str(TINY), "1", tmp_path, tmp_path / "again")
        assert (folder / bundle.MODEL).read_bytes() == (trained.bundle / bundle.MODEL).read_bytes()
        kept = [o["Key"] for o in boto3.client("s3").list_objects_v2(Bucket="artifacts")["Contents"]]
    assert f"mlflow/tiny/{trained.run_id}/artifacts/report/report.html" in kept
    assert not (tmp_path / "mlartifacts").exists()


def test_a_run_with_its_own_registry_leaves_the_shared_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = f"sqlite:///{tmp_path / 'shared.db'}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", shared)
    monkeypatch.setenv("SCOREWATCH_MLFLOW_ARTIFACTS", "s3://shared/mlflow")
    own = tmp_path / "own"
    assert pipeline.train(str(TINY), own, own_registry=True, progress=lambda _: None).champion
    assert not (tmp_path / "shared.db").exists()
    arguments = ["export", "--use-case", str(TINY), "--workdir", str(own), "--own-registry"]
    assert cli.main([*arguments, "--to", str(tmp_path / "to")]) == 0
    assert (tmp_path / "to" / "scorewatch-tiny" / "1" / bundle.MODEL).is_file()
    assert tracking.tracking_uri(own) == shared
