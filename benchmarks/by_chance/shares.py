"""Checks on shares of odd values and on constant columns, over arrays of windows."""

from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.alert_quality.hour_sums import Array
from benchmarks.by_chance.pool import Pool, before
from benchmarks.by_chance.two_days import TwoDays
from contract import bundle
from lambda_monitor.checks.minimum import LEAST
from lambda_monitor.model import Model
from lambda_monitor.profiles.profile import Categorical, Numeric, Profile
from lambda_monitor.profiles.thresholds import share_limit

CONSTANT = "quality.constant"
_CHECKS: dict[str, Callable[[Numeric | Categorical], int]] = {
    "quality.missing": lambda one: one.missing,
    "quality.range": lambda one: one.outside if isinstance(one, Numeric) else 0,
    "outliers": lambda one: one.unusual if isinstance(one, Numeric) else 0,
    "quality.categories": lambda one: one.unknown if isinstance(one, Categorical) else 0,
}
# Columns per monitored column: values, rows, one per check, hours in which values differ.
_WIDTH = 3 + len(_CHECKS)


class Shares:
    """Counts per hour of a pool, from the monitor's own profiles, and limits by number of rows."""

    def __init__(self, pool: Pool) -> None:
        """Count every hour."""
        self.names = [n for n in pool.model.profile_spec.columns if n != bundle.TARGET_COLUMN]
        rows, hours = pool.table(np.arange(len(pool.starts) - 1)), np.diff(pool.starts)
        hourly = (rows.slice(first, count) for first, count in zip(pool.starts[:-1], hours, strict=True))
        counted = np.array([self._counts(pool.model.profiler(hour)) for hour in hourly])
        self.before = before(counted, np.arange(len(counted) + 1))
        most = int(2 * self.before[:, -1, 0::_WIDTH].max())
        self._most = {
            (check, name): _most_hits(pool.model, check, name, most)
            for check in _CHECKS
            for name in self.names
        }

    def alerts(self, windows: TwoDays) -> Iterator[tuple[str, Array]]:
        """Yield whether each check alerts on each window, by check and column."""
        sums = windows.both
        for number, name in enumerate(self.names):
            at = number * _WIDTH
            count = sums[:, at].astype(np.int64)
            for step, check in enumerate(_CHECKS):
                # A share of missing values is one of all rows, others are of the values.
                rows = sums[:, at + 1].astype(np.int64) if check == "quality.missing" else count
                alert = sums[:, at + 2 + step] > self._most[check, name][rows]
                yield f"{check}: {name}", alert & (rows >= LEAST[check])
            # Values of hours that are constant one by one may differ: the count is an upper bound.
            constant = (sums[:, at + 2 + len(_CHECKS)] == 0) & (count >= LEAST[CONSTANT])
            yield f"{CONSTANT}: {name}", constant

    def _counts(self, profile: Profile) -> list[float]:
        found: list[float] = []
        for name in self.names:
            one = profile.numeric.get(name) or profile.categorical[name]
            varied = (
                one.low != one.high if isinstance(one, Numeric) else len(one.levels) + (one.other > 0) > 1
            )
            hits = [count(one) for count in _CHECKS.values()]
            found += [one.count, one.count + one.missing, *hits, varied]
        return found


def _most_hits(model: Model, check: str, name: str, rows: int) -> Array:
    """Return the largest count that is ok by number of rows."""
    of = model.baseline.numeric.get(name) or model.baseline.categorical[name]
    total = of.count + (of.missing if check == "quality.missing" else 0)
    expected = _CHECKS[check](of) / max(total, 1)
    limits = [share_limit(expected, count) * count if count else 0.0 for count in range(rows + 1)]
    return np.rint(limits)
