"""Days drawn in blocks, and sums over any hours of them."""

from dataclasses import dataclass

import numpy as np

from benchmarks.alert_quality.hour_sums import Array, HourSums
from benchmarks.by_chance.pool import Pool
from lambda_monitor.checks.over_time import DAY, DAYS

# Days per block. The first days are looked back on only.
BLOCK_DAYS = 7
WARM = (max(DAYS) // BLOCK_DAYS + 1) * BLOCK_DAYS


def drawn(rng: np.random.Generator, pool_days: int, days: int) -> Array:
    """Return the numbers of WARM + `days` days of the pool, in blocks of successive days."""
    blocks = -(-(WARM + days) // BLOCK_DAYS)
    first = rng.integers(0, pool_days - BLOCK_DAYS + 1, blocks)
    return (first[:, None] + np.arange(BLOCK_DAYS)).ravel()[: WARM + days]


@dataclass(frozen=True, eq=False)
class Series:
    """Days of a pool in a row. A look is the number of hours before it; the first is after WARM days."""

    pool: Pool
    days: Array
    _base: Array

    @property
    def sums(self) -> HourSums:
        """The columns of sums."""
        return self.pool.sums

    @property
    def length(self) -> int:
        """The number of hours."""
        return DAY * len(self.days)

    @classmethod
    def of(cls, pool: Pool, days: Array) -> "Series":
        """Return the series of those days."""
        whole = pool.before[days, DAY]
        return cls(pool, days, np.concatenate([np.zeros_like(whole[:1]), np.cumsum(whole, axis=0)]))

    def until(self, looks: Array) -> Array:
        """Return the sums of all hours before each look."""
        day, hour = np.divmod(looks, DAY)
        # The last look is at the end of the last day.
        inside = np.minimum(day, len(self.days) - 1)
        return np.asarray(
            self._base[inside] + self.pool.before[self.days[inside], hour + DAY * (day - inside)]
        )

    def column(self, number: int) -> Array:
        """Return one column of `until` for every look."""
        start = self._base[:-1, number, None] + self.pool.before[self.days, :DAY, number]
        return np.append(start, self._base[-1, number])

    def between(self, starts: Array, ends: Array) -> Array:
        """Return the sums of the hours from each start to its end."""
        return self.until(ends) - self.until(starts)

    def hours(self, start: int, end: int) -> Array:
        """Return the numbers of the pool's hours in [start, end)."""
        looks = np.arange(start, end)
        return np.asarray(self.days[looks // DAY] * DAY + looks % DAY)
