"""Packages, entry point and versions of LocalStack."""

import ast
import re
import socket
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest

from local import images, stack
from local.localstack import server


def constant(module: str, name: str) -> object:
    """Return a constant of a module that this environment can't import."""
    tree = ast.parse((images.ROOT / "local/localstack" / f"{module}.py").read_text())
    values = [
        ast.literal_eval(node.value)
        for node in tree.body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == name
    ]
    return values[0]


def test_the_changes_are_for_the_locked_version() -> None:
    locked = re.search(r"^localstack-core==(\S+)", server.REQUIREMENTS.read_text(), re.MULTILINE)
    assert locked is not None
    assert constant("launcher", "VERSION") == locked[1]


def test_the_executor_has_one_name() -> None:
    assert constant("executor", "NAME") == server.NAME


def test_the_entry_point_is_found_by_its_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(server._entry_points(tmp_path)))
    (found,) = metadata.entry_points(group="localstack.lambda.runtime_executor")
    assert (found.name, found.value) == (server.NAME, "local.localstack.executor:ImageExecutorPlugin")


def test_two_instances_share_no_folder_and_no_account(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "production")
    found = []
    for name in ("a", "b"):
        endpoint = stack.Endpoint("http://127.0.0.1:4566", tmp_path / name)
        env = server.environment(endpoint, tmp_path / name / "images.json", Path("/rie"))
        own = {key: value for key, value in env.items() if str(tmp_path) in value}
        assert all(str(tmp_path / name) in value for value in own.values())
        found.append(own)
        assert not [key for key in env if key.startswith("AWS_")]
        assert env["GATEWAY_LISTEN"] == "127.0.0.1:4566"
    assert found[0].keys() == found[1].keys() >= {"TMPDIR", "FILESYSTEM_ROOT", "LOCALSTACK_VOLUME_DIR"}


def test_a_port_in_use_is_an_error_that_names_the_fix() -> None:
    with socket.create_server(("127.0.0.1", 0)) as used:
        done = subprocess.run(
            [sys.executable, "-m", "local.localstack", "--port", str(used.getsockname()[1])],
            cwd=images.ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 1
    assert "is in use: choose another one, make localstack PORT=" in done.stderr


def test_the_command_describes_itself() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "local.localstack", "--help"],
        cwd=images.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    assert "--port" in done.stdout
