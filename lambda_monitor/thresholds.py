"""How far from the reference is too far: limits made at training, believed at run time.

A change is told when two things hold. It is beyond chance: a window of n undrifted rows lies that far
from m reference rows with a probability that, over all columns and statistics together (Bonferroni),
is the false-alarm rate asked for. And it is surely larger than the column's tolerance, the change that
matters to nobody: weekdays, weeks and seasons differ in any business, and the part of that which the
reference itself shows, or a stated default, is allowed. A user who wants to hear of it sets
`seasonality` to `count`.

Chance is found by resampling (resampling.py) at two sizes of window; beyond them it scales with
sqrt(1/n + 1/m), so one file serves windows of every size.
"""

import bisect
from typing import TYPE_CHECKING, Literal

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from contract import bundle
from contract.schema import Contract, Struct
from lambda_monitor import resampling, seasons, segments
from lambda_monitor.profile import Layout, Profile
from lambda_monitor.seasons import Chance
from lambda_monitor.statistics import LEVEL, MIX, SHAPE, SHIFT, SPREAD, grouped

if TYPE_CHECKING:
    import pandas as pd

METHOD = "resampling of window and reference, generalised Pareto tail, Bonferroni, tolerance"
# Fewer rows than this say nothing about a distribution: no drift check is made.
LEAST_ROWS = 100
# Changes below these matter to nobody: about as much as ordinary months of real taxi trips differ from
# one another (make bench-alerts), and a third or less of a shift a person would call one.
TOLERANCE = {SHIFT: 0.06, SPREAD: 0.1, SHAPE: 0.04, MIX: 0.06, LEVEL: 0.03}
# What is to be predicted moves more with the seasons than what it is predicted from, and predictions
# follow it; whether the model keeps up is for the performance checks to say.
FACTOR = {bundle.TARGET_COLUMN: 3.0, bundle.PREDICTION_COLUMN: 1.5}
# A segment's mean prediction moves by about 0.05 of its standard deviations between taxi's ordinary months.
SEGMENT_TOLERANCE = 0.15

_ODD_RATE = 1e-4
_FEW, _MANY = LEAST_ROWS, 1_000
# The chance of a change of exactly the tolerance to be told, for each statistic.
_TOLERATED_RATE = 1e-3

Array = npt.NDArray[np.float64]
# What of the calendar counts as a change: all of it, hours of the day only, or nothing.
Seasonality = Literal["count", "ignore", "ignore_hours"]


class Limit(Struct, frozen=True, kw_only=True):
    """The limit of one statistic of one column.

    `noise` and `chance` are in units of sqrt(1/n + 1/m), at 1,000 rows or more; at 100 rows both are
    `few` times that. `noise` is for all checks together, `chance` for this one beyond `tolerance`.
    `hours` is the tolerance of a window that may be of any hour of the day.
    """

    noise: float
    chance: float
    few: float
    tolerance: float
    hours: float | None = None

    def at(self, rows: int, reference_rows: int, seasonality: Seasonality = "ignore") -> float:
        """Return the limit for a window of `rows` against `reference_rows`."""
        few = np.clip(np.log(_MANY / rows) / np.log(_MANY / _FEW), 0, 1)
        unit = float(self.few**few * np.sqrt(1 / rows + 1 / reference_rows))
        if seasonality == "count":
            return self.noise * unit
        tolerance = self.tolerance if seasonality == "ignore" or self.hours is None else self.hours
        return max(self.noise * unit, tolerance + self.chance * unit)


