"""A tiny trained model, and the fakes AWS's limits and faults are played with."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import made


@pytest.fixture(scope="session")
def model() -> made.Model:
    return made.regression()


@pytest.fixture(scope="session")
def classifier() -> made.Model:
    return made.classification()
