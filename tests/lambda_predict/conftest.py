"""A tiny trained model, and the fakes AWS's limits and faults are played with."""

import pytest

from tests.lambda_predict import synthetic


@pytest.fixture(scope="session")
def model() -> synthetic.Model:
    return synthetic.regression()


@pytest.fixture(scope="session")
def classifier() -> synthetic.Model:
    return synthetic.classification()
