"""Sums of labelled records per hour, and their evidence on the mean error at the end of every hour.

The monitor reads the same sums from its reports; tests/benchmarks/test_error_series.py compares both.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks.alert_quality.hour_sums import Array
from contract import bundle
from lambda_monitor.checks import error_evidence, error_hours, mean_error
from lambda_monitor.checks.error_hours import Hours, Level, Reference, Side
from lambda_monitor.checks.evidence import STAYS_OPEN
from lambda_monitor.checks.mean_error import SEGMENT, WHOLE
from lambda_monitor.checks.over_time import DAY
from lambda_monitor.checks.score import texts
from lambda_monitor.model import Model
from lambda_monitor.untrusted import one_line


@dataclass(frozen=True, eq=False)
class ErrorSeries:
    """Labelled records per hour: of all, and of each value of a segment column."""

    hours: Hours
    sides: dict[str, dict[str, Side]]
    reference: Reference
    levels: dict[str, dict[str, Level]]

    @classmethod
    def of(cls, model: Model, rows: pd.DataFrame, hour: Array, size: int, chosen: Array) -> "ErrorSeries":
        """Return the sums of the `chosen` rows, by their number of the hour out of `size`."""
        contract, hour = model.contract, hour[chosen]
        names = [*contract.segments, bundle.PREDICTION_COLUMN, bundle.TARGET_COLUMN]
        table = pa.Table.from_pandas(rows.loc[chosen, names], preserve_index=False)
        before, now = mean_error.errors(model.reference, table)
        error = now.standard - before.standard.mean()

        def summed(values: Array, inside: Array | slice = slice(None)) -> Array:
            return np.bincount(hour[inside], values[inside], minlength=size)

        ones = np.ones(len(hour))
        levels = {column: error_evidence.levels_of(before, column) for column in contract.segments}
        sides: dict[str, dict[str, Side]] = {}
        for column, known in levels.items():
            shown = np.array([one_line(text) for text in texts(table, column)])
            masks = {name: shown == name for name in known}
            sides[column] = {n: Side(summed(ones, m), summed(error, m)) for n, m in masks.items()}
        loss = mean_error.losses(before, now)
        hours = Hours(summed(ones), summed(error), summed(loss))
        return cls(hours, sides, error_evidence.reference_of(contract, before), levels)

    def of_days(self, days: Array) -> "ErrorSeries":
        """Return a series of those days, by their numbers."""
        places = (days[:, None] * DAY + np.arange(DAY)).ravel()
        sides = {
            column: {name: Side(side.rows[places], side.error[places]) for name, side in known.items()}
            for column, known in self.sides.items()
        }
        hours = Hours(*(part[places] for part in self.hours))
        return ErrorSeries(hours, sides, self.reference, self.levels)

    def ratios(self) -> dict[str, Array]:
        """Return the largest ratio of a move to its limit at the end of each hour, by check and column."""
        readings = error_hours.readings(self.hours, self.reference).values()
        found = {WHOLE: np.max([reading.ratio for reading in readings], axis=0)}
        rows, error = (_total(part) for part in (self.hours.rows, self.hours.error))
        for column, sides in self.sides.items():
            ratio = np.zeros(len(self.hours.rows))
            for name, side in sides.items():
                own = Side(_total(side.rows), _total(side.error))
                for days, tolerance in error_hours.SEGMENT_DAYS:
                    _raise(ratio, (rows, error), own, self.levels[column][name], days * DAY, tolerance)
            found[f"{SEGMENT}: {column}"] = ratio
        return found

    def alerts(self) -> dict[str, Array]:
        """Return whether an alert is open at the end of each hour, by check and column."""
        return {name: still_open(ratio) for name, ratio in self.ratios().items()}


def _raise(
    ratio: Array, of_all: tuple[Array, Array], own: Side, level: Level, hours: int, tolerance: float
) -> None:
    """Raise `ratio` to that of a segment over the last `hours`."""
    if len(ratio) < hours:
        return
    inside = Side(*(part[hours:] - part[:-hours] for part in own))
    made = inside.rows >= error_hours.LEAST_ROWS
    if not made.any():
        return
    inside = Side(*(part[made] for part in inside))
    rows, error = ((part[hours:] - part[:-hours])[made] for part in of_all)
    reading = error_hours.apart(level, inside, Side(rows - inside.rows, error - inside.error), tolerance)
    places = np.flatnonzero(made) + hours - 1
    ratio[places] = np.maximum(ratio[places], reading.ratio)


def _total(values: Array) -> Array:
    return np.concatenate([[0.0], np.cumsum(values)])


def still_open(ratio: Array) -> Array:
    """Return whether an alert is open, which starts above 1 and ends below STAYS_OPEN."""
    alert, near = ratio > 1, ratio > STAYS_OPEN
    for place in np.flatnonzero(near & ~alert):
        alert[place] = place > 0 and alert[place - 1]
    return np.asarray(alert)
