"""Reports carry the version of Scorewatch that made them."""

import json

from contract.version import VERSION
from lambda_monitor import monitor
from lambda_monitor.run import Clients, Span
from lambda_monitor.settings import Settings
from tests.lambda_monitor.synthetic import HOUR, NOON, Stack, moment


def test_run_facts_and_page_carry_the_version(stack: Stack) -> None:
    stack.bundle()
    settings = Settings.from_environment(stack.environment())
    clients = Clients(s3=stack.s3, sns=stack.sns, cloudwatch=None, athena=None)  # type: ignore[arg-type]
    window = Span(start=NOON, end=NOON + HOUR, asked=True)

    report = monitor.run(clients, settings, window, moment("a"))["report"]

    assert json.loads(stack.read(report.replace("report.html", "run.json")))["scorewatch"] == VERSION
    assert f"Scorewatch {VERSION}".encode() in stack.read(report)
