"""Commands, paths, variables and options that the documents name exist."""

import argparse
import ast
import functools
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks import __main__ as benchmarks
from local import __main__ as local
from local import kinesis_event, put, report_site, score, serve
from local.localstack import __main__ as localstack
from ops import __main__ as ops
from tests import documents
from training import cli as training

ROOT = documents.ROOT
MAINS: dict[str, Callable[[], object]] = {
    "benchmarks": benchmarks.main,
    "local": local.main,
    "local.localstack": localstack.main,
    "local.report_site": report_site.main,
    "local.serve": serve.main,
    "local.score": score.main,
    "local.put": put.main,
    "local.kinesis_event": kinesis_event.main,
    "ops": ops.main,
    "training": training.main,
}
# Files and folders that users or commands create.
CREATED = {
    ".venv",
    "infra/.terraform.lock.hcl",
    "infra/backend_override.tf",
    "infra/environments/green_taxi.tfvars",
    "infra/localstack_override.tf",
    "infra/state",
    "event.json",
    "cancer.py",
    "cancer.yaml",
    "rows.csv",
    "rows.predictions.csv",
    "training/use_cases/flight_air_time.py",
    "training/use_cases/flight_delay.py",
}
# Fields of files and records, options of Python calls, values: named as Terraform variables are.
OTHER_NAMES = {"aws_owned_key", "ride_id", "record_id", "stack_key"}
PLATFORMS = ("darwin_", "linux_", "windows_")
TERRAFORM_PAGES = ("README.md", "cost.md", "deploy.md", "operations.md")
# Variables of AWS's own tools and of Terraform, and placeholders that a reader fills in.
FOREIGN_VARIABLES = {
    "AWS_ACCESS_KEY_ID",
    "AWS_ENDPOINT_URL",
    "AWS_PROFILE",
    "AWS_REGION",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "HTTP_URL",
    "TF_DATA_DIR",
}


class ParsedError(BaseException):
    """Ends a command after its arguments are parsed."""


@pytest.fixture
def parse(monkeypatch: pytest.MonkeyPatch) -> Callable[[str, list[str]], None]:
    """Return a function that parses a module's arguments and runs nothing."""
    real = argparse.ArgumentParser.parse_args

    def parse_args(parser: argparse.ArgumentParser, *given: object) -> None:
        real(parser, *given)
        raise ParsedError

    def run(module: str, arguments: list[str]) -> None:
        monkeypatch.setattr(sys, "argv", [module, *arguments])
        with pytest.raises(ParsedError):
            MAINS[module]()

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_args)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    return run


def python_commands(text: str) -> Iterator[tuple[str, list[str]]]:
    """Yield module and arguments of each call of our modules in a shell command."""
    for module, arguments in re.findall(r"python -m ([\w.]+)([^|&;()<>\"']*)", text):
        if module in MAINS:
            yield module, arguments.split()


def pairs() -> list[tuple[str, str]]:
    return sorted({(page.name, command) for page, command in documents.every()})


MAKE = sorted({command for _, command in documents.every() if re.match(r"([A-Z_]+=\S+ )*make ", command)})


@pytest.mark.parametrize(("page", "command"), pairs())
def test_every_command_is_run_by_a_test_or_is_listed_with_a_reason(page: str, command: str) -> None:
    run_by, not_run = (documents.entry(command, table) for table in (documents.RUN_BY, documents.NOT_RUN))
    assert (run_by is None) != (not_run is None), f"{page}: {command}"
    if run_by is not None:
        assert (ROOT / documents.RUN_BY[run_by]).is_file()


def test_lists_name_only_commands_of_the_documents() -> None:
    found = {
        documents.entry(command, table)
        for _, command in documents.every()
        for table in (documents.RUN_BY, documents.NOT_RUN)
    }
    assert set(documents.RUN_BY) | set(documents.NOT_RUN) == found - {None}


@pytest.mark.parametrize("command", MAKE)
def test_every_make_command_names_targets_and_variables(
    command: str, parse: Callable[[str, list[str]], None]
) -> None:
    words = [word for word in shlex.split(command) if not word.startswith("AWS_")]
    makefile = (ROOT / "Makefile").read_text()
    for name in (word.partition("=")[0] for word in words if "=" in word):
        assert f"$({name})" in makefile, name
    done = subprocess.run(
        ["make", "--dry-run", "--old-file=.venv/.ready", *words[1:]],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for line in done.stdout.splitlines():
        for module, arguments in python_commands(line):
            # A dry run leaves out the value of VERSION if the document does.
            parse(module, [*arguments, "1"] if arguments[-1] == "--version" else arguments)


@pytest.mark.parametrize(("page", "command"), [pair for pair in pairs() if "python -m" in pair[1]])
def test_every_python_command_has_arguments_that_its_parser_takes(
    page: str, command: str, parse: Callable[[str, list[str]], None]
) -> None:
    if "-m pytest" in command:
        assert all((ROOT / word).exists() for word in command.split()[3:])
        return
    found = list(python_commands(command))
    assert found, f"{page}: {command}"
    for module, arguments in found:
        parse(module, arguments)


@functools.cache
def files() -> frozenset[str]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    return frozenset(names)


@pytest.mark.parametrize("page", documents.PAGES, ids=lambda page: page.name)
def test_every_path_exists(page: Path) -> None:
    top = {name.split("/")[0] for name in files() if "/" in name}
    named = {
        span.rstrip("/")
        for span in documents.inline(page)
        if re.fullmatch(r"[\w.*-]+(/[\w.*-]+)*/?", span) and (span.split("/")[0] in top and "/" in span)
    }
    missing = {name for name in named - CREATED if not list(ROOT.glob(name))}
    assert missing == set()


def terraform_names() -> set[str]:
    text = "".join(path.read_text() for path in (ROOT / "infra").glob("*.tf"))
    return set(re.findall(r'^(?:variable|output) "(\w+)"', text, re.MULTILINE))


@pytest.mark.parametrize(
    "page", [p for p in documents.PAGES if p.name in TERRAFORM_PAGES], ids=lambda p: p.name
)
def test_every_terraform_variable_and_output_exists(page: Path) -> None:
    named = {
        match[1]
        for span in documents.inline(page)
        if (match := re.fullmatch(r"([a-z]+(?:_[a-z0-9]+)+)(?: = .+)?", span))
        and not span.startswith(PLATFORMS)
    }
    assert named - terraform_names() - OTHER_NAMES == set()


def test_every_environment_variable_is_read() -> None:
    read = set(re.findall(r"\$[({]?([A-Z_]+)", (ROOT / "Makefile").read_text()))
    for name in files():
        if name.endswith(".py") and not name.startswith(("tests/", "integration-tests/")):
            tree = ast.parse((ROOT / name).read_text())
            read |= {
                n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)
            }
    for workflow in (ROOT / ".github/workflows").glob("*.yml"):
        read |= set(re.findall(r"vars\.([A-Z_]+)", workflow.read_text()))
    for page in documents.PAGES:
        spans = [*documents.inline(page), *documents.fenced(page)]
        named = {
            name
            for span in spans
            for name in re.findall(r"\b(?:SCOREWATCH|MLFLOW|AWS)_[A-Z_]+|\b[A-Z][A-Z_]+(?==\S)", span)
        }
        assert named - read - FOREIGN_VARIABLES == set(), page.name
