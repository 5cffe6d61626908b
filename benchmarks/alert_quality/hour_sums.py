"""Sums per hour from which every drift statistic of any run of hours is computed at once.

The monitor merges profiles of hours; thousands of model-years need the same figures for whole arrays of
windows. tests/benchmarks/test_alerts_over_time.py compares both on the same hours.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from benchmarks.alert_quality.subject import Watched
from contract import bundle
from lambda_monitor.checks import over_time, performance
from lambda_monitor.checks.score import RARE
from lambda_monitor.lake.texts import category
from lambda_monitor.profiles import segments
from lambda_monitor.profiles.distances import (
    LEVEL,
    MIX,
    RANK,
    SHAPE,
    SHIFT,
    SPREAD,
    level_distance,
    mix_distance,
    rank_distance,
    shape_distance,
)
from lambda_monitor.profiles.segments import TOP_LEVELS
from lambda_monitor.profiles.thresholds import (
    CHANCE_DEVIATIONS,
    LEAST_ROWS,
    LONG_DAYS,
    MANY_ROWS,
    Horizon,
    Limit,
)

Array = npt.NDArray[Any]
Key = tuple[str, str]


@dataclass(frozen=True)
class Readings:
    """One statistic over many windows: value, limit, standard deviation of noise, all of one shape."""

    value: Array
    limit: Array
    noise: Array

    @property
    def ratio(self) -> Array:
        """The values in units of their limits."""
        return np.asarray(self.value / self.limit)


class HourSums:
    """Columns of sums of one model: places of each column's counts, and the reference's sums."""

    def __init__(self, watched: Watched) -> None:
        """Lay out the columns, and sum the reference."""
        self.model = watched.model
        spec, self.places, at = self.model.profile_spec, {}, 0
        for name, numeric in spec.numeric.items():
            self.places[name], at = (at, at + 4 + len(numeric.edges)), at + 4 + len(numeric.edges)
        for name, categorical in spec.categorical.items():
            size = len(categorical.levels[:TOP_LEVELS]) + 1
            self.places[name], at = (at, at + size), at + size
        self.segment_levels = spec.segments.levels if spec.segments is not None else {}
        self.segments = {}
        for name, levels in self.segment_levels.items():
            self.segments[name], at = at, at + 3 * len(levels)
        self.loss, self.width = at, at + 2
        before = performance.losses(self.model.contract, self.model.reference)
        self.cap = float(np.quantile(before, 0.995))
        before = np.minimum(before, self.cap)
        allowed = performance.tolerated(self.model.contract, self.model.reference, before)
        self._loss_limit = (float(before.mean()) * allowed, RARE * float(before.std()))
        self.reference = self.rows(watched.reference).sum(axis=0, dtype=np.float64)
        self.compared = [n for n in spec.columns if n != bundle.TARGET_COLUMN]

    def rows(self, rows: pd.DataFrame) -> Array:
        """Return what each row adds to the sums."""
        made = np.zeros((len(rows), self.width), np.float32)
        spec, every = self.model.profile_spec, np.arange(len(rows))
        for name, numeric in spec.numeric.items():
            at, values = self.places[name][0], rows[name].to_numpy(float)
            clipped = np.clip(values, *numeric.clip)
            made[:, at], made[:, at + 1], made[:, at + 2] = 1, clipped, clipped**2
            made[every, at + 3 + np.searchsorted(numeric.edges, values, side="left")] = 1
        for name, categorical in spec.categorical.items():
            made[every, self.places[name][0] + _numbered(rows[name], categorical.levels[:TOP_LEVELS])] = 1
        if spec.segments is not None:
            outcome = np.clip(rows[spec.segments.outcome].to_numpy(float), *spec.segments.clip)
            for name, levels in self.segment_levels.items():
                level = _numbered(rows[name], levels)
                inside, first = np.flatnonzero(level < len(levels)), self.segments[name] + level
                for step, added in enumerate((np.ones(len(rows)), outcome, outcome**2)):
                    made[inside, first[inside] + step * len(levels)] = added[inside]
        error = rows[bundle.PREDICTION_COLUMN].to_numpy(float) - rows[bundle.TARGET_COLUMN].to_numpy(float)
        made[:, self.loss], made[:, self.loss + 1] = 1, np.minimum(error**2, self.cap)
        return made

    def by_hour(
        self, rows: pd.DataFrame, times: "pd.Series[pd.Timestamp]", start: pd.Timestamp, hours: int
    ) -> Array:
        """Return the sums of `hours` hours from `start`; rows outside are left out."""
        hour = ((times - start) // pd.Timedelta(hours=1)).to_numpy()
        inside = (hour >= 0) & (hour < hours)
        added, order = self.rows(rows[inside]), hour[inside]
        found = np.zeros((hours, self.width))
        np.add.at(found, order, added)
        return found

    def readings(self, sums: Array, horizon: Horizon, only: Key | None = None) -> dict[Key, Readings]:
        """Return the drift statistics of features, predictions and segments over windows of `sums`."""
        if only is not None:
            return {only: self.column(only[0], sums, horizon)[only]}
        return {key: one for name in self.compared for key, one in self.column(name, sums, horizon).items()}

    def column(self, name: str, sums: Array, horizon: Horizon) -> dict[Key, Readings]:
        """Return the drift statistics of one column and of its segments over windows of `sums`."""
        limits, of = (
            over_time.limits_of(self.model.thresholds, name, horizon),
            self.model.thresholds.reference_rows,
        )
        found = {
            (name, statistic): limited(limits[statistic], value, rows, of, horizon, statistic)
            for statistic, (value, rows) in self._statistics(name, sums).items()
            if statistic in limits
        }
        if name in self.model.thresholds.segments:
            found |= self._segments(name, self.model.thresholds.segments[name], sums, horizon)
        return found

    def error(self, sums: Array) -> Array:
        """Return the labelled error in units of its limit, 0 below the least rows."""
        rows = np.maximum(sums[..., self.loss], 1)
        tolerated, spread = self._loss_limit
        limit = tolerated + spread * np.sqrt(1 / rows + 1 / self.reference[self.loss])
        ratio = np.sqrt(sums[..., self.loss + 1] / rows / limit)
        return np.where(rows >= LEAST_ROWS, ratio, 0.0)

    def target(self, sums: Array) -> Array:
        """Return the largest ratio of the target's statistics."""
        name, limits = bundle.TARGET_COLUMN, self.model.thresholds.limits[bundle.TARGET_COLUMN]
        of, window = self.model.thresholds.reference_rows, Horizon()
        found = self._statistics(name, sums).items()
        ratios = [limited(limits[s], v, n, of, window, s).ratio for s, (v, n) in found if s in limits]
        return np.asarray(np.max(ratios, axis=0))

    def _statistics(self, name: str, sums: Array) -> dict[str, tuple[Array, Array]]:
        first, last = self.places[name]
        before = self.reference[first:last]
        if name not in self.model.profile_spec.numeric:
            rows = sums[..., first:last].sum(axis=-1)
            now = sums[..., first:last] / np.maximum(rows, 1)[..., None]
            was = before / before.sum()
            return {MIX: (mix_distance(was, now), rows), LEVEL: (level_distance(was, now), rows)}
        rows = sums[..., first]
        mean, deviation = moments(sums[..., first : first + 3])
        was, spread = moments(before[:3])
        reference = before[3:] / before[0]
        shares = sums[..., first + 3 : last] / np.maximum(rows, 1)[..., None]
        shape = shape_distance(reference, shares)
        return {
            SHIFT: (np.abs(mean - was) / spread, rows),
            SPREAD: (np.abs(np.log(np.maximum(deviation / spread, 1e-6))), rows),
            SHAPE: (shape, rows),
            RANK: (rank_distance(reference, reference, shares), rows),
        }

    def _segments(self, name: str, limit: Limit, sums: Array, horizon: Horizon) -> dict[Key, Readings]:
        count, at = len(self.segment_levels[name]), self.segments[name]
        found = {}
        for number, level in enumerate(self.segment_levels[name]):
            columns = [at + number + step * count for step in range(3)]
            before, now = self.reference[columns], sums[..., columns]
            mean, _ = moments(now)
            was, deviation = moments(before)
            if before[0] >= segments.LEAST_ROWS and deviation > 0:
                value = np.where(now[..., 0] >= segments.LEAST_ROWS, np.abs(mean - was) / deviation, 0.0)
                found[name, f"segment {level}"] = limited(
                    limit,
                    value,
                    now[..., 0],
                    int(before[0]),
                    horizon,
                    over_time.SEGMENT,
                    least=segments.LEAST_ROWS,
                )
        return found


