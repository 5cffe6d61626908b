"""Drift statistics: distances between a current profile and the reference, per column.

Each is 0 for equal distributions; sampling noise alone gives it a size proportional to
sqrt(1/n + 1/m) for n current and m reference rows. thresholds.py uses both facts.
"""

from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from lambda_monitor.profiles.profile import Categorical, CategoricalSpec, Numeric, Profile, shares
from lambda_monitor.profiles.segments import TOP_LEVELS

SHIFT, SPREAD, SHAPE, MIX, LEVEL = "shift", "spread", "shape", "mix", "level"
# Of scheduled decisions only: its noise is known without calibration.
RANK = "rank"
# Least standard deviation of ranks, in units of the reference's: a column may be constant for days.
LEAST_SPREAD = 0.5

Array = npt.NDArray[np.float64]


class Distance(msgspec.Struct, frozen=True):
    """The value of a statistic, and its direction in words and numbers."""

    value: float
    words: str


def distances(
    reference: Profile, current: Profile, column: str, specs: Any, shown: Callable[[str], str] = str
) -> dict[str, Distance]:
    """Return the statistics of one column by name; empty if either side has no values.

    `shown` returns a level's text for the words.
    """
    if column in reference.numeric and column in current.numeric:
        return _numeric(reference.numeric[column], current.numeric[column])
    if column in reference.categorical and column in current.categorical:
        return _categorical(
            reference.categorical[column], current.categorical[column], specs.categorical[column], shown
        )
    return {}


def moments(column: Numeric) -> tuple[float, float]:
    """Return mean and standard deviation of the clipped values."""
    mean = column.total / column.count
    return mean, float(np.sqrt(max(column.squares / column.count - mean**2, 0.0)))


def shape_distance(reference: Array, current: Array) -> Array:
    """Return the Kolmogorov-Smirnov distance of two histograms, along the last axis."""
    return np.asarray(np.abs(np.cumsum(current - reference, axis=-1)).max(axis=-1))


def mix_distance(reference: Array, current: Array) -> Array:
    """Return the Hellinger distance of two sets of shares, along the last axis."""
    return np.asarray(np.sqrt(0.5 * ((np.sqrt(current) - np.sqrt(reference)) ** 2).sum(axis=-1)))


def level_distance(reference: Array, current: Array) -> Array:
    """Return the largest change of one level's share, along the last axis.

    With few levels it has more power than the Hellinger distance, which sums the noise of all levels.
    """
    return np.asarray(np.abs(current - reference).max(axis=-1))


def rank_scores(reference: Array) -> Array:
    """Return the mean rank of each bin in the reference, from the shares of its histogram."""
    return np.asarray(np.cumsum(reference) - reference / 2)


def rank_distance(reference: Array, before: Array, now: Array) -> Array:
    """Return by how many standard deviations of `before` the mean rank moved, along the last axis.

    All three are shares of the same bins; ranks are those in the reference.
    """
    scores = rank_scores(reference)
    least = LEAST_SPREAD * rank_spread(reference)
    spread = np.maximum(_spread(before @ scores, before @ scores**2), least)
    return np.asarray(np.abs(now @ scores - before @ scores) / spread)


def rank_spread(reference: Array) -> float:
    """Return the standard deviation of the ranks in the reference."""
    scores = rank_scores(reference)
    return float(_spread(reference @ scores, reference @ scores**2))


def _spread(mean: Array, squares: Array) -> Array:
    return np.asarray(np.sqrt(np.maximum(squares - mean**2, 0.0)))


def rank(reference: Numeric, before: Numeric, now: Numeric) -> Distance:
    """Return the shift of ranks between two profiles of a column with values."""
    value = float(rank_distance(*(shares(one.histogram) for one in (reference, before, now))))
    (mean, _), (mean_now, _) = moments(before), moments(now)
    return Distance(
        value,
        f"its values moved by {value:.2f} standard deviations of their ranks "
        f"(mean {mean:.4g} then, {mean_now:.4g} now)",
    )


def grouped(column: Categorical, specs: CategoricalSpec) -> list[int]:
    """Return the counts of the reference's commonest levels, and the sum of all others."""
    top = [column.levels.get(level, 0) for level in specs.levels[:TOP_LEVELS]]
    return [*top, column.count - sum(top)]


def _numeric(reference: Numeric, current: Numeric) -> dict[str, Distance]:
    if not reference.count or not current.count:
        return {}
    (mean, deviation), (mean_now, deviation_now) = moments(reference), moments(current)
    found = {}
    if deviation > 0:
        shift = (mean_now - mean) / deviation
        way = "higher" if shift > 0 else "lower"
        found[SHIFT] = Distance(
            abs(shift),
            f"its mean is {abs(shift):.2f} standard deviations {way} ({mean:.4g} then, {mean_now:.4g} now)",
        )
        ratio = deviation_now / deviation
        way = "wider" if ratio > 1 else "narrower"
        found[SPREAD] = Distance(
            # A constant column has a deviation of 0; the logarithm must stay finite.
            abs(float(np.log(max(ratio, 1e-6)))),
            f"its spread is {way} ({deviation:.4g} then, {deviation_now:.4g} now)",
        )
    distance = float(shape_distance(shares(reference.histogram), shares(current.histogram)))
    found[SHAPE] = Distance(distance, f"{distance:.0%} of its values moved to another part of the range")
    return found


def _categorical(
    reference: Categorical, current: Categorical, specs: CategoricalSpec, shown: Callable[[str], str]
) -> dict[str, Distance]:
    if not reference.count or not current.count:
        return {}
    before, now = shares(grouped(reference, specs)), shares(grouped(current, specs))
    top = specs.levels[:TOP_LEVELS]
    most = int(np.abs(now - before).argmax())
    name = shown(top[most]) if most < len(top) else "all other values"
    words = f"its mix changed, {name} most ({before[most]:.1%} then, {now[most]:.1%} now)"
    return {
        MIX: Distance(float(mix_distance(before, now)), words),
        LEVEL: Distance(float(level_distance(before, now)), words),
    }
