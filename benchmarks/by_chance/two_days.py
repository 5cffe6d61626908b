"""Sums over every window of 24 hours of two days, with the part of each day."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from benchmarks.alert_quality.hour_sums import Array
from lambda_monitor.checks.over_time import DAY


@dataclass(frozen=True, eq=False)
class TwoDays:
    """Sums of the later hours of a day and of the earlier hours of the next: shape (windows, columns).

    At hour 0 the earlier day is whole, and the later one has no rows.
    """

    earlier: Array
    later: Array

    @classmethod
    def of(cls, before: Array, first: int, second: Array, hour: Array) -> "TwoDays":
        """Return the windows that end at hours of the days `second`, each after the day `first`."""
        return cls(before[first, DAY] - before[first, hour], before[second, hour])

    @cached_property
    def both(self) -> Array:
        """The sums of whole windows."""
        return np.asarray(self.earlier + self.later)

    def effective_days(self, column: int) -> Array:
        """Return the number of equally large days that vary as much, by a column of counts."""
        one, other = self.earlier[:, column], self.later[:, column]
        return np.asarray((one + other) ** 2 / np.maximum(one**2 + other**2, 1))
