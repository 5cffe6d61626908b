"""`make smoke` against the embedded AWS as an endpoint, with a docker command that pushes no layers."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from ops import leftovers
from tests import checkout, sessions

pytestmark = pytest.mark.timeout(900)
DOCKER = checkout.ROOT / "tests/ops/fakes/docker.py"

# A background shell ignores SIGINT, its children inherit that, and a shell can't undo it.
_SMOKE = """
import os, signal
signal.signal(signal.SIGINT, signal.SIG_DFL)
os.execvp("make", ["make", "smoke"])
"""


@pytest.fixture
def folder(deployed: Any, tmp_path: Path) -> Path:
    """Return a copy of the repository, to which the endpoint is any emulator."""
    if deployed.work is None:
        pytest.skip("the embedded AWS takes the images of the fake docker")
    return checkout.working(tmp_path / "copy")


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    docker = tmp_path / "bin/docker"
    docker.parent.mkdir()
    docker.write_text(f'#!/bin/sh\nexec {sys.executable} {DOCKER} "$@"\n')
    docker.chmod(0o755)
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    path = f"{docker.parent}{os.pathsep}{env['PATH']}"
    return env | {"PATH": path, "FAKE_CALLS": str(tmp_path / "calls"), "PYTHONUNBUFFERED": "1"}


def start(folder: Path, environment: dict[str, str], answer: str = "yes") -> "subprocess.Popen[str]":
    process = subprocess.Popen(
        [sys.executable, "-c", _SMOKE],
        cwd=folder,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    assert process.stdin is not None
    process.stdin.write(f"{answer}\n")
    process.stdin.close()
    return process


def states(folder: Path) -> list[Path]:
    return list((folder / "infra/state").glob("*smoke*"))


def test_another_answer_than_yes_creates_nothing(folder: Path, environment: dict[str, str]) -> None:
    with start(folder, environment, "no") as process:
        assert process.stdout is not None
        output = process.stdout.read()
    assert process.returncode != 0
    assert "Nothing was created." in output, output
    assert states(folder) == []


def test_smoke_test_runs_the_loop_and_leaves_nothing(folder: Path, environment: dict[str, str]) -> None:
    with start(folder, environment) as process:
        assert process.stdout is not None
        output = process.stdout.read()
    assert process.returncode == 0, output
    assert "The smoke test passed" in output
    assert "received          4,000" in output
    assert "missing               0" in output
    assert leftovers.by_name(sessions.client, "smoke") == []
    assert states(folder) == []


def test_interrupted_smoke_test_removes_its_stack(folder: Path, environment: dict[str, str]) -> None:
    with start(folder, environment) as process:
        assert process.stdout is not None
        output = ""
        for line in process.stdout:
            output += line
            if "created module.stream.aws_kinesis_stream" in line:
                os.killpg(process.pid, signal.SIGINT)
                break
        output += process.stdout.read()
    assert process.returncode != 0
    assert "nothing named or tagged smoke_" in output, output
    assert leftovers.by_name(sessions.client, "smoke") == []
    assert states(folder) == []
