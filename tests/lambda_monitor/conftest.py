"""Fixtures of the monitor's tests."""

import importlib
import json
from collections.abc import Iterator
from datetime import datetime

import pytest
from moto import mock_aws

from lambda_monitor import monitor
from lambda_monitor.run import Clients, Span
from lambda_monitor.settings import Settings
from tests.lambda_monitor.synthetic import HOUR, NOON, Context, Stack, moment


@pytest.fixture
def stack() -> Iterator[Stack]:
    with mock_aws():
        yield Stack()


@pytest.fixture
def invoke(stack: Stack, monkeypatch: pytest.MonkeyPatch):
    for name, value in stack.environment().items():
        monkeypatch.setenv(name, value)
    handler = importlib.reload(importlib.import_module("lambda_monitor.handler"))

    def call(start: datetime = NOON, end: datetime = NOON + HOUR, request_id: str = "request") -> dict:
        event = {"start": start.isoformat(), "end": end.isoformat()}
        # Lambda returns the result as JSON.
        return json.loads(json.dumps(handler.handler(event, Context(request_id))))

    return call


@pytest.fixture
def scheduled(stack: Stack):
    """Return a function that runs the monitor on an hour, as the schedule does after its end."""
    settings = Settings.from_environment(stack.environment())
    clients = Clients(s3=stack.s3, sns=stack.sns, cloudwatch=None, athena=None)

    def call(start: datetime = NOON, end: datetime = NOON + HOUR, request_id: str = "request") -> dict:
        run = moment(request_id, end + HOUR / 12)
        return monitor.run(clients, settings, Span(start=start, end=end, asked=False), run)

    return call