class Thresholds(Struct, frozen=True, kw_only=True):
    """`thresholds.json`: limits by column and statistic, and how they were made."""

    method: str
    seed: int
    draws: int
    window_rows: int
    reference_rows: int
    false_alarm_rate: float
    limits: dict[str, dict[str, Limit]]
    segments: dict[str, Limit] = msgspec.field(default_factory=dict)
    schema_version: int = 1

    def to_json(self) -> bytes:
        """Return `thresholds.json`, indented for people."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"


def load(data: bytes) -> Thresholds:
    """Read `thresholds.json`. Raises msgspec.DecodeError."""
    return msgspec.json.decode(data, type=Thresholds)


def compute(
    reference: "pd.DataFrame", contract: Contract, *, window_rows: int, false_alarm_rate: float, seed: int
) -> bytes:
    """Return `thresholds.json`; windows of any size can be judged by it, `window_rows` is what is usual.

    `false_alarm_rate` is the chance that a window without drift raises any drift alert at all.
    """
    table = pa.Table.from_pandas(reference, preserve_index=False)
    layout = Layout.of(contract, table)
    whole = Profile.of(table, layout)
    rng = np.random.default_rng(seed)
    many = _draw(reference, layout, whole, _MANY, rng)
    few = _draw(reference, layout, whole, _FEW, rng)
    levels = layout.segments.levels if layout.segments is not None else {}
    rate = false_alarm_rate / max(sum(len(found) for found in many.values()) + len(levels), 1)
    chance = {
        (name, statistic): Chance(
            usual=float(np.sqrt((units**2).mean())), rare=resampling.exceeded(units, _TOLERATED_RATE)
        )
        for name, found in many.items()
        for statistic, units in found.items()
    }
    natural = seasons.natural(table, layout, chance)
    limits: dict[str, dict[str, Limit]] = {name: {} for name in many}
    for (name, statistic), found in chance.items():
        tolerance = max(_default(name, statistic), natural.days[name, statistic] if natural else 0.0)
        limits[name][statistic] = _limit(
            many[name][statistic],
            few[name][statistic],
            rate=rate,
            rare=found.rare,
            tolerance=tolerance,
            hours=max(tolerance, natural.hours[name, statistic]) if natural else None,
        )
    return Thresholds(
        method=METHOD,
        seed=seed,
        draws=resampling.DRAWS,
        window_rows=window_rows,
        reference_rows=len(reference),
        false_alarm_rate=false_alarm_rate,
        limits=limits,
        segments={
            name: _segment_limit(_residuals(table, layout, name), rate / len(levels[name]), rng)
            for name in levels
        },
    ).to_json()


def share_limit(expected: float, rows: int) -> float:
    """Return the share of odd values that `rows` undrifted rows stay below, but for one window in 10,000.

    Half as many again as in the reference, and half a percent, are allowed: the odd row is ordinary.
    """
    # scipy.stats has this as binom.isf, and takes most of a second to import before a verdict.
    from scipy import special  # noqa: PLC0415  # as much again for those who only read limits

    share = min(expected * 1.5 + 0.005, 1.0)
    return bisect.bisect_left(range(rows), -_ODD_RATE, key=lambda k: -special.bdtrc(k, rows, share)) / rows


def _draw(
    reference: "pd.DataFrame", layout: Layout, whole: Profile, size: int, rng: np.random.Generator
) -> dict[str, dict[str, Array]]:
    """Return every statistic of windows of `size` rows, in units of sqrt(1/n + 1/m), by column."""
    drawn = {}
    for name in layout.columns:
        if name in layout.numeric:
            values = reference[name].to_numpy(np.float64)
            values = values[np.isfinite(values)]
            rows, found = len(values), resampling.numeric(values, layout.numeric[name], size, rng)
        else:
            counts = grouped(whole.categorical[name], layout.categorical[name])
            rows, found = sum(counts), resampling.categorical(counts, size, rng)
        unit = float(np.sqrt(1 / size + 1 / rows))
        drawn[name] = {statistic: values / unit for statistic, values in found.items()}
    return drawn


def _limit(
    many: Array, few: Array, *, rate: float, rare: float, tolerance: float, hours: float | None
) -> Limit:
    """Return the limit of one statistic by its draws at many and at few rows."""
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
        hours=None if hours is None else round(hours, 6),
    )


def _residuals(table: pa.Table, layout: Layout, column: str) -> Array:
    """Return the outcome of each reference row in the standard deviations of its segment, from its mean."""
    spec = layout.segments
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
    """Return the limit of each segment of a column; `rate` is that of one segment."""
    if not len(residuals):
        return Limit(noise=0.0, chance=0.0, few=1.0, tolerance=SEGMENT_TOLERANCE)
    sizes = (segments.LEAST_ROWS, _MANY)
    few, many = (
        resampling.shift(residuals, size, rng) / float(np.sqrt(1 / size + 1 / len(residuals)))
        for size in sizes
    )
    rare = resampling.exceeded(many, _TOLERATED_RATE)
    return _limit(many, few, rate=rate, rare=rare, tolerance=SEGMENT_TOLERANCE, hours=None)


def _default(column: str, statistic: str) -> float:
    """Return the tolerance of a column whose reference shows none of its own."""
    return TOLERANCE[statistic] * FACTOR.get(column, 1.0)
