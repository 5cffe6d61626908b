"""The demo's commands, run as written in a copy of the repository."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from ops import embedded
from tests import checkout

# Two demos, on a machine that does other work too.
pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif("AWS_ENDPOINT_URL" in os.environ, reason="the demo starts its own embedded AWS"),
]
HELD = "The stack runs for one hour"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of the repository with the functions' environments."""
    return checkout.working(tmp_path / "copy", share=("venvs", "cache"))


@pytest.fixture
def environment() -> dict[str, str]:
    outer = ("AWS_", "MAKE", "MFLAGS", "USE_CASE")
    env = {
        name: value
        for name, value in os.environ.items()
        if name == "AWS_REGION" or not name.startswith(outer)
    }
    return {**env, "PYTHONUNBUFFERED": "1", "BROWSER": "true"}


@contextmanager
def started(command: str, folder: Path, env: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    """Start a command in a process group; interrupt it as Ctrl-C does at the end."""
    process = subprocess.Popen(
        ["bash", "-c", f"trap - INT; exec {command}"],
        cwd=folder,
        env=env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    with process.stdout:
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(60)


def lines_until(process: "subprocess.Popen[str]", wanted: str) -> str:
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        if wanted in line:
            return text
    raise AssertionError(text)


def run(command: str, folder: Path, env: dict[str, str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command.split(), cwd=folder, env=env, capture_output=True, text=True, check=False)


def test_kept_demo_is_found_and_a_second_one_is_refused(folder: Path, environment: dict[str, str]) -> None:
    with started("make demo KEEP=1", folder, environment) as demo:
        text = lines_until(demo, HELD)
        assert "The demo passed" in text
        assert "[drift.feature]" in text, "brackets of the message are shown, not taken for markup"
        second = run("make demo", folder, environment)
        assert second.returncode != 0
        assert "An embedded AWS already runs" in second.stderr
        audit = run("make audit", folder, environment)
        assert audit.returncode == 0, audit.stderr
        assert "received          4,000" in audit.stdout
        with started("make report", folder, environment) as report:
            assert "2 reports of s3://scorewatch-green-taxi-lake-" in lines_until(report, "reports of s3://")
        assert embedded.status(folder / ".scorewatch/demo/local") is not None
    assert embedded.status(folder / ".scorewatch/demo/local") is None
    assert not (folder / ".scorewatch/mlflow.db").exists()
    assert (folder / ".scorewatch/demo/mlflow.db").exists()


def test_demo_of_a_classifier_passes(folder: Path, environment: dict[str, str]) -> None:
    done = run("make demo USE_CASE=white_wine", folder, environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The demo passed" in done.stdout
    assert embedded.status(folder / ".scorewatch/demo/local") is None