def moments(sums: Array) -> tuple[Array, Array]:
    """Return mean and standard deviation from count, sum and sum of squares, along the last axis."""
    rows = np.maximum(sums[..., 0], 1)
    mean = sums[..., 1] / rows
    return mean, np.sqrt(np.maximum(sums[..., 2] / rows - mean**2, 0.0))


def _numbered(values: "pd.Series[Any]", levels: list[str]) -> Array:
    """Return the place of each value among `levels`, their number for any other."""
    place = {level: number for number, level in enumerate(levels)}
    return np.array([place.get(category(value), len(levels)) for value in values.tolist()], dtype=np.int64)


def limited(
    limit: Limit,
    value: Array,
    rows: Array,
    reference_rows: int | Array,
    horizon: Horizon,
    statistic: str,
    *,
    least: int = LEAST_ROWS,
) -> Readings:
    """Return the values with their limits, as Limit.at does for one."""
    horizon = over_time.for_statistic(horizon, statistic)
    some = np.maximum(rows, 1)
    few = np.clip(np.log(MANY_ROWS / some) / np.log(MANY_ROWS / LEAST_ROWS), 0, 1)
    unit = limit.few**few * np.sqrt(1 / some + 1 / reference_rows)
    tolerance = limit.tolerance
    if horizon.part_of_day:
        tolerance = limit.tolerance if limit.hours is None else limit.hours
    elif horizon.days >= LONG_DAYS and limit.weeks is not None:
        tolerance = min(tolerance, limit.weeks)
    most = np.maximum(
        limit.noise * horizon.noise * unit,
        horizon.margin * np.maximum(limit.noise * unit, tolerance + limit.chance * unit),
    )
    return Readings(np.where(rows >= least, value, 0.0), most, limit.chance / CHANCE_DEVIATIONS * unit)
