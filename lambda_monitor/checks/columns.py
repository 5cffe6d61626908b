"""Checks per column: quality, drift, and performance by segment."""

import math
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from contract import bundle
from contract.schema import Task
from lambda_monitor import wording
from lambda_monitor.check_config import CheckConfig
from lambda_monitor.checks import bias, binary, mean_error
from lambda_monitor.checks import performance as scores
from lambda_monitor.checks.minimum import LEAST, too_few
from lambda_monitor.checks.score import Score
from lambda_monitor.findings import LISTED, CheckResult
from lambda_monitor.profiles import thresholds
from lambda_monitor.profiles.distances import Distance, distances
from lambda_monitor.profiles.profile import Categorical, Numeric, Profile
from lambda_monitor.profiles.segments import Shift, shifts
from lambda_monitor.untrusted import one_line

if TYPE_CHECKING:
    from lambda_monitor.hours.labelled import Truth
    from lambda_monitor.model import Model

# Sums of floats depend on the order of the hours in their last digits: results are rounded.
_DIGITS = 6
Of = TypeVar("Of")


def check_columns(model: "Model", profile: Profile) -> list[CheckResult]:
    """Return the checks of a window's features and predictions: quality, drift, estimated performance."""
    config = model.check_config
    expected = scores.estimate(model.contract, model.reference, model.profile_spec, profile)
    rates = bias.score_rates(model.contract, model.profile_spec, model.baseline, profile)
    scored = [_scored(score, config) for score in (expected, *rates)]
    results = [*_quality(model, profile), *_drift(model, profile, config), *scored]
    return [result for result in results if config.wants(result.name, result.columns)]


def check_performance(model: "Model", truth: "Truth") -> list[CheckResult]:
    """Return the checks that need ground truth: target drift and performance."""
    config = model.check_config
    target = bundle.TARGET_COLUMN
    results = [CheckResult.skipped("drift.target", "No record of the window has a label.", [target])]
    if len(truth.rows):
        labelled = Profile.of(truth.rows, model.profile_spec)
        results = [_column_drift(model, labelled, target, "drift.target", config)]
    judged = scores.score_labelled(
        model.contract, model.reference, truth.rows, records=truth.records, outcomes=truth.outcomes
    )
    results += [_scored(score, config) for score in judged]
    errors = mean_error.score_mean_error(model.contract, model.reference, truth.rows)
    results += [_scored(score, config) for score in errors]
    groups = bias.score_errors(model.contract, model.reference, truth.rows)
    results += [_scored(score, config) for score in groups]
    quality = binary.score_binary(model.contract, model.reference, truth.rows)
    results += [_scored(score, config) for score in quality]
    return [result for result in results if config.wants(result.name, result.columns)]


def _quality(model: "Model", profile: Profile) -> Iterator[CheckResult]:
    for name in model.profile_spec.columns:
        column, before = _counts(profile, name), _counts(model.baseline, name)
        if name == bundle.TARGET_COLUMN or column is None:
            continue
        seen = column.count + column.missing
        expected = before.missing / max(before.count + before.missing, 1) if before is not None else 0.0
        yield _share(model, "quality.missing", name, column.missing, seen, expected, "are missing")
        if isinstance(column, Numeric):
            was = before if isinstance(before, Numeric) else Numeric()
            yield from _numeric_quality(model, name, column, was)
        elif isinstance(before, Categorical):
            yield _categories(model, name, column, before)
        if (constant := _constant(model, name, column, before)) is not None:
            yield constant


def _counts(profile: Profile, name: str) -> Numeric | Categorical | None:
    return profile.numeric.get(name) or profile.categorical.get(name)


def _numeric_quality(model: "Model", name: str, column: Numeric, before: Numeric) -> Iterator[CheckResult]:
    expected = before.outside / max(before.count, 1)
    yield _share(
        model,
        "quality.range",
        name,
        column.outside,
        column.count,
        expected,
        "lie outside the declared range",
    )
    expected = before.unusual / max(before.count, 1)
    yield _share(
        model,
        "outliers",
        name,
        column.unusual,
        column.count,
        expected,
        "lie outside the central 99.9% of the reference",
    )


def _categories(model: "Model", name: str, column: Categorical, before: Categorical) -> CheckResult:
    expected = before.unknown / max(before.count, 1)
    words = "are of categories that are not in the training data"
    if column.new:
        new = (wording.level(model.contract, name, value) for value in list(column.new)[:3])
        words += f" ({', '.join(new)})"
    result = _share(model, "quality.categories", name, column.unknown, column.count, expected, words)
    return msgspec.structs.replace(
        result, detail={"new": {one_line(name): n for name, n in list(column.new.items())[:LISTED]}}
    )


def _share(
    model: "Model", check: str, name: str, hits: int, rows: int, expected: float, words: str
) -> CheckResult:
    """Check a share against the reference's share, with tolerance for sampling noise."""
    shown = wording.column(model.contract, name)
    if skipped := too_few(check, rows, f"values of {shown} in the window", [name]):
        return skipped
    limit = model.check_config.limit(check, [name], thresholds.share_limit(expected, rows))
    sentence = f"{hits / rows:.2%} of the values of {shown} {words}; {expected:.2%} in the reference."
    return CheckResult.share(check, hits, rows, limit, sentence, columns=[name]).rounded(_DIGITS)


