"""Commands of `python -m local`, the demo and the report site, without an emulator."""

import os
import signal
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from local import __main__ as command_line
from local import demo, images, report_site, stack
from ops import bundles, deploy, embedded
from ops.deployment import DeploymentError
from ops.embedded import Endpoint, Record
from training import pipeline

URL = "http://127.0.0.1:4599"


class TrainedError(DeploymentError):
    """Ends a demo after its training."""


@pytest.fixture
def folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    found = (tmp_path / "local", tmp_path / "demo/local")
    monkeypatch.setattr(embedded, "FOLDERS", found)
    monkeypatch.setattr(embedded, "DEMO", found[1])
    monkeypatch.setattr(stack, "STATE", found[0])
    monkeypatch.setattr(images, "WORK", tmp_path)
    monkeypatch.setattr(demo, "WORKDIR", tmp_path / "demo")
    return found


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Path, bool]]:
    """Return each training's work folder and whether it used its own registry; each then fails."""
    found: list[tuple[Path, bool]] = []

    def train(_: str, workdir: Path, *, own_registry: bool = False, **__: Any) -> None:
        found.append((workdir, own_registry))
        raise TrainedError

    monkeypatch.setattr(pipeline, "train", train)
    return found


def running(folder: Path) -> None:
    """Record this process as the embedded AWS of the folder."""
    folder.mkdir(parents=True)
    Record(os.getpid(), psutil.Process().create_time(), URL, "one", owner=os.getpid()).write(folder)


def test_demo_trains_into_its_own_registry(
    folders: tuple[Path, Path], trainings: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://shared.example")
    for _ in range(2):
        with pytest.raises(TrainedError):
            demo.run("green_taxi")
    assert trainings == [(folders[1].parent, True)] * 2
    assert os.environ["MLFLOW_TRACKING_URI"] == "http://shared.example"
    assert (tmp_path / "demo/cache").resolve() == tmp_path / "cache"


def test_second_demo_is_refused_before_it_trains(
    folders: tuple[Path, Path], trainings: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    running(folders[1])
    assert command_line.main(["demo"]) == 1
    message = capsys.readouterr().err
    assert f"{URL}, process {os.getpid()}" in message
    assert f"kill {os.getpid()}" in message
    assert trainings == []


@pytest.fixture
def applied(monkeypatch: pytest.MonkeyPatch, folders: tuple[Path, Path]) -> list[Any]:
    found: list[Any] = []

    def apply(endpoint: Endpoint, bundle_dir: Path) -> dict[str, str]:
        found.append((endpoint, bundle_dir))
        return {"input_stream": "in", "model_version": "7"}

    monkeypatch.setattr(stack, "start", lambda: Endpoint(URL, folders[0], "one"))
    monkeypatch.setattr(stack, "deploy", apply)
    return found


def test_start_applies_the_champion_and_prints_commands(
    applied: list[Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = []
    monkeypatch.setattr(bundles, "bundle_directory", lambda *given: asked.append(given) or tmp_path)
    monkeypatch.setattr(deploy, "sample_record", lambda _: {"customer_id": "it's"})
    assert command_line.main(["start", "--use-case", "white_wine"]) == 0
    assert asked == [("white_wine", None)]
    assert [bundle for _, bundle in applied] == [tmp_path]
    text = capsys.readouterr().out
    assert f"white_wine runs on the embedded AWS at {URL}, model version 7" in text
    assert """printf '%s' '{"customer_id": "it'"'"'s"}' |\n""" in text
    assert "--stream-name in --partition-key 1 --data fileb:///dev/stdin" in text


def test_start_without_a_model_starts_nothing(
    applied: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise DeploymentError("training failed")

    monkeypatch.setattr(bundles, "bundle_directory", fail)
    monkeypatch.setattr(stack, "start", lambda: pytest.fail("started"))
    assert command_line.main(["start"]) == 1
    assert capsys.readouterr().err == "training failed\n"
    assert applied == []


def test_interrupt_of_start_names_what_still_runs(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(bundles, "bundle_directory", interrupt)
    handler = signal.getsignal(signal.SIGTERM)
    try:
        assert command_line.main(["start"]) == 130
        assert "Nothing is left running" in capsys.readouterr().err
        running(folders[0])
        assert command_line.main(["start"]) == 130
        assert "make local-down stops it" in capsys.readouterr().err
    finally:
        signal.signal(signal.SIGTERM, handler)


@pytest.mark.parametrize(("arguments", "number"), [([], 1), (["--all"], 2)])
def test_stop_ends_the_local_stack_and_on_request_a_demo(
    folders: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch, arguments: list[str], number: int
) -> None:
    stopped: list[Path] = []
    monkeypatch.setattr(stack, "stop", lambda folder: stopped.append(folder) or True)
    assert command_line.main(["stop", *arguments]) == 0
    assert stopped == list(folders[:number])


def test_env_without_a_running_stack_names_the_command(
    folders: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert folders
    assert command_line.main(["env"]) == 1
    assert "make local-up" in capsys.readouterr().err


@pytest.fixture
def no_region(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], None]:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "config").write_text("[profile bare]\noutput = json\n")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    return lambda: monkeypatch.setenv("AWS_PROFILE", "bare")


@pytest.mark.parametrize("profile", [False, True])
def test_report_without_a_region_names_the_fix(
    folders: tuple[Path, Path],
    no_region: Callable[[], None],
    profile: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert folders
    if profile:
        no_region()
    assert report_site.main(["--no-browser"]) == 1
    message = capsys.readouterr().err
    assert "export AWS_REGION" in message
    assert message.count("\n") <= 3


def test_report_on_a_used_port_names_the_fix(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        client: Any = None
        assert report_site._serve(client, "lake", 0, port=port, browser=False) == 1
    assert f"Port {port} is in use" in capsys.readouterr().err
