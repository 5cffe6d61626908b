"""Make targets that set up, clean and purge, in temporary copies of the repository."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from ops.embedded import Record
from tests import checkout

# Creates an environment without network access: its pip installs a uv that does nothing.
PYTHON = """#!{python}
import pathlib, subprocess, sys
if sys.argv[1:3] == ["-m", "venv"]:
    with open({log!r}, "a") as log:
        log.write("venv\\n")
    subprocess.run([{python!r}, "-m", "venv", "--without-pip", sys.argv[3]], check=True)
    (pip,) = pathlib.Path(sys.argv[3]).glob("lib/python*/site-packages")
    (pip / "pip").mkdir()
    (pip / "pip/__main__.py").write_text({pip!r})
else:
    sys.version_info = {version}
    sys.argv[1:2] == ["-c"] and exec(sys.argv[2])
    print("Python " + ".".join(map(str, sys.version_info[:3])))
"""
PIP = """
import pathlib, sys
uv = pathlib.Path(sys.prefix) / "bin/uv"
uv.write_text("#!/bin/sh\\n")
uv.chmod(0o755)
"""

Make = Callable[..., "subprocess.CompletedProcess[str]"]


def interpreter(path: Path, log: Path, version: tuple[int, int, int] = (3, 12, 0)) -> Path:
    path.unlink(missing_ok=True)
    path.write_text(PYTHON.format(python=sys.executable, log=str(log), pip=PIP, version=version))
    path.chmod(0o755)
    return path


def make(folder: Path, *arguments: str, answer: str = "") -> "subprocess.CompletedProcess[str]":
    # Within `make unit`, make would announce folders.
    env = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS"))}
    return subprocess.run(
        ["make", *arguments], cwd=folder, env=env, input=answer, capture_output=True, text=True, check=False
    )


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    folder = tmp_path / "a checkout"
    (folder / "requirements").mkdir(parents=True)
    for name in ("Makefile", "requirements/dev.txt"):
        shutil.copy2(checkout.ROOT / name, folder / name)
    return folder


@pytest.fixture
def python(tmp_path: Path, log: Path) -> Path:
    return interpreter(tmp_path / "python3.12", log)


def setup(copy: Path, python: Path) -> str:
    done = make(copy, "setup", f"PYTHON={python}")
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_setup_installs_once(copy: Path, python: Path, log: Path) -> None:
    assert "Ready" in setup(copy, python)
    assert "Ready" not in setup(copy, python)
    assert log.read_text() == "venv\n"


@pytest.mark.parametrize("fault", ["missing", "old", "moved", "dangling"])
def test_setup_replaces_an_unusable_environment(copy: Path, python: Path, log: Path, fault: str) -> None:
    setup(copy, python)
    found = copy / ".venv/bin/python"
    if fault == "missing":
        found.unlink()
        found.symlink_to("/nowhere/python3")
    elif fault == "old":
        interpreter(found, log, (3, 10, 4))
    elif fault == "moved":
        copy = copy.rename(copy.with_name("moved"))
    else:
        shutil.rmtree(copy / ".venv")
        (copy / ".venv").symlink_to("/nowhere")
    assert "Replacing .venv" in setup(copy, python)
    assert log.read_text() == "venv\nvenv\n"
    assert "Ready" not in setup(copy, python)


def test_setup_with_an_old_python_names_the_fix(copy: Path, tmp_path: Path, log: Path) -> None:
    old = interpreter(tmp_path / "python3.10", log, (3, 10, 4))
    for given, reason in ((old, "is Python 3.10.4"), ("", "No Python 3.11 or newer was found")):
        done = make(copy, "setup", f"PYTHON={given}")
        assert done.returncode != 0
        assert reason in done.stdout
        assert "make setup PYTHON=/path/to/python3" in done.stdout
        assert (done.stdout + done.stderr).count("\n") <= 3
    assert not (copy / ".venv").exists()


def test_make_in_another_directory_names_the_right_one(copy: Path) -> None:
    (copy / "docs").mkdir()
    done = make(copy / "docs", "-f", "../Makefile", "demo")
    assert done.returncode != 0
    assert "Run make in the root of the checkout: make -C ../ demo" in done.stderr
    assert done.stderr.count("\n") == 1


KEPT = ["bundles/m/1/model.onnx", "mlartifacts/1/model.skops", "mlflow.db", "runs/m/1/report.html"]
REMOVED = ["cache/rows", "demo/mlflow.db", "images/x", "local/emulator.log", "venvs/x/y"]


def fill(copy: Path) -> Callable[[], list[str]]:
    work = copy / ".scorewatch"
    for name in (*KEPT, *REMOVED):
        (work / name).parent.mkdir(parents=True, exist_ok=True)
        (work / name).touch()
    (copy / "infra/state").mkdir(parents=True, exist_ok=True)
    (copy / "infra/state/terraform.tfstate").touch()
    return lambda: sorted(str(p.relative_to(work)) for p in work.rglob("*") if p.is_file())


def test_clean_keeps_models_and_runs(copy: Path, python: Path) -> None:
    setup(copy, python)
    files = fill(copy)
    done = make(copy, "clean")
    assert (done.returncode, done.stderr) == (0, "")
    assert files() == KEPT
    assert not (copy / ".venv").exists()
    assert (copy / "infra/state/terraform.tfstate").exists()


@pytest.mark.parametrize("answer", ["", "yes\n", "purge\n"])
def test_purge_removes_models_after_confirmation(copy: Path, answer: str) -> None:
    files = fill(copy)
    done = make(copy, "purge", answer=answer)
    assert f"{copy}/.scorewatch permanently" in done.stdout
    if answer == "purge\n":
        assert (done.returncode, files()) == (0, [])
    else:
        assert "Nothing was removed." in done.stdout
        assert done.returncode != 0
        assert files() == sorted([*KEPT, *REMOVED])
    assert (copy / "infra/state/terraform.tfstate").exists()


@pytest.mark.parametrize(("target", "ended"), [("clean", [True, True]), ("local-down", [True, False])])
def test_clean_and_local_down_stop_the_embedded_aws(tmp_path: Path, target: str, ended: list[bool]) -> None:
    copy = checkout.working(tmp_path / "copy")
    processes = [subprocess.Popen(["sleep", "600"], start_new_session=True) for _ in range(2)]
    try:
        for process, folder in zip(processes, ("local", "demo/local"), strict=True):
            (copy / ".scorewatch" / folder).mkdir(parents=True)
            started = psutil.Process(process.pid).create_time()
            Record(process.pid, started, "http://127.0.0.1:1", "one", None).write(
                copy / ".scorewatch" / folder
            )
        done = make(copy, target)
        assert done.returncode == 0, done.stderr
        assert [process.poll() is not None for process in processes] == ended
        assert (checkout.ROOT / ".venv/bin/python").exists()
    finally:
        for process in processes:
            process.kill()
            process.wait()


def test_format_rewrites_python_and_terraform(tmp_path: Path) -> None:
    copy = checkout.working(tmp_path / "copy")
    python, terraform = copy / "contract/new.py", copy / "infra/new.tf"
    python.write_text("import json\nimport ast\nx = ( ast,json )\n")
    terraform.write_text("locals {\n  one = 1\n  eleven = 11\n}\n")
    done = make(copy, "format")
    assert done.returncode == 0, done.stderr
    assert python.read_text() == "import ast\nimport json\n\nx = (ast, json)\n"
    assert terraform.read_text() == "locals {\n  one    = 1\n  eleven = 11\n}\n"
