"""Every check the monitor makes: one table, one form of result."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec

from contract import bundle
from contract.schema import Task
from lambda_monitor.check_config import Choices, choices
from lambda_monitor.checks import performance as scores
from lambda_monitor.findings import CheckResult
from lambda_monitor.profiles import thresholds
from lambda_monitor.profiles.distances import Distance, distances
from lambda_monitor.profiles.profile import Categorical, Numeric, Profile
from lambda_monitor.profiles.segments import Shift, shifts

if TYPE_CHECKING:
    from lambda_monitor.hours.labelled import Truth
    from lambda_monitor.model import Model

_ROUNDING = 6
Of = TypeVar("Of")


def evaluate(model: "Model", profile: Profile) -> list[CheckResult]:
    """Return every check of a window's inputs and predictions. Raises ChoicesError for a bad checks.json."""
    chosen = choices(model.checks)
    expected = scores.estimate(model.contract, model.reference, model.layout, profile)
    results = [*_quality(model, profile, chosen), *_drift(model, profile, chosen), _scored(expected, chosen)]
    return [result for result in results if chosen.wants(result.name, result.columns)]


def performance(model: "Model", truth: "Truth") -> list[CheckResult]:
    """Return every check that needs ground truth, or the estimate that stands in until it comes."""
    chosen = choices(model.checks)
    results: list[CheckResult] = []
    if len(truth.rows):
        labelled = Profile.of(truth.rows, model.layout)
        results.append(_column_drift(model, labelled, bundle.TARGET_COLUMN, "drift.target", chosen))
    judged = scores.judge(model.contract, model.reference, truth.rows, records=truth.records)
    results += [_scored(score, chosen) for score in judged]
    return [result for result in results if chosen.wants(result.name, result.columns)]


def _quality(model: "Model", profile: Profile, chosen: Choices) -> Iterator[CheckResult]:
    for name in model.layout.columns:
        column, before = _counts(profile, name), _counts(model.baseline, name)
        if name == bundle.TARGET_COLUMN or column is None:
            continue
        seen = column.count + column.missing
        expected = before.missing / max(before.count + before.missing, 1) if before is not None else 0.0
        yield _share("quality.missing", name, column.missing, seen, expected, "have no value", chosen)
        if isinstance(column, Numeric):
            was = before if isinstance(before, Numeric) else Numeric()
            yield from _numeric_quality(name, column, was, chosen)
        elif isinstance(before, Categorical):
            yield _categories(name, column, before, chosen)
        if (constant := _constant(name, column, before)) is not None:
            yield constant


def _counts(profile: Profile, name: str) -> Numeric | Categorical | None:
    return profile.numeric.get(name) or profile.categorical.get(name)


def _numeric_quality(name: str, column: Numeric, before: Numeric, chosen: Choices) -> Iterator[CheckResult]:
    expected = before.outside / max(before.count, 1)
    yield _share(
        "quality.range",
        name,
        column.outside,
        column.count,
        expected,
        "lie outside the declared range",
        chosen,
    )
    expected = before.unusual / max(before.count, 1)
    yield _share(
        "outliers",
        name,
        column.unusual,
        column.count,
        expected,
        "lie beyond what training nearly ever saw",
        chosen,
    )


def _categories(name: str, column: Categorical, before: Categorical, chosen: Choices) -> CheckResult:
    expected = before.unknown / max(before.count, 1)
    words = "are of categories training never saw"
    if column.new:
        words += f" ({', '.join(list(column.new)[:3])})"
    result = _share("quality.categories", name, column.unknown, column.count, expected, words, chosen)
    return msgspec.structs.replace(result, detail={"new": column.new})


def _share(
    check: str, name: str, hits: int, rows: int, expected: float, words: str, chosen: Choices
) -> CheckResult:
    """Judge a share against the reference's own, with room for chance and for the odd row."""
    if not rows:
        return _skipped(check, name, f"{name} has no values in this window.")
    limit = chosen.limit(check, [name], thresholds.share_limit(expected, rows))
    value = hits / rows
    above = limit is not None and value > limit
    sentence = f"{value:.2%} of the values of {name} {words}; {expected:.2%} did in the reference."
    return CheckResult(
        name=check,
        value=_round(value),
        threshold=_round(limit),
        status="alert" if above else "ok",
        columns=[name],
        sentence=sentence,
    )


def _constant(
    name: str, column: Numeric | Categorical, before: Numeric | Categorical | None
) -> CheckResult | None:
    """Return an alert where a column that varied stands still."""
    if before is None or column.count < thresholds.LEAST_ROWS:
        return None
    stands, varied = _stands_still(column), not _stands_still(before)
    words = "has the same value in every record, and varied in the reference" if stands else "varies"
    return CheckResult(
        name="quality.constant",
        value=float(stands),
        threshold=0.0,
        status="alert" if stands and varied else "ok",
        columns=[name],
        sentence=f"{name} {words}.",
    )


def _stands_still(column: Numeric | Categorical) -> bool:
    if isinstance(column, Numeric):
        return column.low == column.high
    return len(column.levels) + (column.other > 0) <= 1


