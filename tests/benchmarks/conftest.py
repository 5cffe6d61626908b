"""The pool of odd days, made once per process."""

import numpy as np
import pytest

from benchmarks.alert_quality.drift import Drift
from benchmarks.by_chance.monitor import Monitor
from benchmarks.by_chance.pool import Pool
from benchmarks.by_chance.series import Series
from lambda_monitor.checks.over_time import DAY, Plan
from tests.benchmarks import odd_days


@pytest.fixture(scope="session")
def pool() -> Pool:
    return odd_days.made_pool(odd_days.made_model())


@pytest.fixture(scope="session")
def monitor(pool: Pool) -> Monitor:
    return Monitor(pool)


@pytest.fixture(scope="session")
def plan(pool: Pool) -> Plan:
    return Plan.of(pool.model.thresholds, 0.1, "ignore", DAY)


@pytest.fixture(scope="session")
def drift(pool: Pool, plan: Plan) -> Drift:
    """The days of the pool as they came."""
    return Drift(Series.of(pool, np.arange(odd_days.DAYS)), plan)
