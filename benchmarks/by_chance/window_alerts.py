"""Alerts of the checks on one window, for the windows of any two days of a pool."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from benchmarks.alert_quality.hour_sums import Array
from benchmarks.by_chance.labels import Labels
from benchmarks.by_chance.pool import Pool
from benchmarks.by_chance.shares import Shares
from benchmarks.by_chance.two_days import TwoDays
from lambda_monitor.checks import days
from lambda_monitor.checks.over_time import DAY

TARGET = "drift.target"


@dataclass
class WindowAlerts:
    """Ratios of the checks decided by days, and alerts of the others, by the two days and the hour.

    Only checks that are beyond their limit in some window are kept; `made` has the share of windows in
    which each check is made, `largest` the largest ratio of those decided by days.
    """

    ratios: dict[str, Array] = field(default_factory=dict)
    at_once: dict[str, Array] = field(default_factory=dict)
    made: dict[str, float] = field(default_factory=dict)
    largest: dict[str, float] = field(default_factory=dict)

    @classmethod
    def of(cls, pool: Pool, progress: Callable[[str], None] = lambda _: None) -> "WindowAlerts":
        """Evaluate every window of every two days of a pool."""
        labels, shares, found = Labels(pool), Shares(pool), cls()
        for first in range(pool.days):
            for name, ratio in _ratios(pool, labels, first):
                found._add(name, ratio, first, pool.days)
            for name, alert in shares.alerts(TwoDays.of(shares.before, first, *_windows(pool.days))):
                found._add_alert(name, alert, first, pool.days)
            if first % 100 == 0:
                progress(f"windows of two days: {first} of {pool.days}")
        # Ratios of checks that are within their limit in every window decide nothing.
        found.ratios = {name: table for name, table in found.ratios.items() if found.largest[name] > 1}
        return found

    def _add(self, name: str, ratio: Array, first: int, days_: int) -> None:
        self.made[name] = self.made.get(name, 0.0) + float(np.isfinite(ratio).mean()) / days_
        if not days.decided_by_days(name):
            self._add_alert(name, ratio > 1, first, days_, made=False)
            return
        self.largest[name] = max(self.largest.get(name, 0.0), float(np.nanmax(ratio, initial=0.0)))
        table = self.ratios.setdefault(name, np.full((days_, days_, DAY), np.nan, np.float32))
        table[first] = ratio.reshape(days_, DAY)

    def _add_alert(self, name: str, alert: Array, first: int, days_: int, *, made: bool = True) -> None:
        if made:
            self.made[name] = 1.0
        if alert.any() or name in self.at_once:
            table = self.at_once.setdefault(name, np.zeros((days_, days_, DAY), bool))
            table[first] = alert.reshape(days_, DAY)

    def alerts(self, drawn: Array) -> dict[str, Array]:
        """Return whether each check alerts at each hour of drawn days, the first day left out."""
        pairs = drawn[:-1], drawn[1:]
        found = {name: table[pairs].ravel() for name, table in self.at_once.items()}
        for name, table in self.ratios.items():
            found[name] = by_days(table[pairs].ravel())
        return {name: alert for name, alert in found.items() if alert.any()}


def by_days(ratio: Array) -> Array:
    """Return whether a check is in alert at each hour, decided from its ratios on earlier days."""
    alert = np.zeros(len(ratio), bool)
    for look in np.flatnonzero(ratio > 1):
        if look and alert[look - 1]:
            alert[look] = True
            continue
        earlier = []
        for one in ratio[look - DAY :: -DAY][: days.EARLIER] if look >= DAY else ():
            if np.isnan(one):
                break
            earlier.append(float(one))
        alert[look] = ratio[look] > days.needed(earlier)
    return alert


def _ratios(pool: Pool, labels: Labels, first: int) -> Iterator[tuple[str, Array]]:
    windows = _windows(pool.days)
    yield from labels.ratios(TwoDays.of(labels.before, first, *windows))
    yield TARGET, pool.sums.target(TwoDays.of(pool.before, first, *windows).both)


def _windows(days_: int) -> tuple[Array, Array]:
    """Return the second day and the hour of every window after one day."""
    return np.repeat(np.arange(days_), DAY), np.tile(np.arange(DAY), days_)
