"""Limits of the mean error over hours and days."""

import numpy as np
import pytest

from lambda_monitor.checks import error_hours
from lambda_monitor.checks.error_hours import HORIZONS, Hours, Level, Reading, Reference, Side

DAY = 24
REFERENCE = Reference(rows=10_000, variance=1.0, tolerated=1.69)
BEFORE = np.zeros(28 * DAY)


def hours(moves: np.ndarray, *, per_hour: float = 40, loss: float = 2.6) -> Hours:
    """Return hours whose mean error is moved so; losses are as large as given where it is moved."""
    rows = np.full(len(moves), float(per_hour))
    return Hours(rows, rows * moves, rows * np.where(moves == 0, 1.0, loss))


def found(moves: np.ndarray, **how: float) -> list[int]:
    """Return the hours of the horizons that are beyond their limit at the last hour."""
    readings = error_hours.readings(hours(moves, **how), REFERENCE)
    return [horizon.hours for horizon, reading in readings.items() if reading.ratio[-1] > 1]


def test_a_move_of_every_hour_is_found_within_a_day() -> None:
    assert found(np.append(BEFORE, np.full(24, 0.9))) == [24]
    assert found(np.append(BEFORE, np.full(24, -0.9))) == [24]


def test_a_storm_of_some_hours_is_not_found_although_the_day_is_as_odd() -> None:
    storm = np.append(np.zeros(18), np.full(6, 3.6))
    assert found(np.append(BEFORE, storm)) == []
    assert storm.mean() == pytest.approx(0.9)


def test_a_holiday_that_raises_no_error_is_not_found() -> None:
    assert found(np.append(BEFORE, np.full(24, -0.9)), loss=1.2) == []


def test_what_the_weeks_before_showed_is_no_sudden_move_but_a_lasting_one() -> None:
    offset = np.full(28 * DAY, 0.3)
    assert found(np.append(offset, np.full(24, 0.7))) == []
    assert found(np.append(offset, np.full(24, 0.95))) == [24]
    assert found(np.full(28 * DAY, 0.6), loss=1.2) == [7 * DAY, 14 * DAY]


def test_a_lower_mean_before_makes_no_larger_move() -> None:
    assert found(np.append(np.full(28 * DAY, -0.5), np.full(24, 0.3))) == []


def test_few_labels_need_more_than_a_day() -> None:
    def first(per_hour: float) -> int:
        moves = np.append(BEFORE, np.full(14 * DAY, 0.9))
        readings = error_hours.readings(hours(moves, per_hour=per_hour), REFERENCE)
        ratio = np.max([one.ratio for one in readings.values()], axis=0)
        return int(np.flatnonzero(ratio > 1)[0]) - len(BEFORE) + 1

    assert first(40) < first(2) <= 24
    assert 48 < first(0.5) <= 72


def test_a_lasting_move_that_ended_a_day_ago_is_not_found() -> None:
    assert found(np.append(np.full(13 * DAY, 0.8), np.zeros(24)), loss=1.2) == []


def test_a_sudden_move_needs_a_week_before_it() -> None:
    assert found(np.append(np.zeros(6 * DAY), np.full(24, 0.9))) == []
    assert found(np.append(np.zeros(7 * DAY), np.full(24, 0.9))) == [24]


def test_fewer_records_than_the_least_are_not_judged() -> None:
    assert found(np.append(BEFORE, np.full(24, 4.0)), per_hour=0.4) == []
    assert 24 in found(np.append(BEFORE, np.full(24, 4.0)), per_hour=1.3)


def test_readings_below_the_exact_share_are_upper_bounds_within_the_limit() -> None:
    rng = np.random.default_rng(3)
    series = hours(rng.normal(0.1, 0.4, 60 * DAY))
    total = [np.concatenate([[0.0], np.cumsum(part)]) for part in series]
    for horizon, reading in error_hours.readings(series, REFERENCE).items():
        first = horizon.hours + (7 * DAY if horizon.sudden else 0)
        for end in range(first, len(series.rows) + 1, 37):
            usual = error_hours._usual(
                total,
                np.array([end - horizon.hours]),
                np.sign(series.error[end - horizon.hours : end].sum()),
                sudden=horizon.sudden,
            )[0][0]
            if (
                horizon.sudden
                and series.loss[end - horizon.hours : end].sum()
                <= 1.69 * series.rows[end - horizon.hours : end].sum()
            ):
                continue
            exact = error_hours._rest(total, REFERENCE, horizon, end, usual)
            assert (exact[0] / exact[1] > 0.8) == (reading.ratio[end - 1] > 0.8)


def test_horizons_get_longer_and_keep_the_rest_of_their_hours() -> None:
    assert [horizon.hours for horizon in HORIZONS] == sorted(horizon.hours for horizon in HORIZONS)
    assert all(horizon.without <= horizon.hours / 3 for horizon in HORIZONS)


def of_segment(move: float, rows: int) -> Reading:
    level = Level(apart=0.1, variances=(1.0, 1.0), rows=(500, 9_500))
    inside = Side(np.array(rows), np.array(rows * (0.1 + move)))
    return error_hours.apart(level, inside, Side(np.array(10 * rows), np.array(0.0)), 0.35)


def test_more_rows_of_a_segment_lower_its_limit() -> None:
    assert of_segment(0.9, 40).ratio < 1 < of_segment(0.9, 120).ratio
    assert of_segment(-0.9, 120).ratio == pytest.approx(of_segment(0.9, 120).ratio)
    assert of_segment(0.3, 100_000).ratio < 1, "within the tolerance"
    assert of_segment(9.0, 29).value == 0
