"""Commands of docs/cost.md and docs/scale.md, run as written in a copy of the repository."""

import os
import subprocess
from pathlib import Path

import pytest

from tests import checkout, documents

FILE = "tests/benchmarks/test_commands.py"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return checkout.working(tmp_path_factory.mktemp("copy"))


@pytest.mark.parametrize("command", [c for c, test in documents.RUN_BY.items() if test == FILE])
def test_commands_of_cost_and_scale_succeed(folder: Path, command: str) -> None:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))
    }
    done = subprocess.run(
        command.split(), cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    if command == "make cost":
        assert (folder / "docs/cost.md").read_bytes() == (checkout.ROOT / "docs/cost.md").read_bytes()
    else:
        assert "age when scored" in done.stdout
