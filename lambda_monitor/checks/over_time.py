"""Limits of scheduled decisions: a rate of false alerts per year instead of per window.

A scheduled run looks every hour at overlapping windows, so the noise of one window is exceeded many times
a year. The horizons of a run are the last 1 to 28 days, each a sum over a moving window: a window-limited
test for a change at an unknown time (Willsky and Jones 1976; Lai 1998). For a standard normal sum over
the last w hours, looked at every hour, the rate at which |sum| starts to exceed h is
2 h phi(h) / w nu(h sqrt(2 / w)) per hour (Siegmund 1985; Aldous 1989), with nu(x) about exp(-0.583 x). Every
limit gets an equal part of the rate that the user sets, so the rates of all limits add up to it at most,
however they depend on each other.
"""

import math
from statistics import NormalDist

import msgspec

from lambda_monitor.profiles.distances import LEVEL, MIX, RANK, SHAPE, SHIFT, SPREAD
from lambda_monitor.profiles.thresholds import Horizon, Limit, Seasonality, Thresholds

# Days back from the end of a window that are evaluated together.
DAYS = (1, 2, 3, 4, 5, 7, 10, 14, 21, 28)
# Most days over which ranks are compared with the reference: over more they show holidays and seasons.
RANK_DAYS = 2
# Newest hours that are compared with the same hours of the days before.
LENGTHS = (1, 2, 3, 4, 6, 8, 12, 16, 24)
WEEK = 7
# Factors of whole limits, since days differ by more than chance: of the newest hours against the same hours
# of other days, and of several days.
_ODD_HOURS, _SEVERAL_DAYS = 1.2, 1.06
# Marks limits of segments where those of statistics are chosen.
SEGMENT = "segment"
# A single day may differ by this multiple of the limit: holidays, storms and parades. Ordinary taxi days of
# 2018 reached 1.45 in means, 1.29 in the share of one zone, 1.04 in spreads, less than 1 in distributions,
# ranks and segments.
ODD_DAY = 1.5
_ODD_DAY = {SPREAD: 1.1, LEVEL: 1.35, SHAPE: 1.0, MIX: 1.0, RANK: 1.1, SEGMENT: 1.1}
# Hours.
DAY = 24
_YEAR = 8766
_NORMAL = NormalDist()
_HIGHEST = 12.0


def rate(level: float, hours: int) -> float:
    """Return how often per year a sum over the last `hours` starts to exceed `level`, by chance.

    `level` is in standard deviations, two-sided.
    """
    overshoot = math.exp(-0.583 * level * math.sqrt(2 / hours))
    return _YEAR * 2 * level * _NORMAL.pdf(level) / hours * overshoot


def level(per_year: float, hours: int) -> float:
    """Return the level that a sum over the last `hours` starts to exceed `per_year` times."""
    low, high = 1.0, _HIGHEST
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if rate(middle, hours) > per_year else (low, middle)
    return high


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Horizons of a scheduled decision: the window, days back from its end, and its newest hours.

    `same_hours` has the horizon by number of newest hours; `week` is that of seven days.
    """

    window: Horizon
    days: list[Horizon]
    newest: Horizon
    same_hours: dict[int, Horizon]
    week: Horizon

    @classmethod
    def of(
        cls, limits: Thresholds, false_alerts_per_year: float, seasonality: Seasonality, window_hours: int
    ) -> "Plan":
        """Return the horizons for that rate of false alerts over all limits together."""
        statistics = sum(len(found) for found in limits.limits.values()) + len(limits.segments)
        ranks = sum(SHIFT in found for found in limits.limits.values())
        part = false_alerts_per_year / max(statistics + ranks, 1) / (len(DAYS) + 1 + len(LENGTHS))
        # Limits of one window are exceeded at this level.
        before = -_NORMAL.inv_cdf(limits.false_alarm_rate / max(statistics, 1) / 2)

        def horizon(hours: int, days: int, margin: float, *, part_of_day: bool = False) -> Horizon:
            noise = max(level(part, hours) / before, 1.0)
            ranks = before if days <= RANK_DAYS else 0.0
            return Horizon(days=days, noise=noise, margin=margin, part_of_day=part_of_day, deviations=ranks)

        def enlarged(hours: int, days: int, factor: float) -> Horizon:
            made = horizon(hours, days, factor)
            return msgspec.structs.replace(made, noise=factor * made.noise)

        odd = ODD_DAY if window_hours <= DAY and seasonality != "count" else 1.0
        whole = max(window_hours // DAY, 1)
        return cls(
            window=horizon(window_hours, whole, odd),
            days=[enlarged(DAY * days, days, _SEVERAL_DAYS) for days in DAYS if days > whole],
            newest=horizon(1, 1, ODD_DAY, part_of_day=True),
            same_hours={hours: enlarged(hours, 1, _ODD_HOURS) for hours in LENGTHS},
            week=horizon(DAY * WEEK, WEEK, 1.0),
        )


def limits_of(known: Thresholds, column: str, horizon: Horizon) -> dict[str, Limit]:
    """Return the limits of a column by statistic; ranks have one if the horizon compares them."""
    found = dict(known.limits.get(column, {}))
    if horizon.deviations and SHIFT in found:
        found[RANK] = found[SHIFT].of_ranks(horizon.deviations)
    return found


def for_statistic(horizon: Horizon, statistic: str) -> Horizon:
    """Return `horizon` with the margin of that statistic."""
    if horizon.part_of_day:
        return horizon
    margin = min(horizon.margin, _ODD_DAY.get(statistic, horizon.margin))
    return msgspec.structs.replace(horizon, margin=margin)
