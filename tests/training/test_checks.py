"""Checks of a use case: validated when it is read, tried on the reference, stored in the bundle."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from contract import bundle
from contract.bundle import Manifest
from tests.training.conftest import TINY
from training import pipeline
from training.errors import UseCaseError
from training.pipeline import Trained
from training.use_case import UseCase

CHECKS: dict[str, Any] = {
    "checks": {"drift.feature": {"columns": {"size": {"enabled": False}}}},
    "custom": {"reds": {"sql": "avg(CAST(colour = 'red' AS INT))", "sentence": "Reds", "above": 0.9}},
}


@pytest.fixture
def train(tmp_path: Path) -> Callable[[dict[str, Any]], Trained]:
    """Return a function that trains the tiny use case with those checks."""

    def run(checks: dict[str, Any]) -> Trained:
        file = tmp_path / "tiny.py"
        file.write_text(TINY.read_text().replace("window_rows=200,", f"window_rows=200, checks={checks!r},"))
        return pipeline.train(str(file), tmp_path, progress=lambda _: None)

    return run


def test_the_bundle_has_the_checks_of_the_use_case(train: Callable[[dict[str, Any]], Trained]) -> None:
    folder = train(CHECKS).bundle

    assert json.loads((folder / bundle.CHECKS).read_bytes()) == CHECKS
    manifest = Manifest.from_json((folder / bundle.MANIFEST).read_bytes())
    manifest.verify(bundle.CHECKS, (folder / bundle.CHECKS).read_bytes())


def test_sql_that_fails_on_the_reference_ends_the_training(
    train: Callable[[dict[str, Any]], Trained],
) -> None:
    wrong = {"custom": {"reds": {**CHECKS["custom"]["reds"], "sql": "avg(color)"}}}

    with pytest.raises(UseCaseError, match=r"checks of use case tiny: custom check 'reds': .*color"):
        train(wrong)


@pytest.mark.parametrize(
    ("checks", "message"),
    [
        ({"checks": {"drift.features": {}}}, "did you mean 'drift.feature'"),
        ({"checks": {"outliers": {"columns": {"sizes": {}}}}}, "did you mean 'size'"),
        ({"checks": {"outliers": {"threshold": object()}}}, "object"),
    ],
)
def test_checks_are_validated_when_the_use_case_is_read(
    tiny: UseCase, checks: dict[str, Any], message: str
) -> None:
    with pytest.raises(UseCaseError, match=message):
        dataclasses.replace(tiny, checks=checks)
