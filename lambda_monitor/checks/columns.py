"""Checks per column: quality, drift, and performance by segment."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from contract import bundle
from lambda_monitor import wording
from lambda_monitor.check_config import CheckConfig
from lambda_monitor.checks import bias, binary, drift, mean_error
from lambda_monitor.checks import performance as scores
from lambda_monitor.checks.minimum import too_few
from lambda_monitor.checks.score import Score
from lambda_monitor.findings import LISTED, CheckResult
from lambda_monitor.profiles import thresholds
from lambda_monitor.profiles.profile import Categorical, Numeric, Profile
from lambda_monitor.untrusted import one_line

if TYPE_CHECKING:
    from lambda_monitor.hours.labelled import Truth
    from lambda_monitor.model import Model


def check_columns(model: "Model", profile: Profile) -> list[CheckResult]:
    """Return the checks of a window's features and predictions: quality, drift, estimated performance."""
    config = model.check_config
    expected = scores.estimate(model.contract, model.reference, model.profile_spec, profile)
    rates = bias.score_rates(model.contract, model.profile_spec, model.baseline, profile)
    scored = [_scored(score, config) for score in (expected, *rates)]
    results = [*_quality(model, profile), *drift.check_drift(model, profile, config), *scored]
    return [result for result in results if config.wants(result.name, result.columns)]


def check_performance(model: "Model", truth: "Truth") -> list[CheckResult]:
    """Return the checks that need ground truth: target drift and performance."""
    config = model.check_config
    target = bundle.TARGET_COLUMN
    results = [CheckResult.skipped("drift.target", "No record of the window has a label.", [target])]
    if len(truth.rows):
        labelled = Profile.of(truth.rows, model.profile_spec)
        results = [drift.check_column(model, labelled, target, "drift.target", config)]
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
        column, before = drift.counts(profile, name), drift.counts(model.baseline, name)
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
    return CheckResult.share(check, hits, rows, limit, sentence, columns=[name]).rounded(drift.DIGITS)


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


def _scored(score: Score, config: CheckConfig) -> CheckResult:
    if score.value is None:
        skipped = CheckResult.skipped(score.name, score.sentence, score.columns)
        return msgspec.structs.replace(skipped, threshold=score.threshold, detail=score.detail)
    limit = config.limit(score.name, score.columns, score.threshold)
    if score.below:
        return CheckResult.below(score.name, score.value, limit, score.sentence, detail=score.detail).rounded(
            drift.DIGITS
        )
    return CheckResult.above(
        score.name, score.value, limit, score.sentence, columns=score.columns, detail=score.detail
    ).rounded(drift.DIGITS)
