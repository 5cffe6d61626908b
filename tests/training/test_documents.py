"""Tests that run the documents, the notebook and the flow as written."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from contract import bundle
from tests.training.conftest import TINY
from training.use_case import UseCase

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "bring-your-own.md"
NOTEBOOK = ROOT / "training" / "notebooks" / "ride_duration.ipynb"
PACKAGES = ("contract", "training", "lambda_predict", "lambda_monitor")


def environment(**more: str) -> dict[str, str]:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    return {**os.environ, "PATH": path, **more}


def test_bring_your_own_works_as_written(tmp_path: Path) -> None:
    for package in PACKAGES:
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    text = PAGE.read_text()
    written = ""
    for language, code in re.findall(r"```(\w+)\n(.*?)```", text, re.DOTALL):
        if language == "python":
            target = re.findall(r"`(\S+\.py)`", text[: text.index(code)])[-1]
            (tmp_path / target).write_text(code)
            continue
        assert language == "bash", f"{language} blocks are not run"
        done = subprocess.run(
            ["bash", "-ec", code],
            cwd=tmp_path,
            env=environment(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        written += done.stdout
    assert "rows dropped by the rule: air_time: is present" in written
    assert "scorewatch-flight-air-time 2 is challenger" in written
    validated = re.findall(r"validated on .*", written)
    assert len(validated) == 2
    assert validated[0] == validated[1], "the locked run repeats"
    assert (tmp_path / ".scorewatch/bundles/scorewatch-flight-air-time/1" / bundle.MANIFEST).is_file()
    flights = UseCase.named(str(tmp_path / "training/use_cases/flight_air_time.py"))
    winter, summer = (flights.demo(phase, 2_000) for phase in ("normal", "drifted"))
    speed = [60 * (f["distance"] / f["air_time"]).mean() for f in (winter, summer)]
    assert speed[1] > 1.05 * speed[0], "summer flights are faster"


def test_the_notebook_runs_and_its_stored_output_is_current() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    stored = [cell.get("outputs", []) for cell in notebook.cells]
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(ROOT)}}).execute()
    for before, cell in zip(stored, notebook.cells, strict=True):
        texts = [
            [o.get("text") or o["data"]["text/plain"] for o in outputs if o["output_type"] != "display_data"]
            for outputs in (before, cell.get("outputs", []))
        ]
        assert texts[0] == texts[1], "the stored output is current"


def test_the_flow_trains_like_the_command(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "training.flow", "--use-case", str(TINY), "--workdir", str(tmp_path)],
        cwd=ROOT,
        env=environment(
            PREFECT_HOME=str(tmp_path / "prefect"), PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS="90"
        ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"bundle: {tmp_path / 'bundles' / 'scorewatch-tiny' / '1'}" in done.stdout
