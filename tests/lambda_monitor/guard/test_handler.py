"""The guard's function: settings, its log line, and what it imports."""

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from contract.release import Notes
from lambda_monitor.guard.settings import Settings, SettingsError
from tests.lambda_monitor.strict_sns import StrictSns
from tests.ops.release_world import ALIAS, FUNCTION, Lambda, World

VARIABLES = {
    "PREDICT_FUNCTION": FUNCTION,
    "PREDICT_ALIAS": ALIAS,
    "ALERT_TOPIC_ARN": "arn:aws:sns:eu-west-1:123456789012:alerts",
    "USE_CASE": "green_taxi",
    "ENVIRONMENT": "",
}
_HEAVY = {"evidently", "duckdb", "pandas", "numpy", "scipy", "pyarrow"}


def test_the_handler_returns_and_logs_what_was_done(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    from lambda_monitor.guard import handler  # noqa: PLC0415  # makes clients

    for name, value in VARIABLES.items():
        monkeypatch.setenv(name, value)
    over = Notes(watched_until=datetime.now(UTC) - timedelta(seconds=2)).text()
    world = World(versions={"1": {}, "2": {}})
    weights = {"RoutingConfig": {"AdditionalVersionWeights": {"2": 0.5}}}
    world.alias = {"FunctionVersion": "1", "Description": over, "RevisionId": "0", **weights}
    sns = StrictSns()
    monkeypatch.setattr(handler, "_LAMBDA", Lambda(world))
    monkeypatch.setattr(handler, "_SNS", sns)
    done: list[Any] = [handler.handler({}, None), handler.handler({}, None)]
    assert [one["done"] for one in done] == ["candidate returned", "no candidate"]
    assert [json.loads(line) for line in capsys.readouterr().out.splitlines()] == done
    assert "RoutingConfig" not in world.alias
    assert "ENVIRONMENT" not in sns.delivered("email")[0]


def test_missing_settings_are_named() -> None:
    assert Settings.from_environment(VARIABLES).environment == ""
    without = {name: value for name, value in VARIABLES.items() if not name.startswith("PREDICT")}
    with pytest.raises(SettingsError, match="PREDICT_FUNCTION, PREDICT_ALIAS not set"):
        Settings.from_environment(without)


def test_the_function_imports_nothing_heavy() -> None:
    code = (
        "import sys, lambda_monitor.guard.handler; print(*{name.partition('.')[0] for name in sys.modules})"
    )
    environment = {"AWS_DEFAULT_REGION": "eu-west-1", "PATH": ""}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    assert set(done.stdout.split()) & _HEAVY == set()
