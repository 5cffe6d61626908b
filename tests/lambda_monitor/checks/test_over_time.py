"""Limits for a rate of false alerts per year."""

import numpy as np
import pytest

from lambda_monitor.checks import over_time
from lambda_monitor.checks.over_time import DAYS, Plan
from lambda_monitor.profiles import thresholds
from lambda_monitor.profiles.distances import LEVEL, MIX, SHAPE, SHIFT, SPREAD
from lambda_monitor.profiles.thresholds import Horizon, Limit
from tests.lambda_monitor.synthetic import limits

YEARS = 400
ORDER = (SHIFT, LEVEL, SPREAD, over_time.SEGMENT, SHAPE, MIX)


@pytest.mark.parametrize("hours", [24, 96])
def test_a_sum_of_noise_exceeds_its_level_as_often_as_asked(hours: int) -> None:
    """Replayed: a moving sum looked at every hour, its excesses counted once while they overlap."""
    per_year = 4.0
    total = np.cumsum(np.random.default_rng(1).standard_normal(YEARS * 8766))
    moving = np.abs(total[hours:] - total[:-hours]) / np.sqrt(hours)
    beyond = np.flatnonzero(moving > over_time.level(per_year, hours))
    starts = 1 + int((np.diff(beyond) > hours).sum())

    assert starts / YEARS == pytest.approx(per_year, rel=0.25)


def test_rates_of_all_limits_add_up_to_the_asked_one() -> None:
    known = thresholds.load(limits(5000))
    count = sum(len(found) for found in known.limits.values()) + len(known.segments)
    plan = Plan.of(known, 0.1, "ignore", 24)

    # The level of one window's limits, from its false-alarm rate.
    before = -over_time._NORMAL.inv_cdf(known.false_alarm_rate / count / 2)
    rates = [over_time.rate(plan.window.noise * before, 24)]
    rates += [over_time.rate(h.noise / over_time._SEVERAL_DAYS * before, 24 * h.days) for h in plan.days]
    rates.append(over_time.rate(plan.newest.noise * before, 1))
    of_hours = {hours: h.noise / over_time._ODD_HOURS for hours, h in plan.same_hours.items()}
    rates += [over_time.rate(noise * before, hours) for hours, noise in of_hours.items()]
    ranks = sum(SHIFT in found for found in known.limits.values())
    assert sum(rates) * (count + ranks) == pytest.approx(0.1, rel=0.01)
    assert [h.days for h in plan.days] == list(DAYS[1:])


def test_fewer_false_alerts_need_more_evidence() -> None:
    known = thresholds.load(limits(5000))
    noises = [Plan.of(known, rate, "ignore", 24).window.noise for rate in (0.01, 0.1, 1.0)]

    assert noises == sorted(noises, reverse=True)
    assert noises[-1] >= 1


def test_a_single_day_has_a_margin_and_two_weeks_have_less_tolerance() -> None:
    limit = Limit(noise=4.0, chance=3.3, few=1.0, tolerance=0.06, weeks=0.048)
    window = limit.at(100_000, 10_000)

    assert limit.at(100_000, 10_000, horizon=Horizon(margin=1.5)) == pytest.approx(1.5 * window)
    assert limit.at(100_000, 10_000, horizon=Horizon(days=7)) == window
    assert limit.at(100_000, 10_000, horizon=Horizon(days=14)) == pytest.approx(window - 0.012)


def test_odd_days_may_differ_more_in_means_than_in_whole_distributions() -> None:
    window = Horizon(margin=over_time.ODD_DAY)
    margins = [over_time.for_statistic(window, of).margin for of in ORDER]

    assert margins == [1.5, 1.35, 1.1, 1.1, 1.0, 1.0]
    assert over_time.for_statistic(Horizon(days=7), SHIFT) == Horizon(days=7), "several days have no margin"
    newest = Horizon(margin=over_time.ODD_DAY, part_of_day=True)
    assert over_time.for_statistic(newest, SHAPE) == newest


def test_counted_seasons_have_no_margin_for_odd_days() -> None:
    known = thresholds.load(limits(5000))

    assert Plan.of(known, 0.1, "count", 24).window.margin == 1
    assert Plan.of(known, 0.1, "ignore", 24).window.margin == over_time.ODD_DAY
