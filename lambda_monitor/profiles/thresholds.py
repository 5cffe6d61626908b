"""Limits of the drift statistics, and their values at a number of rows.

A change is reported if two conditions hold. It is beyond chance: a window of n undrifted rows lies that
far from m reference rows with a probability that, over all columns and statistics together (Bonferroni),
is the requested false-alarm rate. And it is significantly larger than the tolerance of the column:
weekdays, weeks and seasons differ, and the part of that which the reference shows, or a stated default,
is allowed. With `seasonality` set to `count` there is no tolerance.

The limits are computed by training.calibration; this module is what a monitoring run needs of them.
"""

import bisect
from typing import Literal

import msgspec
import numpy as np

from contract.schema import Struct

# Least rows of a window for which drift checks are made.
LEAST_ROWS = 100
# Window size at which noise is calibrated; for larger windows it scales.
MANY_ROWS = 1_000

# Standard deviations of a normal statistic that `Limit.chance` corresponds to: one in 1,000, two-sided.
CHANCE_DEVIATIONS = 3.29
# Days from which the tolerance for weeks applies.
LONG_DAYS = 14

_ODD_RATE = 1e-4

# Which differences by time of the calendar count as drift: all, those between hours of the day, or none.
Seasonality = Literal["count", "ignore", "ignore_hours"]


class Horizon(Struct, frozen=True, kw_only=True):
    """Hours behind a decision, and how its limits differ from those of one window.

    `noise` multiplies the noise, since a schedule looks often; `margin` multiplies the whole limit of one
    window, since single days are odd. With `days` of `LONG_DAYS` or more weekdays and odd days cancel.
    With `part_of_day` the hours are too few to cover a day. `deviations` is the noise of one window for a
    shift of ranks, in standard deviations; at 0 ranks are not compared.
    """

    days: int = 1
    noise: float = 1.0
    margin: float = 1.0
    part_of_day: bool = False
    deviations: float = 0.0


WINDOW = Horizon()


class Limit(Struct, frozen=True, kw_only=True):
    """The limit of one statistic of one column.

    `noise` and `chance` are in units of sqrt(1/n + 1/m), at 1,000 rows or more; at 100 rows both are
    `few` times that. `noise` is for all checks together, `chance` for this one beyond `tolerance`.
    `hours` is the tolerance for windows shorter than a day, at any hour of the day, `weeks` that for two
    weeks or more.
    """

    noise: float
    chance: float
    few: float
    tolerance: float
    hours: float | None = None
    weeks: float | None = None

    def unit(self, rows: int, reference_rows: int) -> float:
        """Return the unit of `noise` and `chance` for a window of `rows` against `reference_rows`."""
        few = np.clip(np.log(MANY_ROWS / rows) / np.log(MANY_ROWS / LEAST_ROWS), 0, 1)
        return float(self.few**few * np.sqrt(1 / rows + 1 / reference_rows))

    def deviation(self, rows: int, reference_rows: int) -> float:
        """Return about one standard deviation of the noise, from the quantile that `chance` is."""
        return self.chance / CHANCE_DEVIATIONS * self.unit(rows, reference_rows)

    def at(
        self,
        rows: int,
        reference_rows: int,
        seasonality: Seasonality = "ignore",
        horizon: Horizon = WINDOW,
    ) -> float:
        """Return the limit for `rows` of a horizon, by default one window, against `reference_rows`."""
        unit = self.unit(rows, reference_rows)
        rare = self.noise * horizon.noise * unit
        if seasonality == "count":
            return rare
        tolerated = self._tolerance(seasonality, horizon) + self.chance * unit
        return max(rare, horizon.margin * max(self.noise * unit, tolerated))

    def of_ranks(self, deviations: float) -> "Limit":
        """Return the limit for ranks from that of the mean: normal noise, and the same tolerances."""
        return Limit(
            noise=deviations,
            chance=CHANCE_DEVIATIONS,
            few=1.0,
            tolerance=self.tolerance,
            hours=self.hours,
            weeks=self.weeks,
        )

    def _tolerance(self, seasonality: Seasonality, horizon: Horizon) -> float:
        if horizon.part_of_day or seasonality == "ignore_hours":
            return self.tolerance if self.hours is None else self.hours
        if horizon.days >= LONG_DAYS and self.weeks is not None:
            return min(self.tolerance, self.weeks)
        return self.tolerance


class Thresholds(Struct, frozen=True, kw_only=True):
    """`thresholds.json`: limits by column and statistic, and how they were computed."""

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
        """Return `thresholds.json`, indented."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"


def load(data: bytes) -> Thresholds:
    """Read `thresholds.json`. Raises msgspec.DecodeError."""
    return msgspec.json.decode(data, type=Thresholds)


def share_limit(expected: float, rows: int) -> float:
    """Return the share of odd values that one undrifted window of `rows` rows in 10,000 exceeds.

    1.5 times the share in the reference plus half a percent is allowed.
    """
    # scipy.stats has this as binom.isf, but takes most of a second to import.
    from scipy import special  # noqa: PLC0415  # callers that only read limits don't need it

    share = min(expected * 1.5 + 0.005, 1.0)
    return bisect.bisect_left(range(rows), -_ODD_RATE, key=lambda k: -special.bdtrc(k, rows, share)) / rows
