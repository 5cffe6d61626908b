"""What the monitor's tests share."""

from collections.abc import Iterator

import pytest
from moto import mock_aws

from tests.lambda_monitor.synthetic import Stack


@pytest.fixture
def stack() -> Iterator[Stack]:
    with mock_aws():
        yield Stack()
