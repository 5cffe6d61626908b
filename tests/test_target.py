"""Target of the integration tests: what is skipped there, and why."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from local.localstack.services import Service
from tests import target

FOLDER = Path(__file__).resolve().parents[1] / "integration-tests"


def functions() -> Iterator[tuple[str, str]]:
    for path in FOLDER.glob("test_*.py"):
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                yield path.stem, node.name


def test_the_lists_name_files_and_tests_that_exist() -> None:
    known = {name for file, test in functions() for name in (file, f"{file}::{test}")}
    assert set(target.NOT_ON_LOCALSTACK) | set(target.NEEDS) <= known


def test_the_core_of_the_loop_is_never_skipped() -> None:
    for file in ("test_scoring", "test_loop", "test_audit", "test_hostile", "test_outage"):
        names = [test for found, test in functions() if found == file]
        assert names
        assert all(target.skip_reason(file, name, target.COMMUNITY) is None for name in names)


def test_a_reason_names_what_is_lacking() -> None:
    name = "test_athena_and_reading_give_the_same_results"
    assert (
        target.skip_reason("test_athena", name, target.COMMUNITY)
        == "this LocalStack has no Athena and no Glue"
    )
    assert target.skip_reason("test_athena", name, frozenset({Service.ECR})) is None
    assert "LocalStack" in str(
        target.skip_reason("test_http", "test_unsigned_request_is_refused", frozenset())
    )
    assert (
        target.skip_reason("test_http", "test_invalid_record_is_refused_with_its_field", frozenset()) is None
    )


@pytest.mark.parametrize(("name", "images"), [("localstck", ""), ("localstack", "docker")])
def test_a_target_that_can_not_be_is_refused(monkeypatch: pytest.MonkeyPatch, name: str, images: str) -> None:
    monkeypatch.setattr(target, "NAME", name)
    monkeypatch.setattr(target, "LOCALSTACK", name == "localstack")
    monkeypatch.setenv("SCOREWATCH_IMAGES", images)
    with pytest.raises(pytest.UsageError, match="leave"):
        target.check()


@pytest.mark.parametrize("name", ["", "localstack"])
def test_known_targets_are_accepted(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(target, "NAME", name)
    monkeypatch.setattr(target, "LOCALSTACK", name == "localstack")
    monkeypatch.delenv("SCOREWATCH_IMAGES", raising=False)
    target.check()
