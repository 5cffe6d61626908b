"""A champion that can't be served, or that takes other records, is never set or compared unnoticed."""

import json
import shutil
from pathlib import Path

import boto3
import pandas as pd
import pytest
from moto import mock_aws

from contract import bundle
from contract.bundle import BundleError
from tests.training.conftest import TINY
from training import cli, export, pipeline, serving, tracking
from training.calibration import resampling
from training.data import DataError
from training.pipeline import Trained
from training.retrain import retrain
from training.tracking import RegistryError

TEXT = TINY.read_text()
CHANGES = {
    'Feature(name="colour", kind=Kind.CATEGORICAL, dtype=DType.STR),': (
        'Feature(name="colour", kind=Kind.CATEGORICAL, dtype=DType.INT),',
        "feature colour was categorical str, is categorical int",
    ),
    '        Feature(name="colour"': (
        '        Feature(name="weight", kind=Kind.NUMERIC, dtype=DType.FLOAT),\n'
        '        Feature(name="colour"',
        "feature weight is new",
    ),
    'target=Target(name="price", decimals=2)': (
        'target=Target(name="cost", decimals=2)',
        "target was price, is cost",
    ),
}
# Rows that fit every one of the changed declarations.
VALUES = 'raw.assign(weight=1.0, cost=raw["price"]'


@pytest.fixture(autouse=True)
def _few_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resampling, "DRAWS", 1_000)


@pytest.fixture
def work(tmp_path: Path, empty_registry: Path) -> Path:
    """Return a work folder with a champion, version 1."""
    shutil.copy(empty_registry, tmp_path / "mlflow.db")
    (tmp_path / "tiny.py").write_text(TEXT)
    assert train(tmp_path).champion
    return tmp_path


def train(work: Path) -> Trained:
    return pipeline.train(str(work / "tiny.py"), work, progress=lambda _: None)


def champion(work: Path) -> str | None:
    with tracking.tracking(work, "tiny") as client:
        found = tracking.by_alias(client, "scorewatch-tiny", "champion")
    return found.version if found else None


def rewrite(work: Path, old: str, new: str) -> None:
    code = "0" if "DType.INT" in new else 'raw["colour"]'
    rules = '"cost": pa' if "cost" in new else '"price": pa'
    text = (
        TEXT.replace(old, new)
        .replace('"price": pa', rules)
        .replace("lambda raw: raw", f"lambda raw: {VALUES}, colour={code})")
    )
    (work / "tiny.py").write_text(text)


@pytest.mark.parametrize("old", CHANGES)
def test_a_changed_contract_is_refused_with_the_change_and_the_fix(work: Path, old: str) -> None:
    new, change = CHANGES[old]
    rewrite(work, old, new)
    second = train(work)
    assert not second.champion
    [reason] = second.refused
    assert f"the contract changed since the champion: {change}" in reason
    assert "promote with --anyway, or give the use case another name" in reason
    assert champion(work) == "1"
    anyway = ["promote", "--use-case", str(work / "tiny.py"), "--workdir", str(work), "--anyway"]
    assert cli.main(anyway) == 0
    assert champion(work) == "2"


def test_a_version_of_another_contract_is_not_judged_by_the_changed_file(work: Path) -> None:
    old = '        Feature(name="colour"'
    rewrite(work, old, CHANGES[old][0])
    second = train(work)
    (work / "tiny.py").write_text(TEXT)
    with pytest.raises(
        RegistryError, match=r"trained before the use case changed \(feature weight is gone\)"
    ):
        pipeline.promote(str(work / "tiny.py"), work, wanted=second.version, progress=lambda _: None)


def test_retraining_after_a_changed_contract_is_refused(work: Path) -> None:
    old = '        Feature(name="colour"'
    rewrite(work, old, CHANGES[old][0])
    with mock_aws():
        s3 = boto3.client("s3")
        with pytest.raises(DataError, match=r"changed since champion 1 \(feature weight is new\)"):
            retrain(str(work / "tiny.py"), s3, "lake", work, progress=lambda _: None)


