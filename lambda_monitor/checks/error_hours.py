"""Limits of the mean error over hours and days, for scheduled decisions.

A target that moved for the same features moves the mean error at every hour of the day, and the error rises.
A storm moves it for some hours, a holiday does not raise the error, a season lasts. So a few days count
without their oddest hours in a row, as far as they exceed the weeks before, and if the error is beyond the
tolerance of `performance`. A longer horizon has more rows, so chance is less; it counts without its oddest
day or two, if the newest day does not contradict it.

It is a window-limited test for a change at an unknown time, as over_time.py (Willsky and Jones 1976; Lai
1998).
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from lambda_monitor.checks.few_labels import Array
from lambda_monitor.checks.score import RARER

_DAY = 24
# Least labelled records of a horizon, and of the weeks before it.
LEAST_ROWS, LEAST_BEFORE = 30, 100
# Most and least hours of the weeks before.
BEFORE, LEAST_BEFORE_HOURS = 28 * _DAY, 7 * _DAY
# Standard deviations of chance beyond the tolerance. The odd days that set the tolerance have chance in
# them too, so this is less than one window alone needs.
DEVIATIONS = 1.96
# Standard deviations of chance by which the newest day may be below half of the move.
CONTRADICTS = 2.0
# Readings are exact from this share of the limit on: an open alert ends at four fifths.
_EXACT = 0.75


class Horizon(NamedTuple):
    """Hours that are evaluated together, without so many in a row, and the tolerated move in usual errors.

    A `sudden` move counts beyond the weeks before it, and only with a larger error.
    """

    hours: int
    without: int
    tolerance: float
    sudden: bool


# Ordinary taxi days of 2018, with four references, reached 0.39, 0.35, 0.37, 0.41 and 0.39.
HORIZONS = (
    Horizon(24, 8, 0.42, sudden=True),
    Horizon(48, 12, 0.38, sudden=True),
    Horizon(72, 12, 0.40, sudden=True),
    Horizon(7 * _DAY, 24, 0.45, sudden=False),
    Horizon(14 * _DAY, 48, 0.42, sudden=False),
)
# Days, and the tolerated move of a segment against the other records.
SEGMENT_DAYS = ((1, 0.45), (2, 0.4), (3, 0.4), (5, 0.35), (7, 0.35), (14, 0.25), (21, 0.25), (28, 0.25))
# Hours of a series that decide its last hour.
HOURS = BEFORE + max(horizon.hours for horizon in HORIZONS if horizon.sudden)


class Hours(NamedTuple):
    """Labelled records per hour, oldest first: number, sum of errors, sum of losses.

    Errors are in usual errors beyond the mean of the reference, losses in its mean loss.
    """

    rows: Array
    error: Array
    loss: Array


class Reference(NamedTuple):
    """Rows of the reference, the variance of their errors in usual errors, and the tolerated loss."""

    rows: int
    variance: float
    tolerated: float

    def chance(self, rows: npt.ArrayLike) -> Array:
        """Return the standard deviation of the mean error of so many records."""
        return np.asarray(np.sqrt(self.variance * (1 / np.maximum(rows, 1) + 1 / self.rows)))


class Reading(NamedTuple):
    """Move of the mean error and its limit, at the end of each hour; 0 where it does not count."""

    value: Array
    limit: Array

    @property
    def ratio(self) -> Array:
        """The moves in units of their limits."""
        return np.asarray(self.value / self.limit)


def readings(hours: Hours, reference: Reference) -> dict[Horizon, Reading]:
    """Return the readings of each horizon, at the end of each hour."""
    total = [np.concatenate([[0.0], np.cumsum(part)]) for part in hours]
    return {horizon: _reading(total, reference, horizon) for horizon in HORIZONS}


def _reading(total: list[Array], reference: Reference, horizon: Horizon) -> Reading:
    """Return the readings of one horizon from the sums before each hour."""
    size = len(total[0]) - 1
    found = Reading(np.zeros(size), np.full(size, horizon.tolerance))
    end = np.arange(horizon.hours + (LEAST_BEFORE_HOURS if horizon.sudden else 0), size + 1)
    rows, error, loss = (part[end] - part[end - horizon.hours] for part in total)
    mean = error / np.maximum(rows, 1)
    usual, known = _usual(total, end - horizon.hours, np.sign(mean), sudden=horizon.sudden)
    counts = known & (rows >= LEAST_ROWS)
    if horizon.sudden:
        counts &= loss > reference.tolerated * rows
    moved = np.where(counts, np.maximum(np.abs(mean) - usual, 0.0), 0.0)
    found.value[end - 1] = moved
    found.limit[end - 1] = horizon.tolerance + DEVIATIONS * reference.chance(rows)
    # Without its oddest hours the mean is not larger, so only these need the exact value.
    for at in np.flatnonzero(moved > _EXACT * horizon.tolerance):
        value, limit = _rest(total, reference, horizon, int(end[at]), float(usual[at]))
        found.value[end[at] - 1], found.limit[end[at] - 1] = value, limit
    return found


def _usual(
    total: list[Array], start: npt.NDArray[np.int64], side: Array, *, sudden: bool
) -> tuple[Array, npt.NDArray[np.bool_]]:
    """Return what the weeks before `start` moved in the same direction, and whether it is known."""
    if not sudden:
        return np.zeros(len(start)), np.ones(len(start), bool)
    first = np.maximum(start - BEFORE, 0)
    rows, error = (part[start] - part[first] for part in total[:2])
    return np.maximum(side * error / np.maximum(rows, 1), 0.0), rows >= LEAST_BEFORE


def _rest(
    total: list[Array], reference: Reference, horizon: Horizon, end: int, usual: float
) -> tuple[float, float]:
    """Return move and limit without the hours in a row that leave the least of the move."""
    rows, error = (part[end] - part[end - horizon.hours] for part in total[:2])
    first = np.arange(end - horizon.hours, end - horizon.without + 1)
    left, rest = (
        whole - (part[first + horizon.without] - part[first])
        for whole, part in zip((rows, error), total, strict=False)
    )
    side = np.sign(error)
    moved = np.maximum(np.where(left > 0, side * rest / np.maximum(left, 1), 0.0) - usual, 0.0)
    limit = horizon.tolerance + DEVIATIONS * reference.chance(left)
    worst = int((moved / limit).argmin())
    if not horizon.sudden:
        newest, of_day = (part[end] - part[end - _DAY] for part in total[:2])
        least = moved[worst] / 2 - CONTRADICTS * reference.chance(newest)
        if side * of_day / max(newest, 1) < least:
            return 0.0, float(limit[worst])
    return float(moved[worst]), float(limit[worst])


class Level(NamedTuple):
    """One value of a segment column in the reference.

    `apart` is the mean error inside minus that of the other records; variances and rows are those of both.
    """

    apart: float
    variances: tuple[float, float]
    rows: tuple[int, int]


class Side(NamedTuple):
    """Labelled records inside or outside of a segment: number and sum of errors, in usual errors."""

    rows: Array
    error: Array


def apart(level: Level, inside: Side, outside: Side, tolerance: float) -> Reading:
    """Return the move of the mean error of a segment against the other records; 0 on few records."""
    sides = (inside, outside)
    means = [side.error / np.maximum(side.rows, 1) for side in sides]
    value = np.abs(means[0] - means[1] - level.apart)
    parts = zip(sides, level.variances, level.rows, strict=True)
    variance = sum(spread * (1 / np.maximum(side.rows, 1) + 1 / rows) for side, spread, rows in parts)
    enough = np.minimum(inside.rows, outside.rows) >= LEAST_ROWS
    return Reading(np.where(enough, value, 0.0), tolerance + RARER * np.sqrt(variance))
