"""Commands that start, compare and end a shadow, against moto and a fake terraform."""

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest

from contract import layout
from ops import __main__ as command_line
from ops import alias, bundles, deploy, deployment, versions
from ops.deployment import DeploymentError
from tests.ops.conftest import MODEL, Calls
from tests.ops.test_deploy import applies, write_bundle
from tests.ops.test_shadow_compare import START, scored

RELEASE = {"function": f"{MODEL}-predict", "alias": "live"}
FUNCTION = f"{MODEL}-shadow"


@pytest.fixture
def stack(
    account: dict[str, Any], calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """Return the outputs of a stack with model 1, whose functions start; bundles 1 to 3 are here."""
    assert calls() == []
    for version in "123":
        write_bundle(tmp_path / "bundles", version)
    known = account | {
        "release": RELEASE,
        "shadow_function": FUNCTION,
        "delivery_interval_seconds": 60,
        "predict_image": "r:1",
    }
    monkeypatch.setenv("FAKE_OUTPUTS", json.dumps(known))
    monkeypatch.setattr(versions, "is_unfinished", lambda *_: False)
    monkeypatch.setattr(alias, "start_failure", lambda _, function: None if function == FUNCTION else "?")
    deployment.stack("green_taxi").apply({"use_case": "green_taxi", "model_version": "1"})
    return known


def run(*arguments: str) -> int:
    return command_line.main([*arguments, "--use-case", "green_taxi"])


def registered(monkeypatch: pytest.MonkeyPatch, challenger: str | None, champion: str | None) -> None:
    monkeypatch.setattr(bundles, "challenger", lambda _: challenger)
    monkeypatch.setattr(bundles, "champion", lambda _: champion)


@pytest.mark.usefixtures("stack")
def test_the_challenger_goes_into_shadow_and_everything_live_stays(
    calls: Calls, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    registered(monkeypatch, "2", "1")
    before = datetime.now(UTC).replace(microsecond=0)
    assert run("shadow", "--hours", "3") == 0
    *_, wanted = applies(calls())
    shadow = wanted.pop("shadow")
    assert wanted == {
        "use_case": "green_taxi",
        "environment": "",
        "model_version": "1",
        "id_column": None,
        "predict_image": "r:1",
    }
    assert (shadow["model_version"], shadow["image"]) == ("2", None)
    since = datetime.fromisoformat(shadow["since"])
    assert timedelta(0) <= since - (before - timedelta(hours=3)) < timedelta(minutes=1)
    keys = {item["Key"] for item in boto3.client("s3").list_objects_v2(Bucket="artifacts")["Contents"]}
    assert f"models/{MODEL}/2/manifest.json" in keys
    assert "Model 2 is in shadow" in capsys.readouterr().out


@pytest.mark.usefixtures("stack")
def test_other_commands_keep_the_shadow_until_it_is_ended(
    calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("shadow", "--version", "2", "--image", "r:2") == 0
    *_, first = applies(calls())
    assert first["shadow"]["image"] == "r:2"
    rolled: list[dict[str, Any]] = []
    monkeypatch.setattr(versions, "roll", lambda _, wanted, *__, **___: rolled.append(wanted))
    deploy.release("green_taxi", "3", None, deploy.Plan())
    assert rolled[0]["shadow"] == first["shadow"]
    monkeypatch.setenv("FAKE_CONSOLE", json.dumps({"var.image_repositories": False}))
    deploy.deploy("green_taxi", "3")
    assert rolled[1]["shadow"] == first["shadow"], "also if the images are not ours"
    assert run("shadow", "--off") == 0
    assert applies(calls())[-1]["shadow"] is None
    assert run("shadow", "--off") == 1


@pytest.mark.parametrize(("challenger", "champion", "expected"), [(None, "2", "2"), ("1", "3", "3")])
@pytest.mark.usefixtures("stack")
def test_without_a_challenger_the_champion_that_is_not_live_goes_into_shadow(
    calls: Calls, monkeypatch: pytest.MonkeyPatch, challenger: str | None, champion: str, expected: str
) -> None:
    registered(monkeypatch, challenger, champion)
    assert run("shadow") == 0
    assert applies(calls())[-1]["shadow"]["model_version"] == expected


@pytest.mark.usefixtures("stack")
def test_without_a_candidate_nothing_is_applied(
    calls: Calls, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    registered(monkeypatch, None, "1")
    before = len(applies(calls()))
    assert run("shadow") == 1
    assert "name a version, make shadow VERSION=..." in capsys.readouterr().err
    assert len(applies(calls())) == before


@pytest.mark.usefixtures("stack")
def test_during_a_release_nothing_is_applied(calls: Calls, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(versions, "is_unfinished", lambda *_: True)
    before = len(applies(calls()))
    assert run("shadow", "--version", "2") == 1
    assert len(applies(calls())) == before


@pytest.mark.usefixtures("stack")
def test_a_shadow_that_does_not_start_is_removed(
    calls: Calls, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(alias, "start_failure", lambda *_: "it does not start: BundleError: changed")
    assert run("shadow", "--version", "2") == 1
    *_, first, second = applies(calls())
    assert (first["shadow"]["model_version"], second["shadow"]) == ("2", None)
    assert "it does not start: BundleError: changed. See the log of" in capsys.readouterr().err


@pytest.mark.usefixtures("stack")
def test_compare_reads_both_prefixes_of_the_lake(capsys: pytest.CaptureFixture[str]) -> None:
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="lake")
    assert run("shadow-compare") == 1
    assert "no model in shadow" in capsys.readouterr().err
    hour = datetime.now(UTC) - timedelta(hours=2)
    first = int((hour - START).total_seconds()) + 1
    numbers = range(first, first + 20)
    settings = {"model_version": "2", "since": f"{hour:%Y-%m-%dT%H:%M:%SZ}", "image": None}
    deployment.stack("green_taxi").apply({"use_case": "green_taxi", "model_version": "1", "shadow": settings})
    for version in "12":
        deploy.store.upload(s3, "artifacts", bundles.bundle_directory("green_taxi", version))
    for root, version, value in ((layout.PREDICTIONS, "1", 1.0), (layout.SHADOW, "2", 1.5)):
        lines = b"\n".join(scored(number, version, value) for number in numbers)
        s3.put_object(Bucket="lake", Key=f"{layout.hour_prefix(root, hour)}a", Body=lines)
    labels = "".join(json.dumps({"ride_id": f"R{n}", "duration": 1.0}) + "\n" for n in numbers)
    s3.put_object(Bucket="lake", Key=f"{layout.hour_prefix(layout.GROUND_TRUTH, hour)}a", Body=labels)
    capsys.readouterr()
    assert run("shadow-compare") == 0
    page = capsys.readouterr().out
    assert "Scored by both: 20, of which 0.0% have the same prediction" in page
    assert re.search(r"rmse on 20 labels +0 +0\.5\n", page)
    assert run("shadow-compare", "--hours", "1") == 0
    assert "Nothing was scored by both yet" in capsys.readouterr().out


def test_a_stack_without_versions_has_no_shadow(account: dict[str, Any], calls: Calls) -> None:
    assert account
    assert calls() == []
    deployment.stack("green_taxi").apply({"use_case": "green_taxi", "model_version": "1"})
    with pytest.raises(DeploymentError, match="is not finished"):
        command_line.shadow.start("green_taxi", "2")
