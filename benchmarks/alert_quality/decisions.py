"""Scheduled decisions over arrays of hours, as lambda_monitor.checks.evidence and days make them."""

from dataclasses import dataclass

import numpy as np

from benchmarks.alert_quality.drift import SEGMENT, Drift
from benchmarks.alert_quality.hour_sums import Array, HourSums
from lambda_monitor.checks import days, evidence
from lambda_monitor.checks.over_time import DAY, Plan
from lambda_monitor.profiles.thresholds import Horizon


@dataclass(frozen=True, eq=False)
class Stretch:
    """Hours in a row, as their running sums: shape (hours + 1, columns)."""

    sums: HourSums
    total: Array

    @classmethod
    def of(cls, hours: HourSums, sums: Array) -> "Stretch":
        """Return the stretch of the sums of each hour."""
        return cls(hours, np.concatenate([np.zeros((1, sums.shape[1])), np.cumsum(sums, axis=0)]))

    @property
    def length(self) -> int:
        """The number of hours."""
        return len(self.total) - 1

    def column(self, number: int) -> Array:
        """Return one column of the sums of all hours before each look."""
        return np.asarray(self.total[:, number])

    def between(self, starts: Array, ends: Array) -> Array:
        """Return the sums of the hours from each start to its end."""
        return np.asarray(self.total[ends] - self.total[starts])


def drift(hours: HourSums, sums: Array, plan: Plan, step: int = 1) -> Array:
    """Return whether a drift alert is open at the end of each hour, looked at every `step` hours."""
    decided, last = Drift(Stretch.of(hours, sums), plan), len(sums)
    looks, alert = np.arange(last % step, last + 1, step), np.zeros(last + 1, bool)
    looks = looks[looks >= DAY]
    for check in _checks(hours):
        starts = decided.alerts(check, looks, 1.0)
        if not starts.any():
            continue
        first = int(np.flatnonzero(starts)[0])
        stays, is_open = decided.alerts(check, looks[first:], evidence.STAYS_OPEN), False
        for look, start, stay in zip(looks[first:].tolist(), starts[first:], stays, strict=True):
            is_open = bool(start or (is_open and stay))
            alert[look : look + step] |= is_open
    return alert


def _checks(hours: HourSums) -> list[tuple[str, str]]:
    """Return the drift checks by kind and column."""
    segments = [(SEGMENT, name) for name in hours.segment_levels if name in hours.model.thresholds.segments]
    return [*(("drift", name) for name in hours.compared), *segments]


def window_rule(hours: HourSums, sums: Array) -> Array:
    """Return whether the last 24 hours are beyond a limit of one window, at the end of each hour."""
    total = np.concatenate([np.zeros((1, sums.shape[1])), np.cumsum(sums, axis=0)])
    readings = hours.readings(total[DAY:] - total[:-DAY], Horizon())
    alert = np.zeros(len(total), bool)
    alert[DAY:] = np.max([one.ratio for one in readings.values()], axis=0) > 1
    return alert


def labelled(hours: HourSums, sums: Array) -> tuple[Array, Array]:
    """Return whether an alert on labels is open: by the rule over days, and by one window alone."""
    total = np.concatenate([np.zeros((1, sums.shape[1])), np.cumsum(sums, axis=0)])
    windows = total[DAY:] - total[:-DAY]
    over_days, alone = np.zeros(len(total), bool), np.zeros(len(total), bool)
    for ratio in (hours.error(windows), hours.target(windows)):
        is_open = False
        for number, one in enumerate(ratio):
            earlier = ratio[number - DAY :: -DAY][: days.EARLIER] if number >= DAY else ratio[:0]
            is_open = bool(one > 1 and (is_open or one > days.needed(earlier.tolist())))
            over_days[number + DAY] |= is_open
        alone[DAY:] |= ratio > 1
    return over_days, alone


def episodes(alert: Array) -> int:
    """Return how many times an alert starts."""
    return int((alert[1:] & ~alert[:-1]).sum() + alert[0])


def first_alert(alert: Array, onset: int) -> int | None:
    """Return the hours from `onset` until an alert is open, None if there is none."""
    after = np.flatnonzero(alert[onset + 1 :])
    return int(after[0]) + 1 if len(after) else None
