"""A LocalStack that was started before the tests, as the documents describe it."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from local import stack
from tests import checkout, target

pytestmark = [
    pytest.mark.timeout(900),
    pytest.mark.skipif(not target.LOCALSTACK, reason="run make integration TARGET=localstack"),
    pytest.mark.skipif(target.GIVEN is not None, reason="starts a LocalStack of its own"),
]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of the repository with the environments of this one."""
    return checkout.working(tmp_path / "copy", share=("venvs", "cache"))


@pytest.fixture
def environment() -> dict[str, str]:
    outer = ("AWS_", "MAKE", "MFLAGS", "PYTEST", "SCOREWATCH_TARGET", "ALSO", "TARGET")
    return {name: value for name, value in os.environ.items() if not name.startswith(outer)}


@contextmanager
def localstack(folder: Path, env: dict[str, str], port: int) -> Iterator[str]:
    """Run `make localstack`; yield what it prints until it is ready."""
    process = subprocess.Popen(
        ["make", "localstack", f"PORT={port}"],
        cwd=folder,
        env={**env, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    with process.stdout:
        try:
            text = ""
            while "make integration" not in text:
                line = process.stdout.readline()
                assert line, text
                text += line
            yield text
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(60)


def test_the_tests_use_a_running_localstack(folder: Path, environment: dict[str, str]) -> None:
    port = stack.free_port()
    shared = Path("/tmp/localstack-s3-storage")
    before = set(shared.iterdir()) if shared.is_dir() else set()
    with localstack(folder, environment, port) as text:
        assert f"AWS_ENDPOINT_URL=http://127.0.0.1:{port} make integration TARGET=localstack" in text
        done = subprocess.run(
            ["make", "integration", "TARGET=localstack"],
            cwd=folder,
            env={
                **environment,
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
                "PYTEST_ADDOPTS": f"-k documented_format --basetemp={folder.parent / 'inner'}",
            },
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    after = set(shared.iterdir()) if shared.is_dir() else set()
    assert after == before, "objects are kept in a folder that other instances use"
