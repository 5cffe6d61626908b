"""States of a metric alarm, minute by minute.

Rules of CloudWatch's user guide ("Alarm evaluation", "Alarm evaluation window", "Configuring how CloudWatch
alarms treat missing data"): an alarm is evaluated every minute over a sliding window; one that reaches back
more than a day, once per hour. For missing data points CloudWatch looks some periods further back than the
evaluated ones and uses real data points it finds there first.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from benchmarks.cloudwatch_model import expressions
from benchmarks.cloudwatch_model.definitions import MetricAlarm
from benchmarks.cloudwatch_model.expressions import Series

States = NDArray[np.int8]
INSUFFICIENT, OK, ALARM = 0, 1, 2

_FILLS = ("breaching", "notBreaching")
# Data points further back than the evaluated ones: the guide's example evaluates 3 and retrieves 5.
_FURTHER_BACK = 2
_DAY, _HOUR = 1440, 60
_COMPARE = {
    "GreaterThanThreshold": np.greater,
    "GreaterThanOrEqualToThreshold": np.greater_equal,
    "LessThanThreshold": np.less,
}


def states(alarm: MetricAlarm, data: Mapping[str, Series], minutes: int, delay: int = 0) -> States:
    """Return the state at the end of each minute.

    `data` has one value per minute and metric, NaN for none; a metric that is not in it has no data.
    A value is visible `delay` minutes after its minute.
    """
    breaches = _Breaches(alarm, data, minutes, delay)
    found = _filled(alarm, breaches) if alarm.missing in _FILLS else _kept(alarm, breaches)
    return _hourly(found) if alarm.period * alarm.periods > _DAY else found


class _Breaches:
    """Whether data points breach the threshold: 1, 0, or NaN if missing."""

    def __init__(self, alarm: MetricAlarm, data: Mapping[str, Series], minutes: int, delay: int) -> None:
        self.alarm, self.minutes = alarm, minutes
        self._data, self._delay = data, delay
        self.complete = self._of(alarm.period, 0)
        # The first so many data points end before the newest visible value.
        self.partial = [
            self._of(alarm.period * (k + 1) - delay, delay) for k in range(-(-delay // alarm.period))
        ]

    def point(self, k: int) -> Series:
        """Return data point `k` at each minute, 0 is the newest."""
        return self.partial[k] if k < len(self.partial) else _shifted(self.complete, k * self.alarm.period)

    def sums(self) -> tuple[Series, Series]:
        """Return the counts of breaching and of present data points among the evaluated ones."""
        older = range(len(self.partial), self.alarm.periods)
        breaching = _strided(np.nan_to_num(self.complete), self.alarm.period, older)
        present = _strided((~np.isnan(self.complete)).astype(np.float64), self.alarm.period, older)
        for part in self.partial[: self.alarm.periods]:
            breaching += np.nan_to_num(part)
            present += ~np.isnan(part)
        return breaching, present

    def _of(self, length: int, shift: int) -> Series:
        missing = np.full(self.minutes, np.nan)
        if length <= 0:
            points = dict.fromkeys(self.alarm.metrics, missing)
        else:
            points = {
                name: _shifted(_windows(self._data.get(m.key, missing), length, m.stat), shift)
                for name, m in self.alarm.metrics.items()
            }
        value = expressions.evaluate(self.alarm.expression, points)
        breach = _COMPARE[self.alarm.comparison](value, self.alarm.threshold)
        return np.where(np.isnan(value), np.nan, breach.astype(np.float64))


def _windows(values: Series, length: int, stat: str) -> Series:
    """Return the statistic of the `length` minutes that end with each minute, NaN if all are missing."""
    if length == 1:
        return values
    present = _running(~np.isnan(values), length)
    if stat == "Sum":
        found = _running(np.nan_to_num(values), length)
    else:
        padded = np.concatenate([np.full(length - 1, -np.inf), np.where(np.isnan(values), -np.inf, values)])
        found = sliding_window_view(padded, length).max(axis=1)
    return np.where(present > 0, found, np.nan)


def _running(values: NDArray[Any], length: int) -> Series:
    total = np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])
    ends = np.arange(1, len(values) + 1)
    return np.asarray(total[ends] - total[np.maximum(ends - length, 0)])


def _shifted(values: Series, minutes: int) -> Series:
    if not minutes:
        return values
    return np.concatenate(
        [np.full(min(minutes, len(values)), np.nan), values[: max(len(values) - minutes, 0)]]
    )


def _strided(values: Series, step: int, ks: range) -> Series:
    """Return the sum of `values` at `step` times each of `ks` minutes before each minute."""
    rows = -(-len(values) // step)
    padded = np.concatenate([values, np.zeros(rows * step - len(values))])
    total = padded.reshape(rows, step).cumsum(axis=0).reshape(-1)[: len(values)]

    def until(minutes: int) -> Series:
        return np.nan_to_num(_shifted(total, minutes))

    return until(ks.start * step) - until(ks.stop * step)


def _filled(alarm: MetricAlarm, breaches: _Breaches) -> States:
    """Return the states if missing data points count as breaching or as not breaching."""
    breaching, present = breaches.sums()
    for k in range(alarm.periods, alarm.periods + _FURTHER_BACK):
        further = np.where(present < alarm.periods, breaches.point(k), np.nan)
        breaching += np.nan_to_num(further)
        present += ~np.isnan(further)
    if alarm.missing == "breaching":
        breaching += alarm.periods - present
    return np.where(breaching >= alarm.enough, ALARM, OK).astype(np.int8)


def _kept(alarm: MetricAlarm, breaches: _Breaches) -> States:
    """Return the states if missing data points keep the state, or make the data insufficient."""
    points = np.stack([breaches.point(k) for k in range(alarm.periods + _FURTHER_BACK)])
    if alarm.periods == 1:
        return _newest(alarm, points)
    state, found = INSUFFICIENT, np.empty(breaches.minutes, dtype=np.int8)
    for minute in range(breaches.minutes):
        state = _with_gaps(alarm, points[:, minute], state)
        found[minute] = state
    return found


def _newest(alarm: MetricAlarm, points: Series) -> States:
    """Return the states of an alarm that evaluates one data point: the newest that there is."""
    value = points[0]
    for older in points[1:]:
        value = np.where(np.isnan(value), older, value)
    states = np.where(np.isnan(value), INSUFFICIENT, np.where(value == 1, ALARM, OK)).astype(np.int8)
    if alarm.missing == "missing":
        return states
    known = np.where(np.isnan(value), 0, np.arange(len(value)))
    return np.asarray(states[np.maximum.accumulate(known)])


def _with_gaps(alarm: MetricAlarm, points: Series, state: int) -> int:
    """Return the state after one evaluation; `points` are the newest first."""
    real = points[~np.isnan(points)]
    if len(real) >= alarm.periods:
        return ALARM if real[: alarm.periods].sum() >= alarm.enough else OK
    if not len(real):
        return state if alarm.missing == "ignore" else INSUFFICIENT
    if real.sum() >= alarm.enough:
        return ALARM
    if not real.all():
        return OK
    # "Avoiding premature transitions": all that is known breaches; is its oldest old enough?
    oldest = int(np.flatnonzero(~np.isnan(points))[-1]) + 1
    return ALARM if alarm.missing == "missing" and oldest >= alarm.enough else state


def _hourly(found: States) -> States:
    """Return the states of an alarm that is evaluated at the end of each hour."""
    held = np.full_like(found, INSUFFICIENT)
    for end in range(_HOUR - 1, len(found), _HOUR):
        held[end : end + _HOUR] = found[end]
    return held
