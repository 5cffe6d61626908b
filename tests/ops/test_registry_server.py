"""A bundle of the champion of a remote MLflow server, which keeps the artifacts."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from mlflow import MlflowClient

from contract import bundle
from contract.schema import Contract
from local.traffic import wait_for
from ops import bundles
from tests.ops.test_deploy import MODEL, write_bundle


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """Start an MLflow server with artifacts of its own; return its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    store = ["--backend-store-uri", f"sqlite:///{tmp_path / 'server.db'}"]
    kept = ["--artifacts-destination", str(tmp_path / "kept")]
    place = ["--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    process = subprocess.Popen([sys.executable, "-m", "mlflow", "server", *store, *kept, *place])
    address = f"http://127.0.0.1:{port}"

    def healthy() -> bool | None:
        try:
            return requests.get(f"{address}/health", timeout=5).ok or None
        except requests.ConnectionError:
            return None

    try:
        wait_for("the MLflow server", healthy, seconds=90)
        yield address
    finally:
        process.terminate()
        process.wait()


@pytest.mark.timeout(180)
def test_the_champion_of_a_server_is_exported(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", server)
    monkeypatch.setattr(bundles, "WORK", tmp_path / "here")
    client = MlflowClient(server)
    run = client.create_run(client.create_experiment("green_taxi")).info.run_id
    client.log_artifacts(run, str(write_bundle(tmp_path / "theirs", "1", run)), "bundle")
    client.create_registered_model(MODEL)
    client.create_model_version(MODEL, source=f"runs:/{run}/model", run_id=run)
    client.set_registered_model_alias(MODEL, "champion", "1")

    found = bundles.bundle_directory("green_taxi", None)

    assert Contract.read(found / bundle.CONTRACT).model.run_id == run
    assert (tmp_path / "kept").is_dir(), "the server keeps the artifacts"
