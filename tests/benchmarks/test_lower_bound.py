"""The bound on the delay, beside the procedure that attains it."""

import numpy as np
import pytest

from benchmarks.alert_quality.lower_bound import least_delay

DEVIATIONS, PER_DAY, PER_YEAR = 0.5, 100, 3.0


def test_a_fifth_of_a_deviation_takes_days_at_330_records_per_day() -> None:
    """By hand: 14 statistics and one alert in ten years; h is 12.73, since exp(h) - h - 1 = A / 50."""
    records = 330 * 365.25 * 140
    level = 12.73
    assert np.exp(level) - level - 1 == pytest.approx(0.02 * records, rel=0.01)

    days = least_delay(0.2, per_day=330, false_alerts_per_year=0.1, statistics=14)
    assert days * 330 == pytest.approx(50 * (level - 1), rel=0.001)
    assert days * 24 == pytest.approx(42.7, abs=0.1)
    assert 0.6 < days * 330 / (50 * np.log(records)) < 1, "below Lorden's first-order term"
    many = least_delay(0.2, per_day=24_000, false_alerts_per_year=0.1, statistics=14)
    assert many * 24 == pytest.approx(0.8, abs=0.01)


def cusum(values: np.ndarray, level: float) -> np.ndarray:
    """Return the first record at which the log likelihood ratio of a drift exceeds `level`, by row."""
    steps = DEVIATIONS * values - DEVIATIONS**2 / 2
    total, first = np.zeros(len(values)), np.zeros(len(values), int)
    for number in range(values.shape[1]):
        total = np.maximum(total, 0) + steps[:, number]
        first[(total > level) & (first == 0)] = number + 1
    assert (first > 0).all(), "every series is long enough"
    return first


def test_the_optimal_procedure_is_near_the_bound_and_not_below_it() -> None:
    """CUSUM at the level of the bound: no more false alarms than asked for, and hardly more delay."""
    rng = np.random.default_rng(1)
    divergence, records = DEVIATIONS**2 / 2, PER_DAY * 365.25 / PER_YEAR
    level = next(h for h in np.arange(0, 20, 0.01) if np.exp(h) - h - 1 >= records * divergence)
    delay = cusum(rng.standard_normal((2_000, 600)) + DEVIATIONS, level).mean()

    bound = least_delay(DEVIATIONS, per_day=PER_DAY, false_alerts_per_year=PER_YEAR, statistics=1) * PER_DAY
    assert bound <= delay <= 1.25 * bound
