"""Delays of scheduled decisions on drift after a change, by rides per day."""

import re
from collections.abc import Callable, Iterable
from functools import partial

import numpy as np

from benchmarks.alert_quality import decisions
from benchmarks.alert_quality.decisions import window_rule
from benchmarks.alert_quality.hour_sums import Array
from benchmarks.alert_quality.lower_bound import least_delay
from benchmarks.alert_quality.over_time import subject
from benchmarks.alert_quality.streams import stream
from benchmarks.alert_quality.taxi import SHIPPED
from lambda_monitor.check_config import FALSE_ALERTS_PER_YEAR
from lambda_monitor.checks.over_time import DAY

# Rides per day, and days that a change is followed: the taxi data as it is, a window of 1,000 per day, and
# a window of 1,000 per hour.
VOLUMES = {330: 28, 1_000: 21, 24_000: 4}
REPETITIONS = {330: 12, 1_000: 12, 24_000: 6}
# Days after the change that are tried one after the other.
_FIRST = (1, 4, 28)
Delay = tuple[float, float]


def measured(label: str, per_day: int) -> list[Delay]:
    """Return the hours until an alert, infinite if there is none: scheduled decisions, one window."""
    of, found = stream(), []
    for seed in range(REPETITIONS[per_day]):
        drawn = of.drawn(per_day, VOLUMES[per_day], seed)
        sums = of.sums(drawn, label)
        scheduled, alone = (
            partial(decisions.drift, of.of.hours, plan=of.of.plan),
            partial(window_rule, of.of.hours),
        )
        ours, window = (_first(rule, sums, drawn.onset) for rule in (scheduled, alone))
        found.append((ours, window))
    return found


def _first(rule: Callable[[Array], Array], sums: Array, onset: int) -> float:
    """Return the hours until an alert; the days behind the first one are only computed if they are needed."""
    for days in _FIRST:
        alert = rule(sums[: onset + days * DAY])
        if (hours := decisions.first_alert(alert, onset)) is not None:
            return float(hours)
    return np.inf


def tasks() -> list[tuple[str, int]]:
    """Return the changes and volumes to measure."""
    return [(label, per_day) for per_day in VOLUMES for label in stream().changes]


def lines(found: Iterable[list[Delay]]) -> list[str]:
    """Return one table per volume, in the order of `tasks`."""
    made = dict(zip(tasks(), found, strict=True))
    text = [_ABOUT]
    for per_day, days in VOLUMES.items():
        text += [
            "",
            f"| hours until an alert, {per_day:,} rides per day | least of any detector "
            "| Scorewatch: median | longest | one window, looked at every hour: median | longest |",
            "|---|---|---|---|---|---|",
        ]
        for (label, volume), delays in made.items():
            if volume == per_day:
                columns = np.array(delays).T
                cells = [hours(f(one), days) for one in columns for f in (np.median, np.max)]
                text.append(f"| {label} | {_least(label, per_day)} | {' | '.join(cells)} |")
    return text


_ABOUT = (
    "Delay of a drift alert from a change at a random hour, looked at every hour. Rides are drawn from the "
    f"same hours of May and June 2019, {max(REPETITIONS.values())} repetitions per row, "
    f"{REPETITIONS[24_000]} at 24,000 rides per day. `one window` is the last 24 "
    "hours alone, with the limits of a window by hand: it starts several false alerts per year (table "
    "above), so it has less to wait for. `least of any detector` is the least worst-case mean delay for a "
    f"normal mean at the rate of false alerts of one statistic, {FALSE_ALERTS_PER_YEAR} per year divided by "
    "all statistics (Lorden 1971, Moustakides 1986; benchmarks/alert_quality/lower_bound.py). It is given "
    "for the logarithm of the distance, which is about normal; such a detector knows the change in advance "
    "and allows no odd day."
)


def hours(found: float, days: int) -> str:
    """Return a delay in words."""
    return f"over {days * DAY:,}" if np.isinf(found) else f"{found:,.0f}"


def _least(label: str, per_day: int) -> str:
    if (by := re.search(r"([0-9.]+) sd of its logarithm", label)) is None:
        return ""
    thresholds = subject(SHIPPED).watched.model.thresholds
    statistics = sum(len(found) for found in thresholds.limits.values()) + len(thresholds.segments)
    bound = least_delay(
        float(by[1]),
        per_day=per_day,
        false_alerts_per_year=FALSE_ALERTS_PER_YEAR,
        statistics=statistics,
    )
    return f"{bound * DAY:,.1f}"
