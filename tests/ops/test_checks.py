"""`make checks`: validation, differences, upload for the deployed model."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from contract import checks
from ops import __main__ as command_line
from ops import deployment
from ops.checks import BUNDLE
from tests.lambda_monitor.synthetic import ARTIFACTS, MODEL, Stack
from training.use_case import UseCase

LIMITS = {"checks": {"outliers": {"enabled": False}}, "seasonality": "count"}
OWN = {"long": {"sql": "avg(trip_distance)", "sentence": "Distance", "above": 9}}

Run = Callable[..., int]


@pytest.fixture
def run(aws: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Return a function that runs the command for a deployed bundle whose checks.json is `LIMITS`."""
    assert aws
    Stack().bundle(checks=json.dumps(LIMITS).encode())
    known = {"artifact_bucket": ARTIFACTS, "model_name": MODEL.name, "model_version": "1"}
    monkeypatch.setattr(deployment, "running_outputs", lambda _: known)

    def command(content: Any = None) -> int:
        arguments = ["checks", "--use-case", "green_taxi"]
        if content == BUNDLE:
            arguments += ["--file", BUNDLE]
        elif content is not None:
            file = tmp_path / "checks.json"
            file.write_text(json.dumps(content))
            arguments += ["--file", str(file)]
        return command_line.main(arguments)

    return command


def in_force() -> checks.UploadedChecks | None:
    return checks.current(boto3.client("s3"), ARTIFACTS, MODEL.name)


def test_an_upload_shows_what_changes_and_what_to_do_next(
    run: Run, capsys: pytest.CaptureFixture[str]
) -> None:
    changed = {
        "checks": {"outliers": {"threshold": 0.2, "columns": {"trip_distance": {"threshold": 0.1}}}},
        "custom": OWN,
    }
    assert run(changed) == 0

    printed = capsys.readouterr().out
    assert "custom.long is 3.0" in printed, "the value on the reference"
    for line in (
        "  custom.long.above: default -> 9.0",
        "  outliers.enabled: false -> default",
        "  outliers.threshold: default -> 0.2",
        "  outliers.trip_distance.threshold: default -> 0.1",
        '  seasonality: "count" -> "ignore"',
    ):
        assert line in printed.splitlines()
    uploaded = in_force()
    assert uploaded is not None
    data = uploaded.configuration or b""
    assert json.loads(data) == changed
    assert f"from the next monitoring run on: SHA-256 {checks.digest(data)[:12]}" in printed
    assert "make checks USE_CASE=green_taxi CHECKS=bundle" in printed


def test_what_is_in_force_already_is_not_uploaded_again(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(LIMITS) == 0
    assert in_force() is None
    assert "in force already (checks.json of the bundle, SHA-256" in capsys.readouterr().out


def test_the_checks_of_the_bundle_can_be_used_again(run: Run) -> None:
    assert run({}) == 0
    assert run(BUNDLE) == 0

    uploaded = in_force()
    assert uploaded is not None
    assert (uploaded.version, uploaded.configuration) == (2, None)


def test_the_checks_of_the_use_case_are_uploaded(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    named = UseCase.named("green_taxi")
    monkeypatch.setattr(UseCase, "named", lambda _: dataclasses.replace(named, checks={"custom": OWN}))

    assert run() == 0

    uploaded = in_force()
    assert uploaded is not None
    assert json.loads(uploaded.configuration or b"") == {"custom": OWN}


def test_the_use_case_without_checks_is_named(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run() == 1
    assert "declares no checks: add them, or give CHECKS=checks.json" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"checks": {"outlier": {}}}, "did you mean 'outliers'?"),
        ({"custom": {"long": {**OWN["long"], "sql": "avg(distance)"}}}, "custom check 'long': "),
        ({"custom": {"long": {**OWN["long"], "sql": "trip_distance"}}}, "use an aggregate"),
    ],
)
def test_invalid_checks_are_refused_and_nothing_changes(
    run: Run, capsys: pytest.CaptureFixture[str], content: dict, message: str
) -> None:
    assert run(content) == 1
    assert message in capsys.readouterr().err
    assert in_force() is None


def test_a_file_that_is_not_there_is_named(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    assert run is not None
    assert command_line.main(["checks", "--use-case", "green_taxi", "--file", "no.json"]) == 1
    assert "no.json can't be read: No such file" in capsys.readouterr().err
