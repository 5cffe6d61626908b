"""How far from the reference is too far: limits, and what they allow at a number of rows.

A change is told when two things hold. It is beyond chance: a window of n undrifted rows lies that far
from m reference rows with a probability that, over all columns and statistics together (Bonferroni),
is the false-alarm rate asked for. And it is surely larger than the column's tolerance, the change that
matters to nobody: weekdays, weeks and seasons differ in any business, and the part of that which the
reference itself shows, or a stated default, is allowed. A user who wants to hear of it sets
`seasonality` to `count`.

calibration.py makes them; what is here a monitoring run needs.
"""

import bisect
from typing import Literal

import msgspec
import numpy as np

from contract.schema import Struct

# Fewer rows than this say nothing about a distribution: no drift check is made.
LEAST_ROWS = 100
# Chance is known at so many rows; from there on it scales.
MANY_ROWS = 1_000

_ODD_RATE = 1e-4

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
        few = np.clip(np.log(MANY_ROWS / rows) / np.log(MANY_ROWS / LEAST_ROWS), 0, 1)
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


def share_limit(expected: float, rows: int) -> float:
    """Return the share of odd values that `rows` undrifted rows stay below, but for one window in 10,000.

    Half as many again as in the reference, and half a percent, are allowed: the odd row is ordinary.
    """
    # scipy.stats has this as binom.isf, and takes most of a second to import before a verdict.
    from scipy import special  # noqa: PLC0415  # as much again for those who only read limits

    share = min(expected * 1.5 + 0.005, 1.0)
    return bisect.bisect_left(range(rows), -_ODD_RATE, key=lambda k: -special.bdtrc(k, rows, share)) / rows
