"""Deployment commands of the documents, run as written against moto and fake docker and terraform."""

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from mlflow import MlflowClient

from tests import checkout, documents
from tests.ops.test_deploy import MODEL, write_bundle
from tests.training.conftest import TINY
from training import pipeline

FILE = "tests/ops/test_documents.py"
Calls = Callable[[], list[dict[str, Any]]]
# The order of a user's work; each is checked to be in the documents.
COMMANDS = (
    ".venv/bin/python -m ops deploy --use-case green_taxi --version 7",
    "make deploy USE_CASE=green_taxi",
    "make deploy",
    "make deploy ENVIRONMENT=dev",
    ".venv/bin/python -m ops outputs --use-case green_taxi",
    "make rollback USE_CASE=green_taxi VERSION=6",
    "make rollback USE_CASE=green_taxi VERSION=3",
    "make destroy",
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of the repository with bundles 3, 6 and 7, of which 7 is champion."""
    copy = checkout.working(tmp_path / "copy")
    work = copy / ".scorewatch"
    client = MlflowClient(tracking_uri=f"sqlite:///{work / 'mlflow.db'}")
    trained = pipeline.train(str(TINY), tmp_path / "tiny", own_registry=True, progress=lambda _: None)
    experiment = client.create_experiment("green_taxi", (work / "mlartifacts").as_uri())
    run = client.create_run(experiment).info.run_id
    client.log_artifacts(run, str(trained.bundle), "bundle")
    for version in ("3", "6", "7"):
        write_bundle(work / "bundles", version, run)
    client.create_registered_model(MODEL)
    for _ in range(7):
        client.create_model_version(MODEL, source=str(work), run_id=run)
    client.set_registered_model_alias(MODEL, "champion", "7")
    return copy


def test_commands_are_those_of_the_documents() -> None:
    found = {
        command
        for _, command in documents.every()
        if documents.RUN_BY.get(documents.entry(command, documents.RUN_BY) or "") == FILE
    }
    assert found - {"make rollback"} == set(COMMANDS)


@pytest.mark.timeout(900)
def test_deployment_commands_work_as_written(
    folder: Path, aws: str, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert aws
    boto3.client("s3").create_bucket(Bucket="artifacts")
    outputs = {"artifact_bucket": "artifacts", "lake_bucket": "lake", "region": "us-east-1"}
    outputs |= {"model_name": MODEL, "input_stream": f"{MODEL}-input", "predict_function": f"{MODEL}-predict"}
    for part in ("predict", "monitor"):
        made = boto3.client("ecr").create_repository(repositoryName=f"{MODEL}-{part}")
        outputs[f"{part}_repository_url"] = made["repository"]["repositoryUri"]
    monkeypatch.setenv("FAKE_OUTPUTS", json.dumps(outputs))
    earlier = [
        f".venv/bin/python -m ops deploy --use-case green_taxi --version {number}" for number in (3, 6)
    ]
    for command in (*earlier, *COMMANDS):
        done = subprocess.run(
            ["bash", "-ec", command],
            cwd=folder,
            env=dict(os.environ),
            input="green_taxi\n",  # make destroy asks for it
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    applied = [call["variables"]["model_version"] for call in calls() if call["arguments"][0] == "apply"]
    assert applied == ["3", "3", "6", "7", "7", "7", "7", "7", "6", "3", "3"]
    assert calls()[-1]["arguments"][0] == "destroy"
    client = MlflowClient(tracking_uri=f"sqlite:///{folder / '.scorewatch/mlflow.db'}")
    assert int(client.get_model_version_by_alias(MODEL, "champion").version) == 3
