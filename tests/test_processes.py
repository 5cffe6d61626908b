"""Division of the integration tests between two processes, and the commands that use it."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests import checkout
from tests.iam.recorder import is_shared
from tests.processes import FIRST, SECOND, process

FILES = sorted((checkout.ROOT / "integration-tests").glob("test_*.py"))
_CONFTEST = """
from tests.processes import Scheduling

def pytest_xdist_make_scheduler(config, log):
    return Scheduling(config, log)
"""
_TEST = """
import os
from pathlib import Path

def test_it():
    with Path({log!r}).open("a") as file:
        file.write(f"{{Path(__file__).stem}} {{os.environ['PYTEST_XDIST_WORKER']}}\\n")
"""


def test_the_tests_whose_calls_are_compared_run_in_one_process() -> None:
    assert {process(file) for file in FILES if is_shared(file)} == {FIRST}
    assert process(Path("test_iam.py")) == FIRST


def test_images_are_built_by_one_process() -> None:
    building = [file for file in FILES if "containers.b" in file.read_text()]
    assert {"test_containers", "test_images"} <= {file.stem for file in building}
    assert {process(file) for file in building} == {SECOND}


def test_pytest_runs_the_files_of_each_process_in_one_worker_and_in_order(tmp_path: Path) -> None:
    log = tmp_path / "log"
    (tmp_path / "conftest.py").write_text(_CONFTEST)
    for file in FILES:
        (tmp_path / file.name).write_text(_TEST.format(log=str(log)))
    done = subprocess.run(
        [sys.executable, "-m", "pytest", tmp_path, "-q", "-n", "2", "-p", "no:cacheprovider"],
        cwd=checkout.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"{len(FILES)} passed" in done.stdout
    ran = [line.split() for line in log.read_text().splitlines()]
    for name in (FIRST, SECOND):
        expected = [file.stem for file in FILES if process(file) == name]
        [worker] = {worker for file, worker in ran if file in expected}
        assert [file for file, its in ran if its == worker] == expected


@pytest.mark.parametrize(
    ("setting", "processes"),
    [
        ("", "-n 2"),
        ("USE_CASE=white_wine", "-n 2"),
        ("TARGET=localstack", ""),
        ("IMAGES=docker", ""),
        ("AWS_ENDPOINT_URL=http://127.0.0.1:4566", ""),
    ],
)
def test_only_embedded_stacks_are_tested_by_two_processes(setting: str, processes: str) -> None:
    done = subprocess.run(
        ["env", "-u", "MAKEFLAGS", "make", "-n", "-o", "setup", "integration", *filter(None, [setting])],
        cwd=checkout.ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    [command] = [line for line in done.stdout.splitlines() if "pytest integration-tests" in line]
    assert ("-n 2" in command) == bool(processes)
