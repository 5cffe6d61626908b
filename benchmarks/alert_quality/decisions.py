"""Scheduled decisions over arrays of hours, as lambda_monitor.checks.evidence and days make them."""

import numpy as np

from benchmarks.alert_quality.hour_sums import Array, HourSums, Key, Readings
from lambda_monitor.checks import days, evidence
from lambda_monitor.checks.over_time import DAY, Plan
from lambda_monitor.hours.past import BLOCK
from lambda_monitor.profiles.thresholds import Horizon


def drift(hours: HourSums, sums: Array, plan: Plan, step: int = 1, *, per_day: int = DAY) -> Array:
    """Return whether a drift alert is open at the end of each row, looked at every `step` rows.

    `sums` has a row per hour, or `per_day` rows per day.
    """
    total = np.concatenate([np.zeros((1, sums.shape[1])), np.cumsum(sums, axis=0)])
    at, found = {}, {}
    for horizon in [plan.window, *plan.days]:
        length = per_day * horizon.days
        if len(total) > length:
            ends = np.arange(len(total) - 1, length - 1, -step)[::-1]
            at[horizon.days] = ends
            found[horizon] = hours.readings(total[ends] - total[ends - length], horizon)
    beyond = _beyond(hours, total, found, at, plan, per_day)
    return _states(beyond, len(total), step)


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


def _beyond(
    hours: HourSums,
    total: Array,
    found: dict[Horizon, dict[Key, Readings]],
    at: dict[int, Array],
    plan: Plan,
    per_day: int,
) -> dict[int, dict[Key, float]]:
    """Return the ratios that count, from those at which an open alert stays open, by hour."""
    made: dict[int, dict[Key, float]] = {}
    for horizon, readings in found.items():
        for key, one in readings.items():
            ratio = one.ratio
            for place in np.flatnonzero(ratio > evidence.STAYS_OPEN):
                end = int(at[horizon.days][place])
                count = horizon is plan.window or (
                    _lasts(one.value[place], key, end, horizon, found, at)
                    and _several_days(hours, total, end, horizon, key, ratio[place], per_day)
                )
                if count:
                    known = made.setdefault(end, {})
                    known[key] = max(known.get(key, 0.0), float(ratio[place]))
    return made


def _lasts(
    value: float,
    key: Key,
    end: int,
    horizon: Horizon,
    found: dict[Horizon, dict[Key, Readings]],
    at: dict[int, Array],
) -> bool:
    """Return whether no shorter horizon contradicts the value."""
    for shorter, readings in found.items():
        if shorter.days < horizon.days:
            place = np.searchsorted(at[shorter.days], end)
            least = value / 2 - evidence.CONTRADICTS * readings[key].noise[place]
            if readings[key].value[place] < least:
                return False
    return True


def _several_days(
    hours: HourSums, total: Array, end: int, horizon: Horizon, key: Key, ratio: float, per_day: int
) -> bool:
    """Return whether the value stays near its limit without any 24 hours of the horizon."""
    start = end - per_day * horizon.days
    first = np.arange(end - per_day, start - 1, -BLOCK * per_day // DAY)
    rest = total[end] - total[start] - (total[first + per_day] - total[first])
    least = 1.0 if ratio > 1 else evidence.STAYS_OPEN
    return bool((hours.readings(rest, horizon, key)[key].ratio > evidence.REST * least).all())


def _states(beyond: dict[int, dict[Key, float]], size: int, step: int) -> Array:
    """Return whether any column is in alert at each hour; one that is stays so down to STAYS_OPEN."""
    alert = np.zeros(size, bool)
    still_open: set[str] = set()
    for end in range((size - 1) % step, size, step):
        now = beyond.get(end, {})
        still_open = {_check(key) for key, ratio in now.items() if ratio > 1 or _check(key) in still_open}
        alert[end : end + step] = bool(still_open)
    return alert


def _check(key: Key) -> str:
    column, statistic = key
    return f"{column} segment" if statistic.startswith("segment") else column


def first_alert(alert: Array, onset: int) -> int | None:
    """Return the hours from `onset` until an alert is open, None if there is none."""
    after = np.flatnonzero(alert[onset + 1 :])
    return int(after[0]) + 1 if len(after) else None
