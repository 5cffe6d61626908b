import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from mlflow import MlflowClient

from contract import bundle
from contract.bundle import BundleError
from contract.schema import Contract, DataRef, DType, Feature, Kind, ModelRef, Target, Task
from ops import __main__ as command_line
from ops import bundles, deploy, deployment
from ops.audit import Audit
from ops.deployment import DeploymentError
from tests.ops.conftest import MODEL

Calls = Callable[[], list[dict[str, Any]]]


def write_bundle(bundles: Path, version: str, run_id: str = "run") -> Path:
    directory = bundles / MODEL / version
    directory.mkdir(parents=True)
    contract = Contract(
        use_case="green_taxi",
        task=Task.REGRESSION,
        id_field="ride_id",
        payload_field="ride",
        features=[Feature(name="trip_distance", kind=Kind.NUMERIC, dtype=DType.FLOAT)],
        target=Target(name="duration"),
        model=ModelRef(name=MODEL, version=version, run_id=run_id),
        data=DataRef(source="made up", sha256="0" * 64, rows=2),
    )
    (directory / bundle.CONTRACT).write_bytes(contract.to_json())
    pq.write_table(pa.table({"trip_distance": [2.5, 4.0]}), directory / bundle.REFERENCE)
    for file in (bundle.MODEL, bundle.THRESHOLDS, bundle.METRICS):
        (directory / file).write_text(f"{file} of {version}")
    bundle.write_manifest(directory, MODEL, version)
    return directory


