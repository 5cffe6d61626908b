"""Looks at which a drift limit may be exceeded: a necessary condition, in single precision.

Each statistic of each horizon is computed for every hour of a series from sums of centred values. The
limits are those of hour_sums.py, multiplied by SLACK for rounding; drift.py decides the looks that are found.
"""

from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.alert_quality.hour_sums import Array, HourSums, Key, limited
from benchmarks.by_chance.pool import Pool
from benchmarks.by_chance.series import WARM
from lambda_monitor.checks.over_time import DAY, SEGMENT, Plan, limits_of
from lambda_monitor.profiles.distances import LEVEL, MIX, RANK, SHAPE, SHIFT, SPREAD, rank_scores, rank_spread
from lambda_monitor.profiles.segments import LEAST_ROWS
from lambda_monitor.profiles.thresholds import Horizon

SLACK = 0.98
# Returns the sums of a column of the pool over each window.
Windows = Callable[[int], Array]
_SINGLE = np.float32


class Screen:
    """Centred sums of a pool in single precision, and the limits by number of rows."""

    def __init__(self, pool: Pool, plan: Plan) -> None:
        """Centre the sums, and tabulate the limits."""
        self.sums, self.plan = pool.sums, plan
        self.horizons = [plan.window, *plan.days]
        centred = pool.before @ _centring(pool.sums)
        self._before = np.ascontiguousarray(centred[:, :DAY].transpose(2, 0, 1).astype(_SINGLE))
        self._whole = np.ascontiguousarray(centred[:, DAY].T)
        self._used = _used(pool.sums)
        self._place = {column: number for number, column in enumerate(self._used)}
        self._before, self._whole = self._before[self._used], self._whole[self._used]
        rows = pool.before[:, DAY, self._count(pool.sums.compared[0])]
        self._most = int(rows.max())
        self._limits = {horizon: self._tables(horizon) for horizon in [*self.horizons, plan.newest]}

    @property
    def keys(self) -> list[Key]:
        """The statistics of columns and segments."""
        return list(self._limits[self.plan.window])

    def looks(self, days: Array, newest: Array) -> dict[tuple[Horizon, Key], Array]:
        """Return the looks that may be beyond a limit, by horizon and statistic.

        `newest` has the start of the newest hours of each look, -1 without.
        """
        base = np.cumsum(self._whole[:, days], axis=1) - self._whole[:, days]
        total = (base[:, :, None] + self._before[:, days]).astype(_SINGLE).reshape(len(base), -1)
        # Counts stay exact: single precision holds whole numbers up to 16 million.
        looks = np.arange(WARM * DAY, total.shape[1])
        found = {}
        for horizon in self.horizons:
            first, length = WARM * DAY, DAY * horizon.days

            def window(column: int, first: int = first, length: int = length) -> Array:
                sums = total[self._place[column]]
                return np.asarray(sums[first:] - sums[first - length : -length])

            for key, beyond in self._beyond(horizon, window):
                if beyond.any():
                    found[horizon, key] = looks[beyond]
        some = looks[newest >= 0]
        starts = newest[newest >= 0]

        def hours(column: int) -> Array:
            sums = total[self._place[column]]
            return np.asarray(sums[some] - sums[starts])

        for key, beyond in self._beyond(self.plan.newest, hours, segments=False):
            if beyond.any():
                found[self.plan.newest, key] = some[beyond]
        return found

    def _beyond(
        self, horizon: Horizon, window: Windows, *, segments: bool = True
    ) -> Iterator[tuple[Key, Array]]:
        """Yield for each statistic whether each window is beyond SLACK of its limit."""
        limits = self._limits[horizon]
        for name in self.sums.compared:
            kind = self._numeric if name in self.sums.model.profile_spec.numeric else self._categorical
            for statistic, value, rows in kind(name, window):
                if (name, statistic) not in limits:
                    continue
                yield (name, statistic), value > limits[name, statistic][rows]
        for name in self.sums.segments if segments else ():
            for key, (count, total) in self._segment_columns(name).items():
                if key in limits:
                    rows = window(count).astype(np.int64)
                    yield key, np.abs(window(total)) > limits[key][rows] * np.maximum(rows, 1)

    def _numeric(self, name: str, window: Windows) -> Iterator[tuple[str, Array, Array]]:
        first, last = self.sums.places[name]
        count = window(first)
        rows, one = count.astype(np.int64), 1 / np.maximum(count, 1)
        _, deviation = _moments(self.sums.reference[first : first + 3])
        mean = window(first + 1) * one
        yield SHIFT, np.abs(mean) / deviation, rows
        spread = np.sqrt(np.maximum(window(first + 2) * one - mean**2, 1e-12)) / deviation
        yield SPREAD, np.abs(np.log(np.maximum(spread, 1e-6))), rows
        reference = self.sums.reference[first + 3 : last] / self.sums.reference[first]
        # Sums of ranks are sums of counts up to each bin, by the step of the score to the next bin.
        steps = np.diff(rank_scores(reference)) / rank_spread(reference)
        most, ranks = np.zeros_like(count), np.zeros_like(count)
        for column, step in zip(range(first + 3, last - 1), steps, strict=True):
            up_to = window(column)
            np.maximum(most, np.abs(up_to), out=most)
            ranks += _SINGLE(step) * up_to
        yield SHAPE, most * one, rows
        yield RANK, np.abs(ranks) * one, rows

    def _categorical(self, name: str, window: Windows) -> Iterator[tuple[str, Array, Array]]:
        first, last = self.sums.places[name]
        before = self.sums.reference[first:last] / self.sums.reference[first:last].sum()
        counts = [window(column) for column in range(first, last)]
        rows = np.sum(counts, axis=0)
        one = 1 / np.maximum(rows, 1)
        alike, most = np.zeros_like(rows), np.zeros_like(rows)
        for was, count in zip(before, counts, strict=True):
            share = count * one
            alike += _SINGLE(np.sqrt(was)) * np.sqrt(share)
            np.maximum(most, np.abs(share - _SINGLE(was)), out=most)
        yield MIX, np.sqrt(np.maximum(1 - alike, 0)), rows.astype(np.int64)
        yield LEVEL, most, rows.astype(np.int64)

    def _segment_columns(self, name: str) -> dict[Key, tuple[int, int]]:
        """Return the columns of rows and of centred outcomes, by statistic."""
        levels, at = self.sums.segment_levels[name], self.sums.segments[name]
        return {
            (name, f"segment {level}"): (at + number, at + len(levels) + number)
            for number, level in enumerate(levels)
        }

    def _tables(self, horizon: Horizon) -> dict[Key, Array]:
        """Return the limits by number of rows; of segments in units of the outcome."""
        rows = np.arange(self._most * (horizon.days + 1) + 1)
        known, of = self.sums.model.thresholds, self.sums.model.thresholds.reference_rows
        found = {}
        for name in self.sums.compared:
            for statistic, limit in limits_of(known, name, horizon).items():
                made = limited(limit, rows * 1.0, rows, of, horizon, statistic)
                found[name, statistic] = np.where(made.value > 0, SLACK * made.limit, np.inf)
        for name, limit in known.segments.items():
            for key, (count, _) in self._segment_columns(name).items():
                at, step = count, len(self.sums.segment_levels[name])
                before, deviation = self.sums.reference[at], self._deviation(at, step)
                if before >= LEAST_ROWS and deviation > 0:
                    made = limited(limit, rows * 1.0, rows, int(before), horizon, SEGMENT, least=LEAST_ROWS)
                    found[key] = np.where(made.value > 0, SLACK * made.limit * deviation, np.inf)
        return {key: table.astype(_SINGLE) for key, table in found.items()}

    def _deviation(self, at: int, step: int) -> float:
        return float(_moments(self.sums.reference[[at, at + step, at + 2 * step]])[1])

    def _count(self, name: str) -> int:
        return int(self.sums.places[name][0])


