"""Alerts of every check over model-years drawn from a pool, and their episodes."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from benchmarks.alert_quality.drift import Drift, check_of
from benchmarks.alert_quality.error_series import ErrorSeries
from benchmarks.alert_quality.hour_sums import Array
from benchmarks.by_chance.pool import Pool
from benchmarks.by_chance.same_hours_screen import SameHoursScreen
from benchmarks.by_chance.screen import Screen
from benchmarks.by_chance.series import WARM, Series, drawn
from benchmarks.by_chance.window_alerts import WindowAlerts
from contract import bundle
from lambda_monitor.checks import evidence
from lambda_monitor.checks.days import EARLIER
from lambda_monitor.checks.over_time import DAY, Plan

YEAR = 365
# Hours for which an open alert is followed at once.
_STRETCH = 48
ALL, UNLABELLED = "all checks", "all checks without labels"
Intervals = list[tuple[int, int]]


@dataclass(frozen=True, eq=False)
class Replay:
    """A pool with the decisions of all checks."""

    pool: Pool
    plan: Plan
    screen: Screen
    windows: WindowAlerts
    errors: ErrorSeries
    same_hours: SameHoursScreen

    @classmethod
    def of(cls, pool: Pool, per_year: float, progress: Callable[[str], None] = lambda _: None) -> "Replay":
        """Return the replay of a pool at a rate of false alerts per year."""
        plan = Plan.of(pool.model.thresholds, per_year, pool.model.check_config.seasonality, DAY)
        windows, same_hours = WindowAlerts.of(pool, progress), SameHoursScreen(pool, plan)
        return cls(pool, plan, Screen(pool, plan), windows, pool.errors(), same_hours)

    def checks(self) -> dict[str, list[str]]:
        """Return the columns of each check that is counted, an empty one for a check of the whole window."""
        every = [named(check_of(key)) for key in self.screen.keys]
        found: dict[str, list[str]] = {}
        for name in dict.fromkeys([*every, *self.windows.made]):
            check, _, column = name.partition(": ")
            found.setdefault(check, []).append(column)
        return found

    def episodes(self, seed: int, years: int) -> Counter[str]:
        """Return the episodes by check, and of all together, in `years` drawn by a seed."""
        days = drawn(np.random.default_rng(seed), self.pool.days, years * YEAR)
        found = self.drift(Series.of(self.pool, days)) | self.one_window(days)
        counted = Counter({name: len(intervals) for name, intervals in found.items()})
        counted[ALL] = len(together(found.values()))
        counted[UNLABELLED] = len(together(i for name, i in found.items() if not needs_labels(name)))
        return counted

    def one_window(self, days: Array) -> dict[str, Intervals]:
        """Return the intervals in which each check on labels, quality or groups is in alert."""
        # Decisions by days need the days before the first look.
        first = WARM - EARLIER
        found = self.windows.alerts(days[first - 1 :])
        alerts = {name: alert[EARLIER * DAY :] for name, alert in found.items()}
        for name, alert in self.errors.of_days(days).alerts().items():
            # The look at an hour is at the end of the hour before.
            over_days = alert[WARM * DAY - 1 : -1]
            alerts[name] = alerts[name] | over_days if name in alerts else over_days
        return {name: intervals(alert, WARM * DAY) for name, alert in alerts.items()}

    def drift(self, series: Series) -> dict[str, Intervals]:
        """Return the intervals in which each drift check is in alert."""
        drift, looks = Drift(series, self.plan), np.arange(WARM * DAY, len(series.days) * DAY)
        near: dict[tuple[str, str], list[Array]] = {}
        for (horizon, key), at in self.screen.looks(series.days, drift.newest_starts(looks)).items():
            check = check_of(key)
            beyond = (
                drift.newest(check, at) > 1 if horizon.part_of_day else drift.counts(key, at, horizon, 1.0)
            )
            near.setdefault(check, []).append(at[beyond])
        for key, at in self.same_hours.looks(series.days).items():
            near.setdefault(check_of(key), []).append(at[drift.same_hours.beyond([key], at, 1.0)])
        return {
            named(check): _followed(drift, check, np.unique(np.concatenate(starts)))
            for check, starts in near.items()
            if any(len(one) for one in starts)
        }


def _followed(drift: Drift, check: tuple[str, str], starts: Array) -> Intervals:
    """Return the intervals of alerts that start at some of `starts` and stay open while evidence lasts."""
    found: Intervals = []
    last = drift.series.length
    for start in starts.tolist():
        if found and start < found[-1][1]:
            continue
        end = start
        while end < last:
            looks = np.arange(end, min(end + _STRETCH, last))
            is_open = drift.alerts(check, looks, evidence.STAYS_OPEN)
            if not is_open.all():
                end = int(looks[~is_open][0])
                break
            end = int(looks[-1]) + 1
        found.append((start, end))
    return found


def named(check: tuple[str, str]) -> str:
    """Return the name of a check of one column."""
    kind, column = check
    if kind != "drift":
        return f"{kind}: {column}"
    return f"drift.{'prediction' if column == bundle.PREDICTION_COLUMN else 'feature'}: {column}"


def needs_labels(name: str) -> bool:
    """Return whether a check needs labels."""
    if name == "performance.estimate":
        return False
    return name.startswith(("performance", "bias.error", "drift.target"))


def intervals(alert: Array, first: int) -> Intervals:
    """Return the intervals in which `alert` is true; its first look is `first`."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], alert, [False]]).astype(np.int8))) + first
    return [(int(start), int(end)) for start, end in zip(edges[::2], edges[1::2], strict=True)]


def together(found: Iterable[Intervals]) -> Intervals:
    """Return the intervals in which any check is in alert."""
    joined: Intervals = []
    for start, end in sorted(one for intervals_ in found for one in intervals_):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined
