"""Run docs/bring-your-own.md as written, in a copy of the repository."""

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "bring-your-own.md"
DEMO = "make demo"


def environment(**more: str) -> dict[str, str]:
    """Return this process's environment with the project's interpreter first in PATH.

    MLflow leaves settings of the experiment used last in the environment.
    """
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW_")}
    return {**kept, "PATH": path, **more}


def blocks() -> list[tuple[str, str]]:
    """Return the code blocks of the page: (file to write or "", code)."""
    text = PAGE.read_text()
    found = []
    for language, code in re.findall(r"```(\w+)\n(.*?)```", text, re.DOTALL):
        assert language in {"bash", "python"}, f"{language} blocks are not run"
        before = text[: text.index(code)]
        found.append((re.findall(r"`(\S+\.py)`", before)[-1] if language == "python" else "", code))
    return found


def run(code: str, folder: Path, **more: str) -> str:
    """Run a bash block in `folder` and return its output; fail on a non-zero exit code."""
    done = subprocess.run(
        ["bash", "-ec", code],
        cwd=folder,
        env=environment(**more),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{code}\n{done.stdout}{done.stderr}"
    return done.stdout