def _moments(sums: Array) -> tuple[float, float]:
    mean = sums[1] / sums[0]
    return float(mean), float(np.sqrt(max(sums[2] / sums[0] - mean**2, 0.0)))


def _used(sums: HourSums) -> list[int]:
    """Return the columns that are read: all but those of the target, the loss and squares of segments."""
    used = [column for name in sums.compared for column in range(*sums.places[name])]
    for name, levels in sums.segment_levels.items():
        used += range(sums.segments[name], sums.segments[name] + 2 * len(levels))
    return used


def _centring(sums: HourSums) -> Array:
    """Return the matrix that makes of sums those of values minus the reference's mean.

    A numeric column's counts by bin become counts up to the bin's end, minus the reference's share.
    """
    matrix, before = np.eye(sums.width), sums.reference
    for name in sums.compared:
        first, last = sums.places[name]
        if name not in sums.model.profile_spec.numeric:
            continue
        mean, _ = _moments(before[first : first + 3])
        matrix[first, first + 1] = -mean
        matrix[first, first + 2], matrix[first + 1, first + 2] = mean**2, -2 * mean
        up_to = np.cumsum(before[first + 3 : last]) / before[first]
        bins = last - first - 3
        matrix[first + 3 : last, first + 3 : last] = np.triu(np.ones((bins, bins)))
        matrix[first, first + 3 : last] = -up_to
    for name, levels in sums.segment_levels.items():
        for number in range(len(levels)):
            count = sums.segments[name] + number
            total = count + len(levels)
            if before[count] > 0:
                matrix[count, total] = -before[total] / before[count]
    return matrix
