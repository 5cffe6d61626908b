"""Fixtures: two small trained models."""

import pytest

from tests.lambda_predict import synthetic


@pytest.fixture(scope="session")
def model() -> synthetic.Model:
    return synthetic.regression()


@pytest.fixture(scope="session")
def classifier() -> synthetic.Model:
    return synthetic.classification()
