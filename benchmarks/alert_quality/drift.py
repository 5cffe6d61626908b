"""Scheduled decisions on drift at single looks of a series, as lambda_monitor.checks.evidence makes them."""

from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from benchmarks.alert_quality.hour_sums import Array, HourSums, Key, Readings
from benchmarks.alert_quality.same_hours_sums import SameHoursSums
from lambda_monitor.checks import evidence
from lambda_monitor.checks.over_time import DAY, Plan
from lambda_monitor.hours.past import BLOCK
from lambda_monitor.profiles.thresholds import LEAST_ROWS, Horizon

SEGMENT = "drift.segment"
# Longest stretch of newest hours, of a window of a day.
WITHIN = DAY // 2


class Hours(Protocol):
    """Hours in a row; a look is the number of hours before it."""

    @property
    def sums(self) -> HourSums:
        """The columns of sums."""

    @property
    def length(self) -> int:
        """The number of hours."""

    def column(self, number: int) -> Array:
        """Return one column of the sums of all hours before each look."""

    def between(self, starts: Array, ends: Array) -> Array:
        """Return the sums of the hours from each start to its end."""


def check_of(key: Key) -> tuple[str, str]:
    """Return the check that a statistic belongs to, by the kind of check and its column."""
    column, statistic = key
    return (SEGMENT if statistic.startswith("segment") else "drift", column)


@dataclass(frozen=True, eq=False)
class Drift:
    """The drift checks of a series, each look decided from the sums before it."""

    series: Hours
    plan: Plan

    def alerts(self, check: tuple[str, str], looks: Array, least: float) -> Array:
        """Return whether a check has evidence beyond `least` times a limit, at each look."""
        found = np.zeros(len(looks), bool)
        for horizon in [self.plan.window, *self.plan.days]:
            for key, one in self._over(check, looks, horizon).items():
                new = (one.ratio > least) & ~found
                found[new] = self.counts(key, looks[new], horizon, least)
        if check[0] != SEGMENT:
            found |= self.newest(check, looks) > least
        keys = [key for key in self.same_hours.statistics(check[1]) if check_of(key) == check]
        return found | self.same_hours.beyond(keys, looks, least)

    @cached_property
    def same_hours(self) -> SameHoursSums:
        """The comparison of the newest hours with the same hours of the week before."""
        return SameHoursSums(self.series.sums, self.plan, self.series.between)

    def counts(self, key: Key, looks: Array, horizon: Horizon, least: float) -> Array:
        """Return whether a statistic over `horizon` is evidence beyond `least` times its limit."""
        here = self._reading(key, looks, horizon)
        found = here.ratio > least
        if horizon is self.plan.window or not found.any():
            return np.asarray(found)
        found[found] = ~self._contradicted(key, looks[found], horizon, here.value[found])
        for at in np.flatnonzero(found):
            found[at] = self._lasts(key, int(looks[at]), horizon, least)
        return np.asarray(found)

    def newest(self, check: tuple[str, str], looks: Array) -> Array:
        """Return the largest ratio over the newest hours with enough records, 0 without such hours."""
        limits = self.series.sums.model.thresholds.limits[check[1]].values()
        starts = self.newest_starts(looks)
        some = (starts >= 0) & all(limit.hours is not None for limit in limits)
        ratio = np.zeros(len(looks))
        if some.any():
            sums = self.series.between(starts[some], looks[some])
            found = self.series.sums.column(check[1], sums, self.plan.newest)
            ratio[some] = np.max([o.ratio for k, o in found.items() if check_of(k) == check], axis=0)
        return ratio

    def newest_starts(self, looks: Array) -> Array:
        """Return the start of the newest hours with LEAST_ROWS records, -1 if too many hours are needed."""
        sums = self.series.sums
        rows = self.series.column(sums.places[sums.compared[0]][0])
        starts = np.full(len(looks), -1)
        for hours in range(WITHIN, 0, -1):
            enough = (looks >= hours) & (rows[looks] - rows[looks - hours] >= LEAST_ROWS)
            starts[enough] = (looks - hours)[enough]
        return starts

    def _over(self, check: tuple[str, str], looks: Array, horizon: Horizon) -> dict[Key, Readings]:
        starts = looks - DAY * horizon.days
        sums = self.series.between(np.maximum(starts, 0), looks)
        # Without enough days before a look there is no evidence.
        sums[starts < 0] = 0
        found = self.series.sums.column(check[1], sums, horizon)
        return {key: one for key, one in found.items() if check_of(key) == check}

    def _reading(self, key: Key, looks: Array, horizon: Horizon) -> Readings:
        return self._over(check_of(key), looks, horizon)[key]

    def _contradicted(self, key: Key, looks: Array, horizon: Horizon, value: Array) -> Array:
        """Return whether a shorter horizon shows less than half of `value`, beyond noise."""
        found = np.zeros(len(looks), bool)
        for shorter in [self.plan.window, *self.plan.days]:
            if shorter.days < horizon.days:
                one = self._reading(key, looks, shorter)
                # A value of 0 was not measured, for lack of rows.
                found |= (one.value > 0) & (one.value < value / 2 - evidence.CONTRADICTS * one.noise)
        return found

    def _lasts(self, key: Key, look: int, horizon: Horizon, least: float) -> bool:
        """Return whether a statistic stays near its limit without any 24 hours of the horizon."""
        start = look - DAY * horizon.days
        first = np.arange(look - DAY, start - 1, -BLOCK)
        rest = self.series.between(np.array([start]), np.array([look]))
        rest = rest - self.series.between(first, first + DAY)
        again = self.series.sums.column(key[0], rest, horizon)[key]
        return bool((again.ratio > evidence.REST * least).all())