def applies(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [call["variables"] for call in calls if call["arguments"][0] == "apply"]


def test_first_deployment_applies_foundations_then_images_then_functions(
    account: dict[str, Any], calls: Calls, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_bundle(tmp_path / "bundles", "1")
    deploy.deploy("green_taxi", "1")

    foundations, everything = applies(calls())
    assert foundations == {
        "use_case": "green_taxi",
        "environment": "",
        "model_version": "1",
        "id_column": "ride_id",
    }
    assert everything["id_column"] == "ride_id"
    for part in ("predict", "monitor"):
        image = everything[f"{part}_image"]
        assert image.startswith(f"{account[f'{part}_repository_url']}@sha256:")
    steps = [call["arguments"][0] for call in calls() if call["arguments"][0] in {"apply", "build", "push"}]
    assert steps == ["apply", "build", "push", "build", "push", "apply"]
    assert all("linux/arm64" in call["arguments"] for call in calls() if call["arguments"][0] == "build"), (
        "the platform follows the architecture variable"
    )

    keys = {item["Key"] for item in boto3.client("s3").list_objects_v2(Bucket="artifacts")["Contents"]}
    assert f"models/{MODEL}/1/manifest.json" in keys
    assert '\'{"ride_id": "sample-1", "ride": {"trip_distance": 2.5}}\'' in capsys.readouterr().out


def test_next_deployment_applies_once_and_reuses_images(
    account: dict[str, Any], calls: Calls, tmp_path: Path
) -> None:
    assert account
    for version in ("1", "2"):
        write_bundle(tmp_path / "bundles", version)
        deploy.deploy("green_taxi", version)
    *_, first, second = applies(calls())
    assert len(applies(calls())) == 3
    assert (first["model_version"], second["model_version"]) == ("1", "2")
    assert first["predict_image"] == second["predict_image"]


def test_images_in_own_repositories_are_neither_built_nor_replaced(
    account: dict[str, Any], calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = {name: value for name, value in account.items() if not name.endswith("_repository_url")}
    images = {f"{part}_image": f"registry.example/{part}:1" for part in ("predict", "monitor")}
    monkeypatch.setenv("FAKE_OUTPUTS", json.dumps(own | images))
    monkeypatch.setenv("FAKE_CONSOLE", json.dumps({"var.image_repositories": False}))
    for version in ("1", "2"):
        write_bundle(tmp_path / "bundles", version)
        deploy.deploy("green_taxi", version)
    deploy.rollback("green_taxi", "1")

    assert {call["command"] for call in calls()} == {"terraform"}
    assert [set(variables) for variables in applies(calls())] == 4 * [
        {"use_case", "environment", "model_version", "id_column"}
    ]


def test_rollback_changes_only_the_version(account: dict[str, Any], calls: Calls, tmp_path: Path) -> None:
    assert account
    for version in ("1", "2"):
        write_bundle(tmp_path / "bundles", version)
        deploy.deploy("green_taxi", version)
    deploy.rollback("green_taxi", "1")
    *_, before, after = applies(calls())
    assert before | {"model_version": "1"} == after
    with pytest.raises(DeploymentError, match="already serves version 1"):
        deploy.rollback("green_taxi", "1")


def test_rollback_to_a_missing_version_changes_nothing(
    account: dict[str, Any], calls: Calls, tmp_path: Path
) -> None:
    assert account
    write_bundle(tmp_path / "bundles", "1")
    deploy.deploy("green_taxi", "1")
    before = len(applies(calls()))
    with pytest.raises(BundleError, match=r"models/scorewatch-green-taxi/9/manifest\.json does not exist"):
        deploy.rollback("green_taxi", "9")
    assert len(applies(calls())) == before


def test_destroy_asks_for_confirmation(
    account: dict[str, Any], calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert account
    write_bundle(tmp_path / "bundles", "1")
    deploy.deploy("green_taxi", "1")
    monkeypatch.setattr("builtins.input", lambda _: "yes")
    with pytest.raises(DeploymentError, match="nothing was removed"):
        deploy.destroy("green_taxi")
    assert "destroy" not in [call["arguments"][0] for call in calls()]

    monkeypatch.setattr("builtins.input", lambda _: "green_taxi")
    deploy.destroy("green_taxi")
    apply, destroy = [call for call in calls() if call["command"] == "terraform"][-2:]
    assert apply["arguments"][0] == "apply"
    assert apply["variables"]["force_destroy"] is True
    assert apply["variables"]["predict_image"] is not None
    assert destroy["arguments"][0] == "destroy"
    with pytest.raises(DeploymentError, match="not deployed here"):
        deploy.destroy("green_taxi", sure=True)


def test_states_are_separate_per_account_region_and_use_case(account: dict[str, Any], calls: Calls) -> None:
    assert account
    assert calls() == []
    green, wine = deployment.stack("green_taxi"), deployment.stack("white_wine")
    assert green.state_dir.name.endswith("-123456789012-us-east-1-green_taxi")
    assert green.state_dir != wine.state_dir
    with pytest.raises(DeploymentError, match="make deploy USE_CASE=white_wine"):
        deployment.outputs("white_wine")


def test_user_backend_gets_one_key_per_account_region_and_use_case(
    account: dict[str, Any], calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert account
    root = tmp_path / "root"
    root.mkdir()
    (root / "backend_override.tf").write_text(
        'terraform {\n  backend "s3" {\n    bucket = "states"\n  }\n}\n'
    )
    monkeypatch.setattr(deployment, "ROOT", root)
    deployment.stack("green_taxi").outputs()
    init, output = (call["arguments"] for call in calls())
    (key,) = [argument for argument in init if argument.startswith("-backend-config=key=scorewatch/")]
    assert key.endswith("/123456789012/us-east-1/green_taxi.tfstate")
    assert not [argument for argument in output if argument.startswith("-state")]


def test_without_a_region_or_credentials_the_fix_is_named(aws: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert aws
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    with pytest.raises(DeploymentError, match="export AWS_REGION"):
        deployment.identity()
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    assert deployment.identity() == ("123456789012", "us-east-1")
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/nowhere")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    with pytest.raises(DeploymentError, match="set AWS_PROFILE"):
        deployment.identity()


def test_champion_is_read_from_the_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundles, "WORK", tmp_path)
    assert bundles.champion(MODEL) is None
    client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'mlflow.db'}")
    assert bundles.champion(MODEL) is None
    client.create_registered_model(MODEL)
    for _ in range(2):
        client.create_model_version(MODEL, source=str(tmp_path))
    assert bundles.champion(MODEL) is None
    client.set_registered_model_alias(MODEL, "champion", "2")
    assert bundles.champion(MODEL) == "2"


def test_missing_bundle_is_an_error_with_the_train_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundles, "WORK", tmp_path)
    with pytest.raises(BundleError, match="make train USE_CASE=green_taxi"):
        bundles.bundle_directory("green_taxi", "3")
    written = write_bundle(tmp_path / "bundles", "3")
    assert bundles.bundle_directory("green_taxi", "3") == written


def test_a_bundle_that_is_not_here_is_exported_from_the_registry_that_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two registries have a version 1: that of the champion's run is deployed, not the one of that number."""
    monkeypatch.setattr(bundles, "WORK", tmp_path / "here")
    client = MlflowClient(tracking_uri=f"sqlite:///{tmp_path / 'remote.db'}")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'remote.db'}")
    experiment = client.create_experiment("green_taxi", (tmp_path / "remote").as_uri())
    run = client.create_run(experiment).info.run_id
    client.log_artifacts(run, str(write_bundle(tmp_path / "theirs", "1", run)), "bundle")
    client.create_registered_model(MODEL)
    client.create_model_version(MODEL, source=str(tmp_path), run_id=run)
    client.set_registered_model_alias(MODEL, "champion", "1")
    write_bundle(tmp_path / "here/bundles", "1")

    for version in (None, "1"):
        found = bundles.bundle_directory("green_taxi", version)
        assert found == tmp_path / "here/bundles" / MODEL / "1"
        assert Contract.read(found / bundle.CONTRACT).model.run_id == run
    printed = capsys.readouterr().out
    assert printed.count("Export scorewatch-green-taxi 1 from the registry sqlite:///") == 1

    bare = client.create_run(experiment).info.run_id
    client.create_model_version(MODEL, source=str(tmp_path), run_id=bare)
    with pytest.raises(DeploymentError, match=r"2 can't be exported: run .* has no artifact bundle"):
        bundles.bundle_directory("green_taxi", "2")


def test_command_line_prints_expected_errors_without_traceback(
    account: dict[str, Any], calls: Calls, capsys: pytest.CaptureFixture[str]
) -> None:
    assert account
    assert calls() == []
    assert command_line.main(["rollback", "--use-case", "green_taxi", "--version", "1"]) == 1
    assert "make deploy USE_CASE=green_taxi" in capsys.readouterr().err


def test_audit_reads_the_region_that_terraform_uses(
    account: dict[str, Any], calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert account
    assert calls() == []
    regions = []

    def audit(kinesis: Any, s3: Any, *_: Any) -> Audit:
        regions.append((kinesis.meta.region_name, s3.meta.region_name))
        return Audit(received=0, scored=0, rejected=0, given_up=0, duplicated=0, missing=[])

    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setattr(command_line.audit, "audit", audit)
    monkeypatch.setattr(deployment, "outputs", lambda _: {"input_stream": "input", "lake_bucket": "lake"})
    assert command_line.main(["audit", "--use-case", "green_taxi"]) == 0
    assert regions == [("eu-west-1", "eu-west-1")]