class _Against(msgspec.Struct, Generic[Of], frozen=True):
    """A value beside its limit, and what it is the value of."""

    value: float
    limit: float
    of: Of

    @property
    def ratio(self) -> float:
        """How many limits the value is; where no change at all is allowed any is beyond it."""
        if self.limit > 0:
            return self.value / self.limit
        return math.inf if self.value > 0 else 0.0

    def figures(self) -> dict[str, float | None]:
        return {"value": _round(self.value), "threshold": _round(self.limit)}

    def result(self, check: str, name: str, sentence: str, detail: dict[str, Any]) -> CheckResult:
        return CheckResult(
            name=check,
            **self.figures(),
            status="alert" if self.ratio > 1 else "ok",
            columns=[name],
            sentence=sentence,
            detail=detail,
        )


def _against(chosen: Choices, check: str, name: str, value: float, limit: float, of: Of) -> _Against[Of]:
    """Return the value beside the user's limit, or beside `limit`."""
    own = chosen.limit(check, [name], limit)
    return _Against(value, limit if own is None else own, of)


def _drift(model: "Model", profile: Profile, chosen: Choices) -> Iterator[CheckResult]:
    outcomes = {bundle.PREDICTION_COLUMN, bundle.PROBABILITY_COLUMN}
    for name in model.layout.columns:
        if name != bundle.TARGET_COLUMN:
            check = "drift.prediction" if name in outcomes else "drift.feature"
            yield _column_drift(model, profile, name, check, chosen)
    for name in model.limits.segments:
        yield _segment_drift(model, profile, name, chosen)


def _column_drift(model: "Model", profile: Profile, name: str, check: str, chosen: Choices) -> CheckResult:
    """Judge one column by the statistic that is furthest beyond its limit."""
    column = _counts(profile, name)
    if column is None or column.count < thresholds.LEAST_ROWS:
        rows = 0 if column is None else column.count
        words = f"{name} has {rows} values; below {thresholds.LEAST_ROWS} its distribution says nothing."
        return _skipped(check, name, words)
    limits = model.limits.limits.get(name, {})
    found: list[_Against[tuple[str, Distance]]] = []
    for statistic, distance in distances(model.baseline, profile, name, model.layout).items():
        if statistic in limits:
            limit = limits[statistic].at(column.count, model.limits.reference_rows, chosen.seasonality)
            found.append(_against(chosen, check, name, distance.value, limit, (statistic, distance)))
    if not found:
        return _skipped(
            check, name, f"{name} stands still in the reference, so nothing can be said of drift."
        )
    worst = max(found, key=lambda one: one.ratio)
    statistic, distance = worst.of
    verdict = "drifted" if worst.ratio > 1 else "has not drifted"
    detail = {
        "statistic": statistic,
        "rows": column.count,
        "all": {one.of[0]: one.figures() for one in sorted(found, key=lambda one: one.ratio)},
    }
    return worst.result(check, name, f"{name} {verdict}: {distance.words}.", detail)


def _segment_drift(model: "Model", profile: Profile, name: str, chosen: Choices) -> CheckResult:
    """Judge what is predicted within each value of a column by the segment furthest beyond its limit."""
    check, most = "drift.segment", model.limits.segments[name]
    found: list[_Against[Shift]] = []
    for shift in shifts(model.baseline.segments, profile.segments, name):
        limit = most.at(shift.now.count, shift.before.count, chosen.seasonality)
        found.append(_against(chosen, check, name, shift.value, limit, shift))
    if not found:
        words = f"No value of {name} has records enough to say what is predicted for it."
        return _skipped(check, name, words)
    worst = max(found, key=lambda one: one.ratio)
    level, _, before, now = worst.of
    sentence = (
        f"Where {name} is {level} the mean {_outcome(model)} was {before.mean:.4g} "
        f"and is {now.mean:.4g} on {now.count:,} records."
    )
    detail = {"segment": level, "segments": {one.of.level: one.figures() for one in found}}
    return worst.result(check, name, sentence, detail)


def _outcome(model: "Model") -> str:
    """Return what is predicted, in words."""
    target = model.contract.target
    if model.contract.task is Task.CLASSIFICATION:
        return f"probability of the predicted {target.name}"
    return f"predicted {target.name}"


def _scored(score: scores.Score, chosen: Choices) -> CheckResult:
    limit = chosen.limit(score.name, score.columns, score.threshold)
    worse = score.value is not None and limit is not None and score.value > limit
    return CheckResult(
        name=score.name,
        value=_round(score.value),
        threshold=_round(limit),
        status="skipped" if score.value is None else "alert" if worse else "ok",
        columns=score.columns,
        sentence=score.sentence,
        detail=score.detail,
    )


def _skipped(check: str, name: str, sentence: str) -> CheckResult:
    return CheckResult(
        name=check, value=None, threshold=None, status="skipped", columns=[name], sentence=sentence
    )


def _round(value: float | None) -> float | None:
    # Sums of floats differ in their last digits with the order of the hours; a verdict must not.
    return None if value is None else round(value, _ROUNDING)
