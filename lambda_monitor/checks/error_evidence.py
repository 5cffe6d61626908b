"""Scheduled decisions on the mean error of a regression, from the sums of labelled records in reports.

They add to the decision by days (days.py): whichever is further beyond its limit decides. The sums of up to
31 days are read from the reports of earlier windows and added by hour of arrival, so windows that overlap
and runs that are repeated count once.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec
import numpy as np

from contract.layout import HOUR
from contract.schema import Contract
from contract.timestamps import timestamp
from lambda_monitor import wording
from lambda_monitor.checks import drift, error_hours, mean_error, performance
from lambda_monitor.checks.error_hours import Hours, Level, Reference, Side
from lambda_monitor.checks.evidence import STAYS_OPEN, Scheduled
from lambda_monitor.checks.label_sums import SUMS, HourSums, LevelSums
from lambda_monitor.checks.mean_error import SEGMENT, WHOLE, Errors
from lambda_monitor.checks.over_time import DAY
from lambda_monitor.checks.score import commonest, texts
from lambda_monitor.findings import CheckResult
from lambda_monitor.model import Model
from lambda_monitor.untrusted import one_line


class _Found(msgspec.Struct, frozen=True, kw_only=True):
    """A move beyond its limit over a horizon: hours, first hour since 1970, records, and words on them."""

    value: float
    limit: float
    hours: int
    since: int
    rows: int
    what: str
    level: str | None = None

    @property
    def ratio(self) -> float:
        return self.value / self.limit


def decide(model: Model, results: Sequence[CheckResult], known: Scheduled) -> list[CheckResult]:
    """Return the results, those on the mean error with the horizon that is furthest beyond its limit.

    Windows of less than a day lack hours of the day, so they decide alone. The user's limits apply at once.
    """
    if known.window_hours < DAY or not any(SUMS in result.detail for result in results):
        return list(results)
    before, _ = mean_error.errors(model.reference, model.reference)
    return [
        _decided(model, before, result, known)
        if result.name in {WHOLE, SEGMENT}
        and SUMS in result.detail
        and result.status != "error"
        and model.check_config.limit(result.name, result.columns, None) is None
        else result
        for result in results
    ]


def _decided(model: Model, before: Errors, result: CheckResult, known: Scheduled) -> CheckResult:
    stored = [result.detail[SUMS], *known.sums.get(result.key, [])]
    if result.name == WHOLE:
        found = _whole(model.contract, before, msgspec.convert(stored, list[HourSums]))
    else:
        sums = msgspec.convert(stored, list[LevelSums])
        found = _segments(model.contract, before, result.columns[0], sums)
    if found is None:
        return result
    least = STAYS_OPEN if result.key in known.open else 1.0
    ratio = found.ratio / least
    if result.status != "skipped" and ratio <= max(result.ratio or 0.0, 1.0):
        return result
    return _shown(result, found, least)


def _shown(result: CheckResult, found: _Found, least: float) -> CheckResult:
    """Return the result as the horizon decides it; the limit shown is the one that counts."""
    start = datetime.fromtimestamp(0, UTC) + found.since * HOUR
    evidence = {
        "hours": found.hours,
        "since": timestamp(start),
        "window": {"value": result.value, "threshold": result.threshold},
    } | result.detail.get("evidence", {})
    over = wording.counted(
        *((found.hours // DAY, "day") if found.hours % DAY == 0 else (found.hours, "hour"))
    )
    sentence = (
        f"{found.what} moved by {found.value:.2g} usual errors of the reference. Decided over {over}, since "
        f"{timestamp(start)} ({found.rows:,} labelled records)."
    )
    detail = {**result.detail, "evidence": evidence}
    if found.level is not None:
        detail["segment"] = found.level
    value, limit = (round(one, drift.DIGITS) for one in (found.value, found.limit * least))
    return msgspec.structs.replace(
        result,
        value=value,
        threshold=limit,
        status="alert" if found.value > found.limit * least else "ok",
        sentence=sentence,
        detail=detail,
    )


def reference_of(contract: Contract, before: Errors) -> Reference:
    """Return what the limits of all records need of the errors of a reference."""
    return Reference(len(before.standard), float(before.standard.var()), performance.tolerance(contract))


def levels_of(before: Errors, column: str) -> dict[str, Level]:
    """Return the commonest values of a segment column with enough rows inside and outside."""
    names, found = texts(before.table, column), {}
    for name in commonest(names):
        parts = [before.standard[mask] for mask in (names == name, names != name)]
        if min(len(part) for part in parts) >= error_hours.LEAST_ROWS:
            (one, other), rows = parts, (len(parts[0]), len(parts[1]))
            spreads = (float(one.var()), float(other.var()))
            found[one_line(name)] = Level(float(one.mean() - other.mean()), spreads, rows)
    return found


def _whole(contract: Contract, before: Errors, sums: Sequence[HourSums]) -> _Found | None:
    hours, first = _series(sums)
    if (total := hours.rows.sum()) < error_hours.LEAST_ROWS:
        return None
    end, made = first + len(hours.rows), []
    for horizon, reading in error_hours.readings(hours, reference_of(contract, before)).items():
        rows = int(hours.rows[-horizon.hours :].sum())
        if len(hours.rows) >= horizon.hours and min(rows, total) >= error_hours.LEAST_ROWS:
            low = "low" if hours.error[-horizon.hours :].sum() > 0 else "high"
            beyond = " and beyond the weeks before" if horizon.sudden else ""
            what = (
                f"Predictions are too {low}: without its oddest {horizon.without} hours in a row{beyond}, "
                "the mean error"
            )
            value, limit = float(reading.value[-1]), float(reading.limit[-1])
            made.append(
                _Found(
                    value=value,
                    limit=limit,
                    hours=horizon.hours,
                    since=end - horizon.hours,
                    rows=rows,
                    what=what,
                )
            )
    return max(made, key=lambda one: one.ratio, default=None)


def _series(sums: Sequence[HourSums]) -> tuple[Hours, int]:
    """Return the sums by hour up to the newest, and the first hour; of an hour the newest report counts."""
    end = max(one.since + len(one.rows) for one in sums)
    first = max(min(one.since for one in sums), end - error_hours.HOURS)
    found = Hours(*(np.zeros(end - first) for _ in range(3)))
    # Reports are in order, the newest first.
    for one in reversed(sums):
        inside = slice(max(one.since, first) - one.since, None)
        place = slice(max(one.since, first) - first, one.since + len(one.rows) - first)
        if place.stop > 0:
            found.rows[place] = one.rows[inside]
            found.error[place] = one.error[inside]
            found.loss[place] = one.loss[inside]
    return found, first


def _segments(contract: Contract, before: Errors, column: str, sums: Sequence[LevelSums]) -> _Found | None:
    windows = _apart_in_time(sums)
    levels, made = levels_of(before, column), []
    for days, tolerance in error_hours.SEGMENT_DAYS:
        if windows[0].until - windows[-1].since <= (days - 1) * DAY:
            break
        part = [one for one in windows if one.until > windows[0].until - days * DAY]
        rows, error = sum(one.rows for one in part), sum(one.error for one in part)
        for name, level in levels.items():
            inside = [one.levels.get(name, (0, 0.0)) for one in part]
            own = Side(np.array(sum(n for n, _ in inside)), np.array(sum(e for _, e in inside)))
            reading = error_hours.apart(level, own, Side(rows - own.rows, error - own.error), tolerance)
            if own.rows >= error_hours.LEAST_ROWS:
                shown = wording.segment(contract, column, name)
                what = f"For {shown}, against the other records, the mean error"
                made.append(
                    _Found(
                        value=float(reading.value),
                        limit=float(reading.limit),
                        hours=days * DAY,
                        since=windows[0].until - days * DAY,
                        rows=int(own.rows),
                        what=what,
                        level=name,
                    )
                )
    return max(made, key=lambda one: one.ratio, default=None)


def _apart_in_time(sums: Sequence[LevelSums]) -> list[LevelSums]:
    """Return the windows of labelled records that do not overlap, the newest first."""
    found: list[LevelSums] = []
    for one in sums:
        # Windows that start within an hour share this hour.
        if not found or one.until <= found[-1].since + 1:
            found.append(one)
    return found
