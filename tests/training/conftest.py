"""Fixtures of the training tests: a tiny use case and its work folder."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

# Set before anything imports MLflow.
os.environ["MLFLOW_DISABLE_TELEMETRY"] = "true"

from mlflow.tracking import MlflowClient

from training import pipeline, tracking
from training.pipeline import Trained
from training.use_case import UseCase

TINY = Path(__file__).with_name("tiny.py")


@pytest.fixture(autouse=True)
def _no_chosen_source(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SCOREWATCH_DATA", "SCOREWATCH_SOURCE", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="session")
def tiny() -> UseCase:
    return UseCase.named(str(TINY))


@pytest.fixture(scope="session")
def empty_registry(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return an MLflow database without runs, to copy: creating its tables takes seconds."""
    folder = tmp_path_factory.mktemp("registry")
    MlflowClient(tracking.tracking_uri(folder)).search_experiments()
    return folder / "mlflow.db"


@pytest.fixture(scope="module")
def workdir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a work folder shared by a module's tests.

    Creating MLflow's tables takes seconds.
    """
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="module")
def train_tiny(workdir: Path) -> Callable[..., Trained]:
    return lambda **given: pipeline.train(str(TINY), workdir, **{"progress": lambda _: None, **given})
