"""`.ci/run`, with commands that only record their calls."""

import shutil
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from tests import checkout

Run = Callable[..., "subprocess.CompletedProcess[str]"]
TOOLS = (
    *("bash", "dirname", "env", "grep", "id", "mktemp", "rm", "sh", "sleep", "sort", "tail", "touch"),
    *("umount", "xargs"),
)
SKIPPED = "no Docker engine could be started: the container comparison is skipped"


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs the script with bodies of shell commands."""

    def run(without: Sequence[str] = (), **commands: str) -> "subprocess.CompletedProcess[str]":
        given = {
            "make": f'echo "make $*" ALSO=$ALSO >>{tmp_path}/calls',
            "apt-get": "exit 100",
            "chromium": "",
            "promtool": "",
            "npm": "",
        }
        for name, body in {**given, **commands}.items():
            if name in without:
                continue
            path = tmp_path / name
            path.write_text(f"#!/bin/sh\n{body}\n")
            path.chmod(0o755)
        for tool in TOOLS:
            if not (tmp_path / tool).exists():
                (tmp_path / tool).symlink_to(shutil.which(tool) or "")
        # Without the machine's own commands, so that no real engine is found or installed.
        monkeypatch.setenv("PATH", str(tmp_path))
        for variable in ("DOCKER_HOST", "ALSO"):
            monkeypatch.delenv(variable, raising=False)
        return subprocess.run(
            [checkout.ROOT / ".ci/run"], capture_output=True, text=True, timeout=60, check=False
        )

    return run


def test_an_engine_that_answers_is_used(run: Run, tmp_path: Path) -> None:
    done = run(docker="exit 0", dockerd=f"touch {tmp_path}/started")
    assert (done.returncode, done.stdout) == (0, "")
    assert not (tmp_path / "started").exists()
    assert (tmp_path / "calls").read_text() == "make test ALSO=localstack\n"


def test_an_engine_is_started_for_the_run_and_stopped_after_it(run: Run, tmp_path: Path) -> None:
    up = tmp_path / "up"
    done = run(
        docker=f'test -n "$DOCKER_HOST" && test -e {up}',
        dockerd=f"touch {up}; trap 'rm {up}; exit' TERM; while :; do sleep 0.1; done",
        debootstrap="",
        make=f"test -e {up} || exit 7; exit 3",
    )
    assert (done.returncode, done.stdout) == (3, ""), done.stderr
    assert not up.exists()


@pytest.mark.parametrize("dockerd", ["echo no rights >&2; exit 1", None])
def test_without_an_engine_the_tests_run_and_the_reason_is_printed(
    run: Run, tmp_path: Path, dockerd: str | None
) -> None:
    fakes = {"dockerd": dockerd, "debootstrap": ""} if dockerd else {}
    done = run(docker="exit 1", **fakes)
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == SKIPPED
    assert done.stderr == ""
    assert ("no rights" in done.stdout) == bool(dockerd)
    assert (tmp_path / "calls").read_text() == "make test ALSO=localstack\n"


def test_packages_that_cannot_be_installed_are_named(run: Run, tmp_path: Path) -> None:
    done = run(without=("chromium", "promtool", "npm"), docker="")
    assert (done.returncode, done.stdout.count("could not be installed")) == (0, 3)
    assert (tmp_path / "calls").read_text() == "make test ALSO=\n"
