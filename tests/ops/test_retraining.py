"""`make retrain` and `make promote` as written, on a lake in moto and a small model named green_taxi."""

import json
import os
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from mlflow import MlflowClient

from ops import deployment
from tests import checkout, documents
from tests.training.conftest import TINY
from tests.training.test_retrain import LAKE, fill
from training import pipeline
from training.pipeline import Trained
from training.use_case import UseCase

FILE = "tests/ops/test_retraining.py"
MODEL = "scorewatch-green-taxi"
Calls = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def folder(aws: str, calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the repository whose green_taxi is small and deployed."""
    assert (aws, calls()) == (aws, [])
    for name in ("SCOREWATCH_DATA", "SCOREWATCH_SOURCE", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)
    copy = checkout.working(tmp_path / "copy")
    small = TINY.read_text().replace('name="tiny"', 'name="green_taxi"')
    (copy / "training/use_cases/green_taxi.py").write_text(small)
    state = copy / "infra/state" / "-".join(deployment.place("green_taxi"))
    state.mkdir(parents=True)
    (state / "terraform.tfstate").write_text(json.dumps({"lake_bucket": LAKE}))
    boto3.client("s3").create_bucket(Bucket=LAKE)
    return copy


@pytest.fixture
def use_case(folder: Path) -> str:
    return str(folder / "training/use_cases/green_taxi.py")


@pytest.fixture
def champion(folder: Path, use_case: str) -> Trained:
    work = folder / ".scorewatch"
    return pipeline.train(use_case, work, own_registry=True, progress=lambda _: None)


def run(command: str, folder: Path) -> str:
    assert documents.RUN_BY[command] == FILE
    done = subprocess.run(
        ["bash", "-ec", command],
        cwd=folder,
        env=dict(os.environ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.timeout(600)
def test_retraining_and_promotion_work_as_written(folder: Path, use_case: str, champion: Trained) -> None:
    assert champion.champion
    # Every price is 20 higher than in training, so the champion's error on the lake is 20.
    start = datetime.now(UTC) - timedelta(hours=3)
    fill(boto3.client("s3"), champion, UseCase.named(use_case), 2_000, shift=20.0, start=start)
    output = run("make retrain", folder)
    assert "labelled records since" in output
    assert f"{MODEL} 2 is champion" in output

    # On the rows of training, the first model is better than the retrained one.
    work = folder / ".scorewatch"
    pipeline.register_run(use_case, champion.run_id, work, progress=lambda _: None)
    output = run("make promote", folder)
    assert "Next: make deploy USE_CASE=green_taxi" in output
    client = MlflowClient(tracking_uri=f"sqlite:///{work / 'mlflow.db'}")
    assert int(client.get_model_version_by_alias(MODEL, "champion").version) == 3
