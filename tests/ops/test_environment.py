"""Stacks of one use case side by side: environments, accounts and regions."""

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from ops import deploy, deployment
from ops.deployment import DeploymentError
from tests.checkout import ROOT
from tests.ops.conftest import Calls


@pytest.fixture
def account(aws: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Select moto's account, with folders of the test's own for states and settings."""
    monkeypatch.setattr(deployment, "STATES", tmp_path / "states")
    monkeypatch.setattr(deployment, "ENVIRONMENTS", tmp_path)
    monkeypatch.delenv(deployment.SELECTOR, raising=False)
    return aws


def test_states_are_separate_per_environment(
    account: str, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert account
    assert calls() == []
    plain = deployment.stack("green_taxi")
    monkeypatch.setenv(deployment.SELECTOR, "dev")
    dev = deployment.stack("green_taxi")
    assert plain.state_dir.name.endswith("-123456789012-us-east-1-green_taxi")
    assert dev.state_dir.name.endswith("-123456789012-us-east-1-dev-green_taxi")


def test_state_key_in_a_backend_has_the_environment(
    account: str, calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert account
    (tmp_path / "backend_override.tf").write_text('terraform {\n  backend "s3" {}\n}\n')
    monkeypatch.setattr(deployment, "ROOT", tmp_path)
    monkeypatch.setenv(deployment.SELECTOR, "dev")
    deployment.stack("green_taxi")
    [init] = [call["arguments"] for call in calls() if call["arguments"][0] == "init"]
    [key] = [argument for argument in init if argument.startswith("-backend-config=key=")]
    assert key.endswith("/123456789012/us-east-1/dev/green_taxi.tfstate")


def test_settings_of_an_environment_override_those_of_the_region_and_of_all_stacks(
    account: str, calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert account
    assert calls() == []
    monkeypatch.setenv(deployment.SELECTOR, "dev")
    parts = ("", ".123456789012", ".us-east-1", ".dev")
    for part in (*parts, ".prod", ".eu-west-1"):
        (tmp_path / f"green_taxi{part}.tfvars").touch()
    found = deployment.stack("green_taxi").var_files
    assert [file.name for file in found] == [f"green_taxi{part}.tfvars" for part in parts]


def test_environment_in_a_settings_file_is_refused(account: str, calls: Calls, tmp_path: Path) -> None:
    assert account
    (tmp_path / "green_taxi.tfvars").write_text('environment = "dev"\n')
    with pytest.raises(DeploymentError, match=r"green_taxi.tfvars sets environment: .* ENVIRONMENT="):
        deployment.stack("green_taxi")
    assert calls() == []


@pytest.mark.parametrize("name", ["Dev", "dev-1", "1dev", "development", "../x"])
def test_an_invalid_environment_is_refused(
    account: str, calls: Calls, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert account
    monkeypatch.setenv(deployment.SELECTOR, name)
    with pytest.raises(DeploymentError, match="1 to 10 lower-case letters and digits"):
        deployment.stack("green_taxi")
    assert calls() == []


def test_variables_and_errors_name_the_environment(
    account: str, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert account
    monkeypatch.setenv(deployment.SELECTOR, "dev")
    assert deploy.variables("green_taxi", "1", {})["environment"] == "dev"
    expected = "not deployed in environment dev: run make deploy USE_CASE=green_taxi ENVIRONMENT=dev"
    with pytest.raises(DeploymentError, match=expected):
        deploy.destroy("green_taxi", sure=True)
    assert [call["arguments"][0] for call in calls()] == ["init", "output"]


def selected(*arguments: str, **variables: str) -> Any:
    """Return the environment that make gives its commands."""
    bare = {k: v for k, v in os.environ.items() if k != deployment.SELECTOR and not k.startswith("MAKE")}
    rule = "show: ; @printenv SCOREWATCH_ENVIRONMENT || true"
    done = subprocess.run(
        ["make", "--no-print-directory", "--eval", rule, "show", *arguments],
        cwd=ROOT,
        env=bare | variables,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_make_selects_the_environment_by_its_argument_only() -> None:
    assert selected("ENVIRONMENT=dev") == "dev"
    assert selected(SCOREWATCH_ENVIRONMENT="dev") == "dev"
    assert selected("ENVIRONMENT=prod", SCOREWATCH_ENVIRONMENT="dev") == "prod"
    # Other tools set this variable.
    assert selected(ENVIRONMENT="production") == ""
