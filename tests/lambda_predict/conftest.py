"""A tiny trained model, and the fakes AWS's limits and faults are played with."""

import pytest

from tests.lambda_predict import made


@pytest.fixture(scope="session")
def model() -> made.Model:
    return made.regression()


@pytest.fixture(scope="session")
def classifier() -> made.Model:
    return made.classification()
