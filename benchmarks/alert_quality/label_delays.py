"""Delay of alerts on labels after a concept shift: scheduled decisions, beside one window."""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks.alert_quality import delays, judges, shifts
from benchmarks.alert_quality.streams import Drawn, stream
from benchmarks.alert_quality.subject import Change
from contract import bundle
from lambda_monitor.checks import columns, days, error_evidence, error_hours, mean_error
from lambda_monitor.checks.evidence import Scheduled
from lambda_monitor.checks.label_sums import SUMS
from lambda_monitor.checks.mean_error import Errors
from lambda_monitor.checks.over_time import DAY
from lambda_monitor.findings import CheckResult
from lambda_monitor.hours.past import Past
from lambda_monitor.lake.events import ARRIVED

SHARES = (1.0, judges.FEW_LABELS)
# Hours between looks.
STEP = 3
ALL, SEGMENT = "all rows", "a segment of about 20%"
# Rides per day, and repetitions.
_VOLUMES = {330: 5, 1_000: 7, 24_000: 3}
# Days followed, by part and share of labels; a segment with few labels takes weeks.
_FOLLOWED = {(ALL, 1.0): 6, (ALL, SHARES[1]): 8, (SEGMENT, 1.0): 8, (SEGMENT, SHARES[1]): 28}
Case = tuple[str, float, int]


def tasks() -> list[tuple[str, float, int, int]]:
    """Return part, share of labels, rides per day and seed of each repetition."""
    return [
        (part, share, per_day, seed)
        for part, share in _FOLLOWED
        for per_day, repetitions in _VOLUMES.items()
        for seed in range(repetitions)
    ]


def followed(part: str, share: float, per_day: int) -> int:
    """Return the days that are followed; many rides are followed for a week at most."""
    return min(_FOLLOWED[part, share], 28 if per_day <= max(list(_VOLUMES)[:2]) else 4)


def measured(part: str, share: float, per_day: int, seed: int) -> delays.Delay:
    """Return the hours until an alert on labels, infinite if there is none: scheduled, and by one window."""
    of = stream()
    change: Change = shifts.concept
    if part == SEGMENT:
        change = shifts.within(shifts.segment(of.watched, "PULocationID", shifts.LARGE), shifts.concept)
    drawn = of.drawn(per_day, followed(part, share, per_day), seed)
    rides = Rides(drawn, change(of.watched, of.rides).sort_index(), share, seed)
    first = [np.inf, np.inf]
    for end in range(drawn.onset + 1, drawn.length + 1, STEP):
        for number, results in enumerate((rides.decided(end), rides.window(end))):
            if any(one.status == "alert" for one in results):
                first[number] = min(first[number], end - drawn.onset)
        if np.isfinite(first).all():
            break
    return first[0], first[1]


class Rides:
    """Drawn rides of which a share has a label, and the monitor's decisions at any hour."""

    def __init__(self, drawn: Drawn, changed: pd.DataFrame, share: float, seed: int) -> None:
        """Choose the labelled rides at random."""
        self._drawn, self._changed = drawn, changed
        self._labelled = np.random.default_rng(seed).random(len(drawn.hours)) < share
        self._windows: dict[int, list[CheckResult]] = {}
        self._sums: dict[tuple[str, int], dict[str, Any]] = {}

    def window(self, end: int) -> list[CheckResult]:
        """Return the results of the last 24 hours alone."""
        if end not in self._windows:
            self._windows[end] = self._results(end)
        return self._windows[end]

    def decided(self, end: int) -> list[CheckResult]:
        """Return the results of a scheduled run after those of the days before."""
        model = stream().watched.model
        before = [self.window(end - DAY * back) for back in range(1, days.EARLIER + 1)]
        over_days = days.decide(model.check_config, self.window(end), _earlier(before), [])
        known = Scheduled(past=Past(end=datetime.now(UTC)), window_hours=DAY, sums=self._earlier_sums(end))
        return error_evidence.decide(model, over_days, known)

    def _earlier_sums(self, end: int) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = {}
        for column in ("", *stream().watched.contract.segments):
            name = mean_error.SEGMENT if column else mean_error.WHOLE
            ends = range(end - DAY, max(end - error_hours.HOURS, DAY - 1), -DAY)
            found[f"{name}: {column}"] = [sums for at in ends if (sums := self._summed(column, at))]
        return found

    def _summed(self, column: str, end: int) -> dict[str, Any]:
        if (column, end) not in self._sums:
            before, now, hours = self._errors
            first, last = np.searchsorted(hours, [end - DAY, end])
            part = Errors(
                now.plain[first:last], now.standard[first:last], None, now.table.slice(first, last - first)
            )
            detail = mean_error.sums([column] if column else [], before, part)
            self._sums[column, end] = detail.get(SUMS, {})
        return self._sums[column, end]

    @cached_property
    def _errors(self) -> tuple[Errors, Errors, Any]:
        """Errors of the reference and of all labelled rides, and the hour of each."""
        table = self._table(0, self._drawn.length).filter(pa.array(self._labelled))
        table = table.append_column(ARRIVED, table.column("pickup_datetime"))
        before, now = mean_error.errors(stream().watched.model.reference, table)
        return before, now, self._drawn.hours[self._labelled]

    def _table(self, first: int, last: int) -> pa.Table:
        of = stream()
        rows = of.rows(self._drawn, self._changed, first, last)
        table = pa.Table.from_pandas(rows[[*of.watched.compared, bundle.TARGET_COLUMN]], preserve_index=False)
        return table.append_column("pickup_datetime", pa.array(rows["pickup_datetime"].to_numpy()))

    def _results(self, end: int) -> list[CheckResult]:
        of = stream()
        inside = (self._drawn.hours >= end - DAY) & (self._drawn.hours < end)
        truth = judges.truth(of.watched.contract, self._table(end - DAY, end), self._labelled[inside])
        return columns.check_performance(of.watched.model, truth)


def _earlier(windows: list[list[CheckResult]]) -> dict[str, list[float]]:
    """Return the ratios of earlier days by check, the newest first, until a day lacks one."""
    found: dict[str, list[float]] = {}
    for number, results in enumerate(windows):
        for one in results:
            known = found.setdefault(one.key, [])
            if days.decided_by_days(one.name) and one.ratio is not None and len(known) == number:
                known.append(one.ratio)
    return found


def lines(found: Iterable[delays.Delay]) -> list[str]:
    """Return the table, from the delays in the order of `tasks`."""
    made: dict[Case, list[delays.Delay]] = {}
    for (part, share, per_day, _), delay in zip(tasks(), found, strict=True):
        made.setdefault((part, share, per_day), []).append(delay)
    repeated = ", ".join(f"{count} at {per_day:,} rides per day" for per_day, count in _VOLUMES.items())
    text = [
        "A concept shift (the target one third larger for the same features), hours until an alert on "
        f"labels, looked at every {STEP} hours; repetitions: {repeated}. "
        "`one window` is the last 24 hours alone.",
        "",
        "| target larger in, labels | rides per day | Scorewatch: median | longest | one window: median "
        "| longest |",
        "|---|---|---|---|---|---|",
    ]
    for (part, share, per_day), several in made.items():
        most = followed(part, share, per_day)
        cells = [delays.hours(f(one), most) for one in np.array(several).T for f in (np.median, np.max)]
        text.append(f"| {part}, labels of {share:.0%} | {per_day:,} | {' | '.join(cells)} |")
    return text
