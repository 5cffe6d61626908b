"""Commands that release, against moto and a fake terraform."""

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from ops import __main__ as command_line
from ops import deploy, deployment, versions
from ops.canary import Plan
from ops.deployment import DeploymentError
from tests.ops.conftest import MODEL, Calls
from tests.ops.test_deploy import applies, write_bundle

RELEASE = {"function": f"{MODEL}-predict", "alias": "live"}


def test_a_stack_that_scores_receives_a_change_by_a_canary(
    account: dict[str, Any], calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rolled: list[tuple[dict[str, Any], dict[str, Any], Plan]] = []
    monkeypatch.setattr(versions, "roll", lambda _, *arguments: rolled.append(arguments))
    for version in ("1", "2"):
        write_bundle(tmp_path / "bundles", version)
        deploy.deploy("green_taxi", version)
        monkeypatch.setenv("FAKE_OUTPUTS", json.dumps(account | {"release": RELEASE}))
        deployment.stack("green_taxi").apply(applies(calls())[-1])
    [(wanted, known, plan)] = rolled
    assert (wanted["model_version"], known["model_version"]) == ("2", "1")
    assert wanted["predict_image"] == known["predict_image"]
    assert plan == Plan(percent=10, minutes=10)

    assert command_line.main(["release", "--use-case", "green_taxi", "--image", "r:2", "--minutes", "5"]) == 0
    wanted, known, plan = rolled[1]
    assert wanted == {name: known[name] for name in wanted} | {"predict_image": "r:2"}
    assert plan == Plan(percent=10, minutes=5)
    keys = {item["Key"] for item in boto3.client("s3").list_objects_v2(Bucket="artifacts")["Contents"]}
    assert f"models/{MODEL}/2/manifest.json" in keys


def test_a_release_of_an_image_needs_our_repositories(
    account: dict[str, Any], calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert calls() == []
    own = {name: value for name, value in account.items() if not name.endswith("_repository_url")}
    monkeypatch.setenv("FAKE_OUTPUTS", json.dumps(own | {"release": RELEASE}))
    monkeypatch.setenv("FAKE_CONSOLE", json.dumps({"var.image_repositories": False}))
    deployment.stack("green_taxi").apply({"use_case": "green_taxi", "model_version": "1"})
    assert tmp_path.is_dir()
    with pytest.raises(DeploymentError, match="change predict_image there"):
        deploy.release("green_taxi", None, "r:2", Plan())


@pytest.mark.parametrize("option", ["--percent=0", "--percent=51", "--minutes=-1", "--minutes=inf"])
def test_a_canary_out_of_range_is_refused(option: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        command_line.main(["release", "--use-case", "green_taxi", option])
    assert "must be" in capsys.readouterr().err
