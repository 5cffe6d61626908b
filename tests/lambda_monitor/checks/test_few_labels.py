"""Means of few labelled records: less noise by predictions, days, skewed errors."""

import numpy as np
import pytest

from lambda_monitor.checks import few_labels
from lambda_monitor.checks.few_labels import Known, Sample

REFERENCE, RECORDS, LABELLED = 10_000, 2_000, 100
RATE = 3.72


def drawn(
    records: int, labelled: int, rng: np.random.Generator, *, noise: float, shift: float = 0.0
) -> Sample:
    """Return labelled records of a window whose values are what is foreseen, and exponential noise."""
    foreseen = rng.gamma(2.0, 1.0, records) + shift
    values = foreseen + noise * (rng.exponential(1.0, records) - 1)
    chosen = rng.choice(records, labelled, replace=False)
    return Sample(values[chosen], foreseen[chosen], None, float(foreseen.mean()), records)


def known(noise: float) -> Known:
    return Known.of(drawn(REFERENCE, REFERENCE, np.random.default_rng(0), noise=noise))


def test_the_mean_of_all_records_is_estimated_without_the_luck_of_the_labelled_ones() -> None:
    rng = np.random.default_rng(1)
    found = [drawn(RECORDS, LABELLED, rng, noise=0.5) for _ in range(400)]
    errors = np.array([one.estimates.mean() for one in found]) - 2.0
    plain = np.array([one.values.mean() for one in found]) - 2.0
    # Variance: 0.25/100 and 2/2,000 with predictions, 2.25/100 without.
    assert abs(errors.mean()) < 0.01
    assert errors.std() == pytest.approx(np.sqrt(0.25 / LABELLED + 2 / RECORDS), rel=0.1)
    assert errors.std() < 0.45 * plain.std()


def test_predictions_lower_the_limit_by_what_they_explain() -> None:
    with_predictions = known(0.5)
    one = drawn(RECORDS, LABELLED, np.random.default_rng(2), noise=0.5)
    reference = drawn(REFERENCE, REFERENCE, np.random.default_rng(0), noise=0.5)
    without = Known.of(Sample.plain(reference.values, None))
    limits = [
        few_labels.judge(with_predictions, one, 2.0, RATE).limit - 2.0,
        few_labels.judge(without, Sample.plain(one.values, None), 2.0, RATE).limit - 2.0,
    ]
    assert limits[0] < 0.5 * limits[1]


def test_all_records_labelled_give_their_mean() -> None:
    one = drawn(500, 500, np.random.default_rng(3), noise=1.0)
    found = few_labels.judge(known(1.0), one, 2.0, RATE)
    assert found.value == pytest.approx(one.values.mean())


@pytest.mark.parametrize("labelled", [30, 100, 400])
def test_skewed_errors_exceed_the_limit_at_the_stated_rate(labelled: int) -> None:
    quantile, rate, windows = 3.09, 0.001, 20_000
    rng = np.random.default_rng(4)
    moments = Known.of(Sample.plain(rng.exponential(1.0, REFERENCE), None))
    above = 0
    for _ in range(windows):
        window = Sample.plain(rng.exponential(1.0, labelled), None)
        found = few_labels.judge(moments, window, 1.0, quantile)
        above += found.value > found.limit
    assert above / windows < 2 * rate


def test_records_of_one_day_count_as_one_day() -> None:
    rng = np.random.default_rng(5)
    days = np.repeat(np.arange(30), 200)
    values = rng.normal(0, 1, len(days)) + np.repeat(rng.normal(0, 0.5, 30), 200)
    moments = Known.of(Sample.plain(values, days))
    assert moments.between_days == pytest.approx(0.25, rel=0.5)
    assert moments.chance(1_000, 1_000, 1.0, RATE) > 3 * moments.chance(1_000, 1_000, 30.0, RATE)
    assert Known.of(Sample.plain(values[:2_000], days[:2_000])).between_days == 0.0


def test_days_of_unequal_size_count_as_fewer() -> None:
    assert few_labels.effective_days(np.repeat([1, 2], [500, 500])) == 2.0
    assert 1.0 < few_labels.effective_days(np.repeat([1, 2], [990, 10])) < 1.05
    assert few_labels.effective_days(None) == 1.0


def test_a_day_with_most_of_the_records_is_not_left_out() -> None:
    moments = known(0.1)
    for few, left_out in ((20, False), (50, False), (150, True)):
        values, days = np.repeat([9.0, 2.0], [200, few]), np.repeat([1, 2], [200, few])
        found = few_labels.judge(moments, Sample.plain(values, days), 2.0, RATE)
        assert (found.worst == "1970-01-02", found.value > found.limit) == (left_out, not left_out)
