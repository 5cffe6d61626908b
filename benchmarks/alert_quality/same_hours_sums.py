"""Newest hours against the same hours of the week before, at many looks, as the monitor compares them."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from benchmarks.alert_quality.hour_sums import Array, HourSums, Key, Readings, limited, moments
from lambda_monitor.checks.over_time import DAY, WEEK, Plan
from lambda_monitor.checks.same_hours import EARLIER, LEAST_DAY, LEAST_EARLIER, LEAST_WEEK, ODD
from lambda_monitor.profiles import segments
from lambda_monitor.profiles.distances import LEVEL, RANK, SHIFT, level_distance, rank_distance
from lambda_monitor.profiles.thresholds import LEAST_ROWS, Limit

# Returns the sums of the hours from each start to its end.
Between = Callable[[Array, Array], Array]


@dataclass(frozen=True)
class Measured:
    """A value at many looks, its records and those of the week before, least ones, and its limit."""

    value: Array
    rows: Array
    week: Array
    limit: Limit
    least: int
    least_day: int
    least_week: int

    def made(self, least: int) -> Array:
        """Return where there are enough records."""
        return np.asarray((self.rows >= least) & (self.week >= self.least_week))


@dataclass(frozen=True, eq=False)
class SameHoursSums:
    """The comparison for one column of a model, from sums of hours before each look."""

    sums: HourSums
    plan: Plan
    between: Between

    def beyond(self, keys: list[Key], looks: Array, least: float) -> Array:
        """Return at which looks any of the statistics `keys` is beyond `least` times its limit."""
        found = np.zeros(len(looks), bool)
        for hours in self.plan.same_hours:
            known = np.flatnonzero(looks >= DAY * WEEK + hours)
            now, week = self.newest_and_week(looks[known], hours)
            for key in keys:
                one = self.measured(key, now, week)
                at = np.flatnonzero(self.readings(one, hours).ratio > least)
                found[known[at]] |= self.lasts(key, hours, looks[known[at]], one.value[at])
        return found

    def statistics(self, name: str) -> list[Key]:
        """Return what is compared of a column, and of its segments."""
        known = self.sums.model.thresholds
        limits = known.limits[name]
        of = RANK if name in self.sums.model.profile_spec.numeric else LEVEL
        found = [(name, of)] if (SHIFT if of == RANK else LEVEL) in limits else []
        levels = self.sums.segment_levels.get(name, []) if name in known.segments else []
        return found + [(name, f"segment {level}") for level in levels]

    def readings(self, one: Measured, hours: int) -> Readings:
        """Return value, limit and noise."""
        horizon, value = self.plan.same_hours[hours], np.where(one.made(one.least), one.value, 0.0)
        return limited(one.limit, value, one.rows, np.maximum(one.week, 1), horizon, "", least=one.least)

    def lasts(self, key: Key, hours: int, looks: Array, value: Array) -> Array:
        """Return whether values are larger than on the days before, and the week before has no drift."""
        found = np.zeros(len(looks), bool)
        if len(looks):
            found = self._unusual(key, hours, looks, value)
            found[found] = ~self._week_drifted(key, looks[found])
        return found

    def _unusual(self, key: Key, hours: int, looks: Array, value: Array) -> Array:
        """Return whether a value is larger than those of the days before."""
        most, known = np.zeros(len(looks)), np.zeros(len(looks), int)
        for day in range(1, EARLIER + 1):
            whole = looks - DAY * (day + WEEK) - hours >= 0
            ends = np.where(whole, looks - DAY * day, DAY * WEEK + hours)
            one = self.measured(key, *self.newest_and_week(ends, hours))
            made = whole & one.made(one.least_day)
            most, known = np.where(made, np.maximum(most, one.value), most), known + made
        return np.asarray((known >= LEAST_EARLIER) & (value > ODD * most))

    def _week_drifted(self, key: Key, looks: Array) -> Array:
        week = self.between(looks - DAY * (WEEK + 1), looks - DAY)
        found = self.sums.column(key[0], week, self.plan.week)
        of_segment = key[1].startswith("segment")
        same = [one.ratio for k, one in found.items() if k[1].startswith("segment") == of_segment]
        return np.asarray(np.max(same, axis=0) > 1)

    def newest_and_week(self, looks: Array, hours: int) -> tuple[Array, Array]:
        """Return the sums of the hours before each look, and of the same hours of the week before."""
        found = [self.between(ends - hours, ends) for ends in (looks - DAY * day for day in range(WEEK + 1))]
        return found[0], np.sum(found[1:], axis=0)

    def measured(self, key: Key, now: Array, week: Array) -> Measured:
        """Return one statistic of the newest hours and of the same hours of the week."""
        name, statistic = key
        known, (first, last) = self.sums.model.thresholds, self.sums.places[name]
        if statistic.startswith("segment"):
            return self._segment(key, known.segments[name], now, week)
        if statistic == LEVEL:
            rows, before = now[..., first:last].sum(axis=-1), week[..., first:last].sum(axis=-1)
            value = level_distance(
                week[..., first:last] / np.maximum(before, 1)[..., None],
                now[..., first:last] / np.maximum(rows, 1)[..., None],
            )
            return Measured(value, rows, before, known.limits[name][LEVEL], LEAST_ROWS, LEAST_DAY, LEAST_WEEK)
        rows, before = now[..., first], week[..., first]
        reference = self.sums.reference[first + 3 : last] / self.sums.reference[first]
        value = rank_distance(
            reference,
            week[..., first + 3 : last] / np.maximum(before, 1)[..., None],
            now[..., first + 3 : last] / np.maximum(rows, 1)[..., None],
        )
        limit = known.limits[name][SHIFT].of_ranks(self.plan.newest.deviations)
        return Measured(value, rows, before, limit, LEAST_ROWS, LEAST_DAY, LEAST_WEEK)

    def _segment(self, key: Key, limit: Limit, now: Array, week: Array) -> Measured:
        name, level = key[0], key[1].removeprefix("segment ")
        levels, at = self.sums.segment_levels[name], self.sums.segments[name]
        columns = [at + levels.index(level) + step * len(levels) for step in range(3)]
        mean, _ = moments(now[..., columns])
        was, deviation = moments(week[..., columns])
        value = np.where(deviation > 0, np.abs(mean - was) / np.maximum(deviation, 1e-9), 0.0)
        least = segments.LEAST_ROWS
        return Measured(value, now[..., columns[0]], week[..., columns[0]], limit, least, least, least)
