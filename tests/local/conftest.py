"""Bundles of a synthetic model on disk."""

from pathlib import Path

import pytest

from contract import bundle
from local import serve
from ops import bundles
from tests.lambda_predict import synthetic

NAME = "scorewatch-green-taxi"


@pytest.fixture(scope="session")
def model() -> synthetic.Model:
    return synthetic.regression()


@pytest.fixture
def exported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: synthetic.Model) -> Path:
    """Return a work folder with the bundles of three versions."""
    monkeypatch.setattr(serve, "WORK", tmp_path)
    monkeypatch.setattr(bundles, "WORK", tmp_path)
    onnx = synthetic.onnx(model.contract, synthetic.Ridge(), lambda frame: frame["trip_distance"])
    for version in ("1", "2", "10"):
        folder = tmp_path / "bundles" / NAME / version
        folder.mkdir(parents=True)
        for file in bundle.FILES:
            (folder / file).write_bytes(b"{}")
        (folder / bundle.CONTRACT).write_bytes(model.contract.to_json())
        (folder / bundle.MODEL).write_bytes(onnx)
        bundle.write_manifest(folder, NAME, version)
    return tmp_path