def _constant(
    model: "Model", name: str, column: Numeric | Categorical, before: Numeric | Categorical | None
) -> CheckResult | None:
    """Check that a column that varied in the reference is not constant."""
    if before is None:
        return None
    shown = wording.column(model.contract, name)
    if skipped := too_few("quality.constant", column.count, f"values of {shown} in the window", [name]):
        return skipped
    constant, varied = _is_constant(column), not _is_constant(before)
    words = "has the same value in every record, and varied in the reference" if constant else "varies"
    limit = 0.0 if varied else 1.0
    result = CheckResult.above(
        "quality.constant", float(constant), limit, f"{shown} {words}.", columns=[name]
    )
    return msgspec.structs.replace(result, threshold=0.0)


def _is_constant(column: Numeric | Categorical) -> bool:
    if isinstance(column, Numeric):
        return column.low == column.high
    return len(column.levels) + (column.other > 0) <= 1


class _Measured(msgspec.Struct, Generic[Of], frozen=True):
    """A measured value with its limit and its source."""

    value: float
    limit: float
    of: Of

    @property
    def ratio(self) -> float:
        """The value divided by its limit; infinite if the limit is 0 and the value is not."""
        if self.limit > 0:
            return self.value / self.limit
        return math.inf if self.value > 0 else 0.0

    def figures(self) -> dict[str, float]:
        return {"value": _round(self.value), "threshold": _round(self.limit)}

    def result(self, check: str, name: str, sentence: str, detail: dict[str, Any]) -> CheckResult:
        return CheckResult.above(
            check, self.value, self.limit, sentence, columns=[name], detail=detail
        ).rounded(_DIGITS)


def _against(config: CheckConfig, check: str, name: str, value: float, limit: float, of: Of) -> _Measured[Of]:
    """Return the value with the user's limit, or with `limit`."""
    own = config.limit(check, [name], limit)
    return _Measured(value, limit if own is None else own, of)


def _drift(model: "Model", profile: Profile, config: CheckConfig) -> Iterator[CheckResult]:
    outcomes = {bundle.PREDICTION_COLUMN, bundle.probability_column(model.contract)}
    for name in model.profile_spec.columns:
        if name != bundle.TARGET_COLUMN:
            check = "drift.prediction" if name in outcomes else "drift.feature"
            yield _column_drift(model, profile, name, check, config)
    for name in model.thresholds.segments:
        yield _segment_drift(model, profile, name, config)


def _column_drift(
    model: "Model", profile: Profile, name: str, check: str, config: CheckConfig
) -> CheckResult:
    """Check one column by the statistic with the largest ratio of value to limit."""
    column, shown = _counts(profile, name), wording.column(model.contract, name)
    rows = 0 if column is None else column.count
    if column is None or rows < LEAST[check]:
        words = f"{shown} has {rows} values; drift is checked from {LEAST[check]} values on."
        return CheckResult.skipped(check, words, [name])
    limits = model.thresholds.limits.get(name, {})
    found: list[_Measured[tuple[str, Distance]]] = []
    level = partial(wording.level, model.contract, name)
    for statistic, distance in distances(model.baseline, profile, name, model.profile_spec, level).items():
        if statistic in limits:
            limit = limits[statistic].at(column.count, model.thresholds.reference_rows, config.seasonality)
            found.append(_against(config, check, name, distance.value, limit, (statistic, distance)))
    if not found:
        return CheckResult.skipped(
            check, f"{shown} is constant in the reference, so drift can't be measured.", [name]
        )
    worst = max(found, key=lambda one: one.ratio)
    statistic, distance = worst.of
    verdict = "drifted" if worst.ratio > 1 else "has not drifted"
    detail = {
        "statistic": statistic,
        "rows": column.count,
        "all": {one.of[0]: one.figures() for one in sorted(found, key=lambda one: one.ratio)},
    }
    return worst.result(check, name, f"{shown} {verdict}: {one_line(distance.words, 300)}.", detail)


def _segment_drift(model: "Model", profile: Profile, name: str, config: CheckConfig) -> CheckResult:
    """Check the predictions per segment of a column by the segment with the largest ratio to its limit."""
    check, most = "drift.segment", model.thresholds.segments[name]
    found: list[_Measured[Shift]] = []
    for shift in shifts(model.baseline.segments, profile.segments, name):
        limit = most.at(shift.now.count, shift.before.count, config.seasonality)
        found.append(_against(config, check, name, shift.value, limit, shift))
    if not found:
        words = f"No value of {name} has enough records to compare its predictions."
        return CheckResult.skipped(check, words, [name])
    worst = max(found, key=lambda one: one.ratio)
    level, _, before, now = worst.of
    sentence = (
        f"For {wording.segment(model.contract, name, level)} the mean {_outcome(model)} is {now.mean:.4g} "
        f"on {now.count:,} records; it was {before.mean:.4g} on the reference."
    )
    detail = {
        "segment": one_line(level),
        "segments": {one_line(one.of.level): one.figures() for one in found},
    }
    return worst.result(check, name, sentence, detail)


def _outcome(model: "Model") -> str:
    """Return the predicted quantity in words."""
    target = model.contract.target
    if model.contract.task is Task.CLASSIFICATION:
        if target.positive is None:
            return f"probability of the predicted {target.name}"
        return f"probability of {target.name} {target.positive}"
    return f"predicted {target.name}"


def _scored(score: Score, config: CheckConfig) -> CheckResult:
    if score.value is None:
        skipped = CheckResult.skipped(score.name, score.sentence, score.columns)
        return msgspec.structs.replace(skipped, threshold=score.threshold, detail=score.detail)
    limit = config.limit(score.name, score.columns, score.threshold)
    if score.below:
        return CheckResult.below(score.name, score.value, limit, score.sentence, detail=score.detail).rounded(
            _DIGITS
        )
    return CheckResult.above(
        score.name, score.value, limit, score.sentence, columns=score.columns, detail=score.detail
    ).rounded(_DIGITS)


def _round(value: float) -> float:
    return round(value, _DIGITS)
