import ast
from pathlib import Path

import pytest

from contract.session import RegionError, session

ROOT = Path(__file__).resolve().parents[2]
# The embedded AWS has credentials and a region of its own, never the user's.
_OWN = {"ops/embedded.py"}


def test_terraforms_region_comes_before_boto3s(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    assert session().region_name == "us-east-1"
    monkeypatch.setenv("AWS_REGION", "eu-west-1")
    assert session().region_name == "eu-west-1"


def test_without_a_region_the_error_names_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    monkeypatch.delenv("AWS_REGION", raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/nowhere")
    with pytest.raises(RegionError, match="export AWS_REGION"):
        session()


def test_commands_make_sessions_in_one_place() -> None:
    calls = [
        str(path.relative_to(ROOT))
        for package in ("ops", "local", "training")
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "boto3"
        and node.attr in {"client", "resource", "Session"}
        and isinstance(node.ctx, ast.Load)
        and str(path.relative_to(ROOT)) not in _OWN
    ]
    assert calls == []
