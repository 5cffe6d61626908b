"""Fixtures of the monitor's tests."""

import importlib
import json
from collections.abc import Iterator
from datetime import datetime

import pytest
from moto import mock_aws

from tests.lambda_monitor.synthetic import HOUR, NOON, Context, Stack


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
