"""Run tests against mutated copies of the repository."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

from tests.mutants.mutation import Mutation, Table

_FAILED = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", re.MULTILINE)
_TESTS_FAILED = 1
# Without bytecode files, which Python would reuse for a mutation of equal size in the same second.
_ENVIRONMENT = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": ""}


class BaselineError(RuntimeError):
    """The tests fail without a mutation."""


@dataclass(frozen=True)
class Outcome:
    """First failing test of a mutation, empty for a survivor."""

    mutation: Mutation
    caught_by: str


def copy_repository(root: Path, copy: Path) -> None:
    """Copy the files that git tracks or would track."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    for name in filter(None, names.split("\0")):
        source, target = root / name, copy / name
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)


@contextmanager
def mutated(copy: Path, mutation: Mutation) -> Iterator[None]:
    """Apply `mutation` to the copy until the end. Raises ValueError."""
    path = copy / mutation.file
    text = path.read_text()
    if text.count(mutation.old) != 1:
        raise ValueError(
            f"{mutation.name}: {mutation.old!r} occurs {text.count(mutation.old)} times in {path}"
        )
    path.write_text(text.replace(mutation.old, mutation.new))
    try:
        yield
    finally:
        path.write_text(text)


def first_failure(copy: Path, tests: Sequence[str], seconds: float) -> str:
    """Return the first test that fails in `copy`, or an empty string."""
    options = ["-x", "-q", "-p", "no:cacheprovider", "--hypothesis-seed=0"]
    process = subprocess.Popen(
        [sys.executable, "-m", "pytest", *options, *tests],
        cwd=copy,
        env={**os.environ, **_ENVIRONMENT},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        output, _ = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        return f"time-out after {seconds:g} s"
    if process.returncode == 0:
        return ""
    if (found := _FAILED.search(output)) is not None:
        return found[1]
    if process.returncode == _TESTS_FAILED:
        return "a failing test"
    return f"pytest stopped with code {process.returncode}: {output.strip().splitlines()[-1]}"


def run(root: Path, folder: Path, table: Table, jobs: int) -> Iterator[Outcome]:
    """Yield the outcome of each mutation, in order. Raises BaselineError."""
    copies: Queue[Path] = Queue()
    for number in range(jobs):
        copy_repository(root, folder / str(number))
        copies.put(folder / str(number))
    if failure := first_failure(folder / "0", table.tests, table.seconds):
        raise BaselineError(f"the tests fail without a mutation: {failure}")

    def outcome(mutation: Mutation) -> Outcome:
        copy = copies.get()
        try:
            with mutated(copy, mutation):
                return Outcome(mutation, first_failure(copy, mutation.tests or table.tests, table.seconds))
        finally:
            copies.put(copy)

    with ThreadPoolExecutor(jobs) as pool:
        yield from pool.map(outcome, table.mutations)