def test_a_bundle_the_scorer_cannot_load_never_becomes_champion(
    work: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Categories are booleans, which no contract may have."""
    written = export.make_contract

    class Broken:
        def __init__(self, contract: object) -> None:
            self.contract = contract

        def __getattr__(self, name: str) -> object:
            return getattr(self.contract, name)

        def to_json(self) -> bytes:
            found = json.loads(self.contract.to_json())  # type: ignore[attr-defined] # a contract
            found["features"][1]["categories"] = [True, False]
            return json.dumps(found).encode()

    def make(*given: object) -> Broken:
        return Broken(written(*given))  # type: ignore[arg-type] # passed on

    monkeypatch.setattr(export, "make_contract", make)
    second = train(work)
    assert not second.champion
    [reason] = second.refused
    assert "the scorer can't serve the bundle" in reason
    assert "contract.json can't be read" in reason
    assert champion(work) == "1"
    anyway = ["promote", "--use-case", str(work / "tiny.py"), "--workdir", str(work), "--anyway"]
    assert cli.main(anyway) == 1
    assert champion(work) == "1"


def stored(work: Path, version: str, file: str) -> Path:
    with tracking.tracking(work, "tiny") as client:
        run_id = client.get_model_version("scorewatch-tiny", version).run_id
    return next((work / "mlartifacts").rglob(f"{run_id}/artifacts/bundle/{file}"))


@pytest.mark.parametrize("command", ["promote", "rollback"])
def test_a_damaged_bundle_is_not_promoted(
    work: Path, command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    second = train(work)
    assert champion(work) == second.version == "2"
    stored(work, "1", bundle.MODEL).write_bytes(b"not a model")
    arguments = [command, "--use-case", str(work / "tiny.py"), "--workdir", str(work), "--version", "1"]
    code = cli.main(arguments)
    captured = capsys.readouterr()
    assert "model.onnx" in captured.out + captured.err
    assert code == (3 if command == "promote" else 1)
    assert champion(work) == "2"


def test_a_model_that_differs_from_the_reference_is_not_served(work: Path) -> None:
    folder = work / "bundles" / "scorewatch-tiny" / "1"
    assert serving.check(folder) == 100
    contract = json.loads((folder / bundle.CONTRACT).read_text())
    contract["target"]["decimals"] = 0
    (folder / bundle.CONTRACT).write_text(json.dumps(contract))
    bundle.write_manifest(folder, "scorewatch-tiny", "1")
    with pytest.raises(BundleError, match=r"predictions differ from those of the reference"):
        serving.check(folder)


def test_a_record_the_scorer_rejects_is_reported_with_its_field(work: Path) -> None:
    folder = work / "bundles" / "scorewatch-tiny" / "1"
    contract = json.loads((folder / bundle.CONTRACT).read_text())
    contract["features"][0]["derived"] = {"operation": "log", "of": ["metres"]}
    contract["inputs"] = [{"name": "metres", "dtype": "float"}]
    (folder / bundle.CONTRACT).write_text(json.dumps(contract))
    pd.read_parquet(folder / bundle.REFERENCE).assign(**{"@metres": -1.0}).to_parquet(
        folder / bundle.REFERENCE
    )
    bundle.write_manifest(folder, "scorewatch-tiny", "1")
    words = "the scorer rejects 100 of 100 reference rows .* since thing.size is undefined"
    with pytest.raises(BundleError, match=words):
        serving.check(folder)


def test_a_model_that_takes_other_types_than_the_contract_is_not_served(work: Path) -> None:
    folder = work / "bundles" / "scorewatch-tiny" / "1"
    contract = json.loads((folder / bundle.CONTRACT).read_text())
    contract["features"][0].update(kind="categorical", dtype="str", minimum=None, maximum=None)
    (folder / bundle.CONTRACT).write_text(json.dumps(contract))
    bundle.write_manifest(folder, "scorewatch-tiny", "1")
    with pytest.raises(BundleError, match="declares feature 'size' as str, which the model does not take"):
        serving.check(folder)


def test_a_champion_whose_artifacts_are_gone_is_named(work: Path) -> None:
    with tracking.tracking(work, "tiny") as client:
        source = client.get_model_version("scorewatch-tiny", "1").source
        folder = Path(
            str(client.get_model_version_download_uri("scorewatch-tiny", "1")).removeprefix("file://")
        )
    assert source
    folder.rename(folder.with_name("moved"))
    with pytest.raises(RegistryError, match=r"the model of scorewatch-tiny 1 can't be loaded"):
        train(work)
