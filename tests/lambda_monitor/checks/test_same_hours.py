"""Newest hours against the same hours of the week before: broken senders, odd hours, ended drifts."""

from collections.abc import Sequence
from itertools import groupby

import numpy as np
import pytest

from lambda_monitor.check_config import CheckConfig
from lambda_monitor.checks import columns, evidence, same_hours
from lambda_monitor.checks.evidence import Scheduled
from lambda_monitor.checks.over_time import DAY, Plan
from lambda_monitor.checks.same_hours import SameHours
from lambda_monitor.findings import CheckResult
from lambda_monitor.hours.past import BLOCK, Past, merged
from lambda_monitor.model import Model
from lambda_monitor.profiles.distances import RANK, rank_distance
from lambda_monitor.profiles.profile import Profile
from tests.lambda_monitor.checks.test_evidence import KEY, hour, model
from tests.lambda_monitor.synthetic import NOON

BROKEN = 3.0
NIGHT = 2.5


def past(hours: Sequence[Profile | None]) -> Past:
    """Return hours in order of time, the newest last; None for an hour without records."""
    numbered = {number: one for number, one in enumerate(reversed(hours)) if one is not None}
    blocks = {
        block: merged(numbered[n] for n in found)
        for block, found in groupby(sorted(numbered), key=lambda number: number // BLOCK)
    }
    return Past(end=NOON, blocks={b: p for b, p in blocks.items() if p is not None}, hours=numbered)


def stretched(*parts: tuple[int, float]) -> list[Profile | None]:
    """Return hours that differ by chance, in parts of a number of hours and a factor of the distance."""
    factors = [factor for count, factor in parts for _ in range(count)]
    return [hour(factor, 5_000 + number) for number, factor in enumerate(factors)]


def search(found: Past, watched: Model | None = None, *, least: float = 1.0) -> same_hours.Found | None:
    watched = watched or model()
    config = watched.check_config
    plan = Plan.of(watched.thresholds, config.false_alerts_per_year, config.seasonality, DAY)
    return SameHours(watched, config, plan, found).search("drift.feature", "trip_distance", least)


def decided(found: Past, still_open: Sequence[str] = ()) -> CheckResult:
    window = found.days(1)
    assert window is not None
    watched = model()
    known = Scheduled(past=found, window_hours=24, open=still_open)
    results = evidence.decide(watched, window, columns.check_columns(watched, window), known)
    return next(result for result in results if result.key == KEY)


def test_a_broken_sender_is_found_in_the_hours_with_enough_records() -> None:
    ordinary, broken = (past(stretched((22 * DAY, 1.0), (3, f))) for f in (1.0, BROKEN))

    assert search(ordinary) is None
    found = search(broken)
    assert found is not None
    assert (found.hours, found.worst.of) == (3, RANK)
    assert found.worst.rows == 120
    result = decided(broken)
    assert result.status == "alert"
    assert "newest 3 hours (120 values), against the same hours of the 7 days before" in result.sentence
    assert result.detail["evidence"]["hours"] == 3


def test_differences_between_hours_of_the_day_do_not_widen_the_limit() -> None:
    broken = past(stretched((22 * DAY, 1.0), (3, BROKEN)))
    wide = model(CheckConfig(seasonality="ignore_hours"), hours=0.9)
    one, other = search(broken), search(broken, wide)

    assert one is not None
    assert other is not None
    assert other.worst.limit == one.worst.limit


def test_too_few_records_and_too_few_days_are_not_compared() -> None:
    assert search(past(stretched((22 * DAY, 1.0), (1, BROKEN)))) is None, "40 records"
    assert search(past(stretched((13 * DAY, 1.0), (3, BROKEN)))) is None, "no seven earlier comparisons"
    assert search(past(stretched((15 * DAY, 1.0), (3, BROKEN)))) is not None


def nights(hours: int) -> list[tuple[int, float]]:
    """Return hours of days whose last three hours differ, up to a number of hours."""
    factors = [NIGHT if number % DAY >= DAY - 3 else 1.0 for number in range(hours)]
    return [(len(list(same)), factor) for factor, same in groupby(factors)]


def test_hours_that_differ_every_day_are_no_drift() -> None:
    assert search(past(stretched(*nights(22 * DAY)))) is None
    by_day = past(stretched((22 * DAY - 3, 1.0), (3, NIGHT)))
    assert search(by_day) is not None, "on days without such hours they are"


@pytest.mark.parametrize("earlier", [3, 9, 13])
def test_a_change_as_on_an_earlier_day_is_no_drift(earlier: int) -> None:
    """Such as a weekend, also after more than a week."""
    days = stretched((22 * DAY, 1.0), (6, BROKEN))
    first = len(days) - DAY * earlier - 6
    days[first : first + 6] = stretched((6, BROKEN))

    assert search(past(days)) is None
    counted = model(CheckConfig(seasonality="count"))
    assert search(past(days), counted) is not None, "with every odd day counted"


def test_the_end_of_a_drift_is_none() -> None:
    repaired = past(stretched((8 * DAY, 1.0), (20 * DAY, BROKEN), (12, 1.0)))

    assert search(repaired) is None
    ended = decided(past(stretched((6 * DAY, 1.0), (20 * DAY, BROKEN), (2 * DAY, 1.0))), [KEY])
    assert ended.status == "ok"


def test_hours_without_records_are_left_out() -> None:
    hours = stretched((22 * DAY, 1.0), (5, BROKEN))
    hours[-1] = hours[-DAY] = None
    found = search(past(hours))

    assert found is not None
    assert found.worst.rows == 40 * (found.hours - 1)


def test_an_open_alert_needs_less() -> None:
    fading = past(stretched((22 * DAY, 1.0), (8, 1.32)))

    assert search(fading) is None
    assert decided(fading).status == "ok"
    still = decided(fading, [KEY])
    assert still.status == "alert"
    assert "against the same hours" in still.sentence


def test_rank_distance_is_the_shift_in_standard_deviations_of_ranks() -> None:
    """Ranks of two halves are one standard deviation from their mean; a constant week has a least one."""
    even, first, last = np.array([0.5, 0.5]), np.array([1.0, 0.0]), np.array([0.0, 1.0])

    assert rank_distance(even, even, last) == pytest.approx(1.0)
    assert rank_distance(even, even, even) == 0
    assert rank_distance(even, first, last) == pytest.approx(4.0)
