"""Commands and runbook sections that notifications and alarms name."""

import argparse
import re
import shlex
import subprocess
from pathlib import Path

import msgspec
import pytest

from lambda_monitor.alerts import advice, messages
from lambda_monitor.alerts.payload import Kind
from lambda_monitor.check_config import CHECKS, CUSTOM
from local import report_site
from ops.__main__ import main as ops_main
from tests.lambda_monitor.alerts.test_messages import BEFORE, DRIFT, context
from tests.lambda_monitor.synthetic import MODEL
from training.cli import main as training_main

ROOT = Path(__file__).resolve().parents[3]
RUNBOOK = (ROOT / advice.RUNBOOK).read_text()
EVERY = [msgspec.structs.replace(DRIFT, name=name) for name in (*CHECKS, f"{CUSTOM}.own")]


def commands(text: str) -> list[str]:
    return re.findall(r"^ *(?:in a terminal: *)?((?:make|aws) .*)$", text, re.MULTILINE)


def alarm_keys() -> set[str]:
    files = [path for name in ("alerts", "notifier") for path in (ROOT / "infra/modules" / name).glob("*.tf")]
    text = "\n".join(path.read_text() for path in files)
    found = set(re.findall(r'^ {4,6}"([a-z-]+)" = \{', text, re.MULTILINE))
    found |= set(re.findall(r'alarm_name +=  *"\$\{var\.prefix\}-(?!part-)([a-z-]+)"', text))
    return (
        found
        | {"delivery-late", "input-throttled", "output-throttled"}
        | {f"{objective}-budget-{pace}" for objective in ("scoring", "lake") for pace in ("fast", "slow")}
        | {
            f"{function}-{metric}"
            for function in ("predict", "monitor")
            for metric in ("errors", "throttles", "destination-failed")
        }
    )


@pytest.mark.parametrize(
    ("version", "rollback"), [("3", "make rollback USE_CASE=green_taxi VERSION=2"), ("1", None), ("x", None)]
)
def test_commands_name_the_use_case_and_an_earlier_version(version: str, rollback: str | None) -> None:
    model = msgspec.structs.replace(MODEL, version=version)

    found = commands(messages.compose(context(*EVERY, model=model), Kind.ALERT, BEFORE).text)

    assert "make retrain USE_CASE=green_taxi" in found
    assert "make report USE_CASE=green_taxi" in found
    assert [c for c in found if "rollback" in c] == ([rollback] if rollback else [])


class ParsedError(Exception):
    """The command line was accepted."""


def test_every_make_command_of_a_notification_is_accepted(monkeypatch: pytest.MonkeyPatch) -> None:
    model = msgspec.structs.replace(MODEL, version="3")
    text = messages.compose(context(*EVERY, model=model), Kind.ALERT, BEFORE).text
    parse = argparse.ArgumentParser.parse_args

    def stop(self: argparse.ArgumentParser, arguments: list[str] | None = None) -> None:
        raise ParsedError(parse(self, arguments))

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", stop)
    mains = {"ops": ops_main, "training": training_main, "local.report_site": report_site.main}
    accepted = []
    for command in (c for c in commands(text) if c.startswith("make ")):
        # The environment counts as set up, whatever the lock's date.
        dry = [*shlex.split(command), "-n", "-o", ".venv/.ready"]
        printed = subprocess.run(dry, cwd=ROOT, capture_output=True, text=True, check=True).stdout
        for module, arguments in re.findall(r"python -m (\S+) (.*)", printed):
            with pytest.raises(ParsedError) as parsed:
                mains[module](shlex.split(arguments))
            [given] = parsed.value.args
            assert given.use_case == "green_taxi"
            accepted.append((module, getattr(given, "version", None)))
    assert {("ops", "2"), ("training", "2"), ("local.report_site", None)} <= set(accepted)


def test_the_runbook_has_a_section_for_each_check_and_alarm() -> None:
    anchors = set(re.findall(r'<a id="([^"]+)">', RUNBOOK))
    checks = {anchor.partition("#")[2] for anchor in advice.anchors(check.name for check in EVERY)}
    assert len(checks) > 5
    assert checks | {f"alarm-{key}" for key in alarm_keys()} == anchors


def test_a_notification_names_account_region_pages_and_runbook() -> None:
    performance = msgspec.structs.replace(DRIFT, name="performance", columns=[])

    text = messages.compose(context(DRIFT, performance), Kind.ALERT, BEFORE).text

    for expected in (
        "AWS account: 123456789012, region: eu-west-1",
        "Report: s3://lake/reports/m/w/report.html",
        "Performance report: s3://lake/reports/m/w/performance.html",
        "All reports: s3://lake/reports/index.html",
        "Runbook: docs/operations.md#check-drift, docs/operations.md#check-performance",
        "https://console.aws.amazon.com/s3/object/lake?region=eu-west-1&prefix=reports/m/w/report.html",
    ):
        assert expected in text
    assert "performance.html" not in messages.compose(context(DRIFT), Kind.ALERT, BEFORE).text
