"""Scheduled decisions on drift: days together, odd days, ended drifts, broken senders."""

from collections.abc import Sequence
from functools import cache
from itertools import groupby

import pandas as pd
import pyarrow as pa
import pytest

from contract import bundle
from lambda_monitor.check_config import CheckConfig, CheckOverride
from lambda_monitor.checks import columns, evidence
from lambda_monitor.checks.evidence import Scheduled
from lambda_monitor.findings import CheckResult
from lambda_monitor.hours.past import BLOCK, Past, merged
from lambda_monitor.model import Model
from lambda_monitor.profiles import thresholds
from lambda_monitor.profiles.profile import Profile
from lambda_monitor.profiles.thresholds import Limit
from tests.lambda_monitor.synthetic import (
    LAYOUT,
    NOON,
    contract,
    limits,
    predict,
    profiler,
    reference,
    synthetic_rides,
)

PER_HOUR = 40
KEY = "drift.feature: trip_distance"


@cache
def hour(stretch: float, seed: int) -> Profile:
    rides = synthetic_rides(PER_HOUR, seed=seed, stretch=stretch)
    frame = rides.rename(columns={"duration": bundle.TARGET_COLUMN})
    frame[bundle.PREDICTION_COLUMN] = predict(frame["trip_distance"].to_numpy())
    return profiler(pa.Table.from_pandas(pd.DataFrame(frame), preserve_index=False))


def past(days: Sequence[float], newest: Sequence[float] = ()) -> Past:
    """Return days of that stretch of the distance, the newest last; `newest` are hours after them."""
    stretches = [stretch for day in days for stretch in [day] * 24] + list(newest)
    hours = {number: hour(stretch, 1_000 + number) for number, stretch in enumerate(reversed(stretches))}
    numbers = groupby(sorted(hours), key=lambda number: number // BLOCK)
    blocks = {block: merged(hours[n] for n in found) for block, found in numbers}
    return Past(
        end=NOON,
        blocks={b: p for b, p in blocks.items() if p is not None},
        hours=hours,
    )


def model(config: CheckConfig | None = None, *, hours: float | None = None) -> Model:
    known = thresholds.load(limits(5000))
    if hours is not None:
        wide = {
            name: {
                s: Limit(
                    noise=one.noise, chance=one.chance, few=one.few, tolerance=one.tolerance, hours=hours
                )
                for s, one in found.items()
            }
            for name, found in known.limits.items()
        }
        known = thresholds.Thresholds(
            method="",
            seed=0,
            draws=0,
            window_rows=0,
            reference_rows=5000,
            false_alarm_rate=0.001,
            limits=wide,
        )
    return Model(
        contract=contract(),
        reference=reference(),
        profile_spec=LAYOUT,
        baseline=profiler(reference()),
        thresholds=known,
        check_config=config or CheckConfig(),
    )


def decided(
    days: Sequence[float],
    newest: Sequence[float] = (),
    *,
    watched: Model | None = None,
    still_open: Sequence[str] = (),
) -> CheckResult:
    """Return the decision on the distance."""
    watched, found = watched or model(), past(days, newest)
    window = found.days(1)
    assert window is not None
    known = Scheduled(past=found, window_hours=24, open=still_open)
    results = evidence.decide(watched, window, columns.check_columns(watched, window), known)
    return next(result for result in results if result.key == KEY)


def test_ordinary_days_are_ok() -> None:
    assert decided([1.0] * 28).status == "ok"


def test_one_odd_day_is_no_alert_and_three_are() -> None:
    odd = 1.14
    alone, three = decided([1.0] * 5 + [odd]), decided([1.0] * 5 + [odd] * 3)

    window = alone.detail["evidence"]["window"]
    assert window["value"] > window["threshold"], "beyond the limit of one window"
    assert alone.status == "ok"
    assert three.status == "alert"
    assert three.detail["evidence"]["hours"] > 24


def test_an_odd_day_that_lies_across_two_windows_is_no_alert() -> None:
    assert decided([1.0] * 13, [1.16] * 24 + [1.0] * 12).status == "ok"


def test_a_small_lasting_drift_is_found_over_days() -> None:
    small = decided([1.0] * 7 + [1.1] * 14)

    window = small.detail["evidence"]["window"]
    assert window["value"] < window["threshold"], "one window does not show it"
    assert small.status == "alert"
    assert small.value is not None
    assert small.threshold is not None
    assert small.value > small.threshold
    assert "Decided over" in small.sentence
    assert "since 2026-02-" in small.sentence


def test_a_drift_that_ended_is_resolved_although_earlier_days_show_it() -> None:
    assert decided([1.4] * 14).status == "alert"
    assert decided([1.4] * 14 + [1.0] * 2).status == "ok"


@pytest.mark.parametrize("stretch", [1.48, 1.5, 1.52, 1.54])
def test_an_open_alert_of_a_drift_that_ended_is_resolved_at_every_value(stretch: float) -> None:
    """Values for which dividing and multiplying by STAYS_OPEN rounds down."""
    found = decided([stretch] * 14 + [1.0] * 2, still_open=[KEY])
    assert found.status == "ok"
    assert found.value == found.threshold, "the value counts as one at its limit"


def test_a_large_change_is_reported_within_the_first_day() -> None:
    assert decided([1.0] * 13, [1.8] * 12).status == "alert"


def test_a_broken_sender_is_found_within_hours_if_the_reference_knows_its_hours() -> None:
    hours = [1.609] * 3

    assert decided([1.0] * 14, hours, watched=model(hours=0.1)).status == "alert"
    assert decided([1.0] * 14, hours, watched=model(hours=0.6)).status == "ok", "nights differ as much"
    assert decided([1.0] * 14, [40.0] * 3, watched=model(hours=0.6)).detail["evidence"]["hours"] == 3


def test_an_open_alert_ends_below_four_fifths_of_its_limit() -> None:
    days = [1.0] * 5 + [1.14]
    first = decided(days)
    assert first.status == "ok"
    again = decided(days, still_open=[KEY])

    assert again.threshold == pytest.approx(evidence.STAYS_OPEN * first.threshold, rel=0.3)
    assert again.status == ("alert" if again.value > again.threshold else "ok")


def test_the_users_limit_decides_at_once() -> None:
    config = CheckConfig(checks={"drift.feature": CheckOverride(threshold=0.01)})
    found = decided([1.0] * 14, watched=model(config))

    assert found.status == "alert"
    assert "evidence" not in found.detail


def test_a_higher_rate_of_false_alerts_decides_no_later() -> None:
    days = [1.0] * 13 + [1.0] * 7
    lax = model(CheckConfig(false_alerts_per_year=100))

    assert decided(days, watched=lax).threshold <= decided(days).threshold


def test_without_a_day_leaves_out_every_24_hours() -> None:
    found = past([1.0] * 3)
    rests = list(found.without_a_day(3))

    assert {rest.rows for rest in rests if rest is not None} == {2 * 24 * PER_HOUR}
    assert len(rests) == 2 * 24 // BLOCK + 1


def test_ranks_show_a_change_of_all_values_within_a_day() -> None:
    found = decided([1.0] * 5 + [1.18])

    assert found.status == "alert"
    assert found.detail["statistic"] == "rank"
    assert "standard deviations of their ranks" in found.sentence
    window = past([1.18]).days(1)
    assert window is not None
    by_hand = next(r for r in columns.check_columns(model(), window) if r.key == KEY)
    assert "rank" not in by_hand.detail["all"]
