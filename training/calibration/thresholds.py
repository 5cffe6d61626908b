"""Drift thresholds per column, from noise and natural change.

Noise is found by resampling (resampling.py) at two window sizes; in between and beyond it scales with
sqrt(1/n + 1/m), so one file serves windows of every size.
"""

from typing import TYPE_CHECKING

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from contract import bundle
from contract.schema import Contract
from lambda_monitor.lake import texts
from lambda_monitor.profiles import segments
from lambda_monitor.profiles.distances import LEVEL, MIX, SHAPE, SHIFT, SPREAD, grouped
from lambda_monitor.profiles.profile import Profile, ProfileSpec, numbers
from lambda_monitor.profiles.thresholds import LEAST_ROWS, MANY_ROWS, Limit, Thresholds
from training.calibration import resampling, seasons
from training.calibration.seasons import Chance, Key, Seasons

if TYPE_CHECKING:
    import pandas as pd

METHOD = "resampling of window and reference, generalised Pareto tail, Bonferroni, tolerance"
# Tolerated changes: about the difference between ordinary months of real taxi trips (make bench-alerts),
# and a third or less of a relevant shift.
TOLERANCE = {SHIFT: 0.06, SPREAD: 0.1, SHAPE: 0.04, MIX: 0.06, LEVEL: 0.03}
# Target and predictions vary more by season than features; performance checks cover the model's error.
FACTOR = {bundle.TARGET_COLUMN: 3.0, bundle.PREDICTION_COLUMN: 1.5}
# A single ordinary day, such as one of snow, moves the mean duration of taxi rides by up to 0.3 standard
# deviations; performance.mean_error detects a smaller move of the target for the same features.
OWN_TOLERANCE = {(bundle.TARGET_COLUMN, SHIFT): 0.3}
# Between ordinary taxi months a segment's mean prediction moves by about 0.05 standard deviations.
SEGMENT_TOLERANCE = 0.15
# Of the tolerance, the part that ordinary months need: odd days and weekdays cancel over two weeks.
LONG_PART = 0.8
# Probability that a change of exactly the tolerance is reported, per statistic.
_TOLERATED_RATE = 1e-3

Array = npt.NDArray[np.float64]
Drawn = dict[Key, Array]


def compute(
    reference: "pd.DataFrame", contract: Contract, *, window_rows: int, false_alarm_rate: float, seed: int
) -> bytes:
    """Return `thresholds.json`, valid for windows of every size.

    `window_rows` is the usual size, `false_alarm_rate` the probability that a window without drift
    raises any drift alert.
    """
    table = texts.measured(contract, pa.Table.from_pandas(reference, preserve_index=False))
    specs = ProfileSpec.of(contract, table)
    rng = np.random.default_rng(seed)
    many, few = (_draw(table, specs, size, rng) for size in (MANY_ROWS, LEAST_ROWS))
    levels = specs.segments.levels if specs.segments is not None else {}
    rate = false_alarm_rate / max(len(many) + len(levels), 1)
    return Thresholds(
        method=METHOD,
        seed=seed,
        draws=resampling.DRAWS,
        window_rows=window_rows,
        reference_rows=len(reference),
        false_alarm_rate=false_alarm_rate,
        limits=_limits(many, few, rate, table, specs),
        segments={
            name: _segment_limit(_residuals(table, specs, name), rate / len(levels[name]), rng)
            for name in levels
        },
    ).to_json()


def _draw(reference: pa.Table, specs: ProfileSpec, size: int, rng: np.random.Generator) -> Drawn:
    """Return draws of every statistic, in units of sqrt(1/n + 1/m)."""
    whole = Profile.of(reference, specs)
    drawn: Drawn = {}
    for name in specs.columns:
        if name in specs.numeric:
            values = numbers(reference.column(name))
            rows, found = len(values), resampling.numeric(values, specs.numeric[name], size, rng)
        else:
            counts = grouped(whole.categorical[name], specs.categorical[name])
            rows, found = sum(counts), resampling.categorical(counts, size, rng)
        unit = float(np.sqrt(1 / size + 1 / rows))
        drawn |= {(name, statistic): values / unit for statistic, values in found.items()}
    return drawn


def _limits(
    many: Drawn, few: Drawn, rate: float, reference: pa.Table, specs: ProfileSpec
) -> dict[str, dict[str, Limit]]:
    """Return the limit of every statistic by column.

    `rate` is the false-alarm rate of one limit.
    """
    chance = {
        key: Chance(usual=float(np.sqrt((units**2).mean())), rare=resampling.exceeded(units, _TOLERATED_RATE))
        for key, units in many.items()
    }
    natural = seasons.natural(reference, specs, chance) or Seasons(dict.fromkeys(many, 0.0), {}, {})
    limits: dict[str, dict[str, Limit]] = {name: {} for name in specs.columns}
    for key, units in many.items():
        name, statistic = key
        least = OWN_TOLERANCE.get(key, TOLERANCE[statistic] * FACTOR.get(name, 1.0))
        tolerance = max(least, natural.days[key])
        limit = _limit(units, few[key], rate, chance[key].rare, tolerance)
        hours = round(max(tolerance, natural.hours[key]), 6) if natural.hours else None
        weeks = round(min(tolerance, max(LONG_PART * least, natural.weeks.get(key, 0.0))), 6)
        limits[name][statistic] = msgspec.structs.replace(limit, hours=hours, weeks=weeks)
    return limits


def _limit(many: Array, few: Array, rate: float, rare: float, tolerance: float) -> Limit:
    """Return the limit of one statistic from draws at two window sizes."""
    noise = resampling.exceeded(many, rate)
    factors = [
        resampling.exceeded(few, at) / limit
        for at, limit in ((rate, noise), (_TOLERATED_RATE, rare))
        if limit > 0
    ]
    return Limit(
        noise=round(noise, 6),
        chance=round(rare, 6),
        few=round(max([1.0, *factors]), 6),
        tolerance=round(tolerance, 6),
    )


def _residuals(table: pa.Table, specs: ProfileSpec, column: str) -> Array:
    """Return each reference row's outcome, standardized within its segment."""
    spec = specs.segments
    if spec is None:
        return np.empty(0)
    rows = pa.table({"level": table.column(column).cast(pa.string()), "value": table.column(spec.outcome)})
    frame = rows.to_pandas().dropna()
    frame = frame[frame["level"].isin(spec.levels[column])]
    grouped = frame["value"].astype(float).clip(*spec.clip).groupby(frame["level"])
    deviation = grouped.transform("std", ddof=0)
    residuals = (frame["value"].clip(*spec.clip) - grouped.transform("mean"))[deviation > 0]
    return np.asarray(residuals / deviation[deviation > 0], dtype=np.float64)


def _segment_limit(residuals: Array, rate: float, rng: np.random.Generator) -> Limit:
    """Return the limit of each segment of a column.

    `rate` is the false-alarm rate of one segment.
    """
    if not len(residuals):
        return Limit(noise=0.0, chance=0.0, few=1.0, tolerance=SEGMENT_TOLERANCE)
    sizes = (segments.LEAST_ROWS, MANY_ROWS)
    few, many = (
        resampling.shift(residuals, size, rng) / float(np.sqrt(1 / size + 1 / len(residuals)))
        for size in sizes
    )
    rare = resampling.exceeded(many, _TOLERATED_RATE)
    return _limit(many, few, rate, rare, SEGMENT_TOLERANCE)
