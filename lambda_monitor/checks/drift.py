"""Drift checks per column and segment: what was measured, its limits, and the result in words."""

import math
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

import msgspec

from contract import bundle
from contract.schema import Task
from lambda_monitor import wording
from lambda_monitor.check_config import CheckConfig
from lambda_monitor.checks import over_time
from lambda_monitor.checks.minimum import LEAST
from lambda_monitor.checks.over_time import for_statistic
from lambda_monitor.findings import CheckResult
from lambda_monitor.profiles.distances import RANK, SHIFT, distances, rank
from lambda_monitor.profiles.profile import Categorical, Numeric, Profile
from lambda_monitor.profiles.segments import Shift, shifts
from lambda_monitor.profiles.thresholds import WINDOW, Horizon
from lambda_monitor.untrusted import one_line

if TYPE_CHECKING:
    from lambda_monitor.model import Model

SEGMENT = "drift.segment"
# Sums of floats depend on the order of the hours in their last digits: results are rounded.
DIGITS = 6


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """A measured value with its limit; `of` is the statistic or the segment's value.

    `noise` is about one standard deviation of the value without drift, `before` where the earlier value of a
    segment is from.
    """

    of: str
    value: float
    limit: float
    noise: float
    rows: int
    words: str = ""
    shift: Shift | None = None
    before: str = "on the reference"

    @property
    def ratio(self) -> float:
        """The value divided by its limit; infinite if the limit is 0 and the value is not."""
        if self.limit > 0:
            return self.value / self.limit
        return math.inf if self.value > 0 else 0.0

    def figures(self) -> dict[str, float]:
        """Return value and threshold, rounded."""
        return {"value": round(self.value, DIGITS), "threshold": round(self.limit, DIGITS)}


def check_drift(model: "Model", profile: Profile, config: CheckConfig) -> Iterator[CheckResult]:
    """Yield the drift checks of features, predictions and segments of a window."""
    outcomes = {bundle.PREDICTION_COLUMN, bundle.probability_column(model.contract)}
    for name in model.profile_spec.columns:
        if name != bundle.TARGET_COLUMN:
            check = "drift.prediction" if name in outcomes else "drift.feature"
            yield check_column(model, profile, name, check, config)
    for name in model.thresholds.segments:
        yield result(model, SEGMENT, name, measure(model, profile, SEGMENT, name, config))


def check_column(model: "Model", profile: Profile, name: str, check: str, config: CheckConfig) -> CheckResult:
    """Check one column by the statistic with the largest ratio of value to limit."""
    rows = count(profile, name)
    if rows < LEAST[check]:
        shown = wording.column(model.contract, name)
        words = f"{shown} has {rows} values; drift is checked from {LEAST[check]} values on."
        return CheckResult.skipped(check, words, [name])
    return result(model, check, name, measure(model, profile, check, name, config))


def count(profile: Profile, name: str) -> int:
    """Return the number of values of a column, 0 if the profile lacks it."""
    column = counts(profile, name)
    return 0 if column is None else column.count


def counts(profile: Profile, name: str) -> Numeric | Categorical | None:
    """Return the counts of a column, None if the profile lacks it."""
    return profile.numeric.get(name) or profile.categorical.get(name)


def measure(
    model: "Model", profile: Profile, check: str, name: str, config: CheckConfig, horizon: Horizon = WINDOW
) -> list[Measured]:
    """Return every statistic of a column, or every segment for the check of segments, with its limit."""
    if check == SEGMENT:
        return _segments(model, profile, name, config, horizon)
    rows = count(profile, name)
    if rows < LEAST[check]:
        return []
    limits = over_time.limits_of(model.thresholds, name, horizon)
    level = partial(wording.level, model.contract, name)
    values = distances(model.baseline, profile, name, model.profile_spec, level)
    if RANK in limits and SHIFT in values:
        values[RANK] = rank(model.baseline.numeric[name], model.baseline.numeric[name], profile.numeric[name])
    found = []
    for statistic, distance in values.items():
        if statistic in limits:
            known, of = limits[statistic], model.thresholds.reference_rows
            limit = _own(
                config, check, name, known.at(rows, of, config.seasonality, for_statistic(horizon, statistic))
            )
            found.append(
                Measured(
                    of=statistic,
                    value=distance.value,
                    limit=limit,
                    noise=known.deviation(rows, of),
                    rows=rows,
                    words=distance.words,
                )
            )
    return found


def _segments(
    model: "Model", profile: Profile, name: str, config: CheckConfig, horizon: Horizon
) -> list[Measured]:
    most = model.thresholds.segments[name]
    found = []
    for shift in shifts(model.baseline.segments, profile.segments, name):
        now, before = shift.now.count, shift.before.count
        at = for_statistic(horizon, over_time.SEGMENT)
        limit = _own(config, SEGMENT, name, most.at(now, before, config.seasonality, at))
        noise = most.deviation(now, before)
        found.append(
            Measured(of=shift.level, value=shift.value, limit=limit, noise=noise, rows=now, shift=shift)
        )
    return found


def _own(config: CheckConfig, check: str, name: str, limit: float) -> float:
    """Return the user's limit, else `limit`."""
    own = config.limit(check, [name], limit)
    return limit if own is None else own


def result(
    model: "Model", check: str, name: str, found: list[Measured], worst: Measured | None = None
) -> CheckResult:
    """Return the result of a check: by `worst`, else by the largest ratio of value to limit."""
    if not found:
        shown = wording.column(model.contract, name)
        words = f"{shown} is constant in the reference, so drift can't be measured."
        if check == SEGMENT:
            words = f"No value of {name} has enough records to compare its predictions."
        return CheckResult.skipped(check, words, [name])
    worst = worst or max(found, key=lambda one: one.ratio)
    sentence, detail = _described(model, name, found, worst)
    return CheckResult.above(
        check, worst.value, worst.limit, sentence, columns=[name], detail=detail
    ).rounded(DIGITS)


def _described(
    model: "Model", name: str, found: list[Measured], worst: Measured
) -> tuple[str, dict[str, Any]]:
    if worst.shift is not None:
        level, _, before, now = worst.shift
        sentence = (
            f"For {wording.segment(model.contract, name, level)} the mean {_outcome(model)} is "
            f"{now.mean:.4g} on {now.count:,} records; it was {before.mean:.4g} {worst.before}."
        )
        segments = {one_line(one.of): one.figures() for one in found}
        return sentence, {"segment": one_line(level), "segments": segments}
    shown = wording.column(model.contract, name)
    verdict = "drifted" if worst.ratio > 1 else "has not drifted"
    detail = {
        "statistic": worst.of,
        "rows": worst.rows,
        "all": {one.of: one.figures() for one in sorted(found, key=lambda one: one.ratio)},
    }
    return f"{shown} {verdict}: {one_line(worst.words, 300)}.", detail


def _outcome(model: "Model") -> str:
    """Return the predicted quantity in words."""
    target = model.contract.target
    if model.contract.task is Task.CLASSIFICATION:
        if target.positive is None:
            return f"probability of the predicted {target.name}"
        return f"probability of {target.name} {target.positive}"
    return f"predicted {target.name}"
