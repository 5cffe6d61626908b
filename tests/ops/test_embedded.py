"""Lookup of a running embedded AWS and of its Terraform state."""

import os
from pathlib import Path

import psutil
import pytest

from ops import __main__ as command_line
from ops import deploy, deployment, embedded
from ops.deployment import DeploymentError
from ops.embedded import Endpoint, Record

URL = "http://127.0.0.1:4599"


def record(folder: Path, url: str = URL, instance: str = "one", region: str = embedded.REGION) -> Record:
    """Write a record of this process."""
    folder.mkdir(parents=True, exist_ok=True)
    found = Record(os.getpid(), psutil.Process().create_time(), url, instance, None, region)
    found.write(folder)
    return found


def apply(endpoint: Endpoint, use_case: str = "green_taxi") -> Path:
    """Leave what an apply leaves."""
    state = endpoint.terraform(use_case).state_file
    state.parent.mkdir(parents=True, exist_ok=True)
    state.write_text('{"lake_bucket": "lake"}')
    (endpoint.state_dir / "work/infra").mkdir(parents=True, exist_ok=True)
    return state


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    folders = (tmp_path / "local", tmp_path / "demo")
    monkeypatch.setattr(embedded, "FOLDERS", folders)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    return folders


def test_state_of_another_instance_is_deleted(tmp_path: Path) -> None:
    first = Endpoint(URL, tmp_path, "one")
    state = apply(first)
    assert Endpoint(URL, tmp_path, "one").terraform("green_taxi").state_file == state
    assert state.is_file()
    assert first.serves("green_taxi")
    later = Endpoint(URL, tmp_path, "two")
    assert not later.serves("green_taxi")
    assert later.terraform("green_taxi").state_file == state
    assert not state.exists()


@pytest.mark.parametrize(
    ("given", "region"),
    [
        ({}, "us-east-1"),
        ({"AWS_REGION": "eu-west-1", "AWS_DEFAULT_REGION": "eu-north-1"}, "eu-west-1"),
        ({"AWS_DEFAULT_REGION": "eu-north-1"}, "eu-north-1"),
        ({"AWS_REGION": "cn-north-1"}, "us-east-1"),
        ({"AWS_REGION": "nowhere"}, "us-east-1"),
    ],
)
def test_the_environments_region_is_used_if_the_emulator_can(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, given: dict[str, str], region: str
) -> None:
    assert folders
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    assert embedded.environment_region() == region


def test_running_instance_keeps_the_region_it_was_started_in(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    record(folders[0], region="eu-west-1")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    found = embedded.status(folders[0])
    assert found is not None
    assert {found.settings["AWS_REGION"], found.settings["AWS_DEFAULT_REGION"]} == {"eu-west-1"}
    assert found.client("s3").meta.region_name == "eu-west-1"


def test_running_instance_is_found_by_its_address(folders: tuple[Path, Path]) -> None:
    assert embedded.find(URL) is None
    record(folders[1])
    assert embedded.find(URL) == embedded.find("http://localhost:4599/") == Endpoint(URL, folders[1], "one")
    assert embedded.find("http://localhost:4566") is None
    assert embedded.find(None) is None


def test_ended_process_is_not_found(folders: tuple[Path, Path]) -> None:
    folders[0].mkdir()
    Record(os.getpid(), 1.0, URL, "one", owner=None).write(folders[0])
    assert embedded.find(URL) is None
    assert embedded.select_running("green_taxi") is None


def test_running_instance_that_serves_the_use_case_is_selected(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    environ: dict[str, str] = {}
    monkeypatch.setattr(os, "environ", environ)
    record(folders[0])
    record(folders[1], "http://127.0.0.1:4600")
    apply(Endpoint("http://127.0.0.1:4600", folders[1], "one"), "white_wine")
    assert embedded.select_running("green_taxi") == Endpoint(URL, folders[0], "one")
    assert environ["AWS_ENDPOINT_URL"] == URL
    environ.clear()
    found = embedded.select_running("white_wine")
    assert found is not None
    assert found.url == environ["AWS_ENDPOINT_URL"] == "http://127.0.0.1:4600"


@pytest.mark.parametrize("name", ["AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_ENDPOINT_URL"])
def test_account_selected_by_the_environment_has_precedence(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    record(folders[0])
    monkeypatch.setenv(name, "mine")
    assert embedded.select_running("green_taxi") is None
    assert os.environ[name] == "mine"
    assert "AWS_REGION" not in os.environ


@pytest.mark.usefixtures("calls")
def test_outputs_of_the_embedded_aws_are_those_of_its_own_state(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    record(folders[0])
    monkeypatch.setenv("AWS_ENDPOINT_URL", URL)
    with pytest.raises(DeploymentError, match="run make local-up USE_CASE=green_taxi"):
        deployment.outputs("green_taxi")
    apply(Endpoint(URL, folders[0], "one"))
    assert deployment.outputs("green_taxi") == {"lake_bucket": "lake"}
    with pytest.raises(DeploymentError, match="takes no images: run make local-up USE_CASE=green_taxi"):
        deploy.deploy("green_taxi")


def test_endpoint_that_does_not_answer_is_named_with_the_fix(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert embedded.find(str(folders)) is None
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "x")
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    assert command_line.main(["audit", "--use-case", "green_taxi"]) == 1
    message = capsys.readouterr().err
    assert "unset AWS_ENDPOINT_URL" in message
    assert message.count("\n") <= 3


@pytest.mark.parametrize(
    "command", [["audit"], ["deploy", "--version", "1"], ["outputs"], ["rollback", "--version", "1"]]
)
@pytest.mark.usefixtures("calls", "folders")
def test_missing_region_is_named_with_the_fix(
    command: list[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config").write_text("[profile bare]\noutput = json\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    monkeypatch.setenv("AWS_PROFILE", "bare")
    assert command_line.main([*command, "--use-case", "green_taxi"]) == 1
    message = capsys.readouterr().err
    assert "export AWS_REGION" in message
    assert message.count("\n") <= 3
