"""Looks at which the newest hours may differ from the same hours of the week before.

The values are those of alert_quality/same_hours_sums.py, from running sums of single columns; drift.py
decides the looks that are found.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np

from benchmarks.alert_quality.hour_sums import Array, Key
from benchmarks.alert_quality.same_hours_sums import Measured, SameHoursSums
from benchmarks.by_chance.pool import Pool
from benchmarks.by_chance.series import WARM
from lambda_monitor.checks.over_time import DAY, WEEK, Plan
from lambda_monitor.checks.same_hours import LEAST_DAY, LEAST_WEEK
from lambda_monitor.profiles import segments
from lambda_monitor.profiles.distances import (
    LEAST_SPREAD,
    LEVEL,
    RANK,
    SHIFT,
    rank_scores,
    rank_spread,
)
from lambda_monitor.profiles.thresholds import LEAST_ROWS, Limit

SLACK = 0.98


@dataclass(frozen=True, eq=False)
class _Hours:
    """Running sums of the columns of drawn days, at each look."""

    hourly: dict[Key, Array]
    days: Array
    _totals: dict[Key, Array] = field(default_factory=dict)

    def newest(self, column: Key, hours: int) -> Array:
        """Return the sum of the newest hours at every look, the first after `hours` hours or wrong."""
        if column not in self._totals:
            drawn = self.hourly[column][self.days].ravel()
            self._totals[column] = np.concatenate([[0.0], np.cumsum(drawn)])
        total = self._totals[column]
        found = total.copy()
        found[hours:] -= total[:-hours]
        return np.asarray(found[1:])

    def week(self, newest: Array) -> Array:
        """Return the sum over the same hours of the seven days before; wrong before there are as many."""
        total = np.cumsum(newest.reshape(-1, DAY), axis=0)
        found = np.zeros_like(total)
        found[WEEK + 1 :] = total[WEEK:-1] - total[: -WEEK - 1]
        return np.asarray(found.ravel())


class SameHoursScreen:
    """The necessary condition for drawn days of a pool."""

    def __init__(self, pool: Pool, plan: Plan) -> None:
        """Sum the columns of each hour of the pool."""
        self.sums, self.plan = pool.sums, plan
        self.compared = SameHoursSums(pool.sums, plan, _unused)
        self._hourly = dict(_columns(pool, np.diff(pool.before, axis=1)))

    def looks(self, days: Array) -> dict[Key, Array]:
        """Return the looks that may be beyond a limit, by statistic."""
        drawn, found = _Hours(self._hourly, days), {}
        for name in self.sums.compared:
            for key in self.compared.statistics(name):
                near = [self._near(drawn, key, hours) for hours in self.plan.same_hours]
                if len(at := np.unique(np.concatenate(near))):
                    found[key] = at
        return found

    def _near(self, drawn: _Hours, key: Key, hours: int) -> Array:
        least = LEAST_ROWS if key[1] in {RANK, LEVEL} else segments.LEAST_ROWS
        count = (key[0], "rows") if key[1] in {RANK, LEVEL} else (key[0], f"{key[1]} rows")
        rows = drawn.newest(count, hours)
        at = np.flatnonzero(rows >= least)
        # Look number n is at the end of hour n - 1.
        at = at[at >= WARM * DAY - 1]
        if not len(at):
            return at
        week = drawn.week(rows)[at]
        value, limit = self._value(drawn, key, hours, at, rows[at], np.maximum(week, 1))
        least_week = LEAST_WEEK if least == LEAST_ROWS else least
        one = Measured(value, rows[at], week, limit, least, LEAST_DAY, least_week)
        looks = at[self.compared.readings(one, hours).ratio > SLACK] + 1
        return np.asarray(looks[looks < len(drawn.days) * DAY])

    def _value(
        self, drawn: _Hours, key: Key, hours: int, at: Array, rows: Array, week: Array
    ) -> tuple[Array, Limit]:
        known, (name, statistic) = self.sums.model.thresholds, key

        def both(column: Key) -> tuple[Array, Array]:
            newest = drawn.newest(column, hours)
            return newest[at] / rows, drawn.week(newest)[at] / week

        if statistic == LEVEL:
            first, last = self.sums.places[name]
            value = np.zeros(len(at))
            for number in range(last - first):
                now, before = both((name, f"level {number}"))
                np.maximum(value, np.abs(now - before), out=value)
            return value, known.limits[name][LEVEL]
        (now, before), (_, squares) = both((name, f"{statistic} sum")), both((name, f"{statistic} squares"))
        spread = np.sqrt(np.maximum(squares - before**2, 0.0))
        if statistic == RANK:
            limit = known.limits[name][SHIFT].of_ranks(self.plan.newest.deviations)
            return np.abs(now - before) / np.maximum(spread, self._least_spread(name)), limit
        # Such a segment is not compared.
        value = np.where(spread > 0, np.abs(now - before) / np.maximum(spread, 1e-9), 0.0)
        return value, known.segments[name]

    def _least_spread(self, name: str) -> float:
        first, last = self.sums.places[name]
        reference = self.sums.reference[first + 3 : last] / self.sums.reference[first]
        return LEAST_SPREAD * rank_spread(reference)


def _unused(starts: Array, ends: Array) -> Array:
    """Fail: the screen has running sums of its own."""
    raise NotImplementedError(starts, ends)


def _columns(pool: Pool, hourly: Array) -> Iterator[tuple[Key, Array]]:
    """Yield the sums of each hour of the pool by column: shape (days, 24)."""
    sums = pool.sums
    for name in sums.compared:
        first, last = sums.places[name]
        if name in sums.model.profile_spec.numeric:
            bins = hourly[..., first + 3 : last]
            scores = rank_scores(sums.reference[first + 3 : last] / sums.reference[first])
            yield (name, "rows"), hourly[..., first]
            yield (name, f"{RANK} sum"), bins @ scores
            yield (name, f"{RANK} squares"), bins @ scores**2
        else:
            yield (name, "rows"), hourly[..., first:last].sum(axis=-1)
            for number in range(last - first):
                yield (name, f"level {number}"), hourly[..., first + number]
    for name, levels in sums.segment_levels.items():
        for number, level in enumerate(levels):
            for step, part in enumerate(("rows", "sum", "squares")):
                column = hourly[..., sums.segments[name] + number + step * len(levels)]
                yield (name, f"segment {level} {part}"), column
