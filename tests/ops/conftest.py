"""Fake docker and terraform commands that log their calls, and a moto server."""

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from moto.server import ThreadedMotoServer

from ops import bundles, deployment

FAKES = Path(__file__).with_name("fakes")

Calls = Callable[[], list[dict[str, Any]]]
MODEL = "scorewatch-green-taxi"


@pytest.fixture
def calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Calls:
    """Put the fakes on PATH; return their calls so far, oldest first."""
    log = tmp_path / "calls.jsonl"
    log.touch()
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("docker", "terraform"):
        command = folder / name
        command.write_text(f'#!/bin/sh\nexec {sys.executable} {FAKES / f"{name}.py"} "$@"\n')
        command.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")
    monkeypatch.setenv("FAKE_CALLS", str(log))
    return lambda: [json.loads(line) for line in log.read_text().splitlines()]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Start an empty moto server, which the fake docker can also reach; return its address."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    monkeypatch.setenv("AWS_ENDPOINT_URL", address)
    monkeypatch.delenv("AWS_REGION", raising=False)
    requests.post(f"{address}/moto-api/reset", timeout=10).raise_for_status()
    yield address
    server.stop()


@pytest.fixture
def account(aws: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Return the outputs of a deployed stack, its resources made in moto."""
    assert aws
    ecr = boto3.client("ecr")
    boto3.client("s3").create_bucket(Bucket="artifacts")
    outputs = {
        "artifact_bucket": "artifacts",
        "lake_bucket": "lake",
        "region": "us-east-1",
        "model_name": MODEL,
        "input_stream": f"{MODEL}-input",
        "predict_function": f"{MODEL}-predict",
    }
    for part in ("predict", "monitor"):
        url = ecr.create_repository(repositoryName=f"{MODEL}-{part}")["repository"]["repositoryUri"]
        outputs[f"{part}_repository_url"] = url
    monkeypatch.setenv("FAKE_OUTPUTS", json.dumps(outputs))
    monkeypatch.setattr(deployment, "STATES", tmp_path / "states")
    monkeypatch.setattr(bundles, "WORK", tmp_path)
    return outputs
