"""Errors and predictions of declared groups, compared with the other records.

Each group is compared with the rest of the window, and that with the same on the reference: what moves all
records alike, such as a season, is no difference between groups.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from contract import bundle
from contract.schema import Contract, Task
from lambda_monitor import wording
from lambda_monitor.checks import mean_error
from lambda_monitor.checks.minimum import LEAST
from lambda_monitor.checks.performance import losses
from lambda_monitor.checks.score import (
    RARER,
    Array,
    Mask,
    Score,
    Segment,
    commonest,
    of_worst,
    skipped,
    texts,
)
from lambda_monitor.profiles.profile import Profile, ProfileSpec
from lambda_monitor.profiles.segments import Sums

ERROR, RATE = "bias.error", "bias.prediction_rate"
# Tolerated: a ratio of errors that grew by a quarter; predictions that moved apart by a fifth of a standard
# deviation, or probabilities by five points.
ERROR_TOLERANCE, RATE_TOLERANCE, _POINTS = 1.25, 0.2, 0.05


class _Group(NamedTuple):
    """A group with what is compared: now and on the reference."""

    segment: Segment
    now: float
    before: float


def score_errors(contract: Contract, reference: pa.Table, rows: pa.Table) -> Iterator[Score]:
    """Yield the score of the errors of each group column on labelled `rows`."""
    if not contract.groups:
        return
    before, now = _errors(contract, reference, rows)
    what = "each in units of what is usual for its prediction" if _number(contract) else "wrong predictions"
    for column in contract.groups:
        was, names = (texts(table, column) for table in (reference, rows))
        found = []
        for level in commonest(names):
            parts = _split(before, was == level), _split(now, names == level)
            if min(len(part) for pair in parts for part in pair) >= LEAST[ERROR]:
                found.append(_error(level, *parts))
        if not found:
            words = f"No value of {column} has {LEAST[ERROR]} labelled records, so errors are not compared."
            yield skipped(ERROR, words, column)
            continue
        worst = max(found)
        sentence = (
            f"For {wording.segment(contract, column, worst.segment.level)} errors are {worst.now:.3g} times "
            f"those of the other records ({what}), on {worst.segment.rows:,} labelled records; "
            f"{worst.before:.3g} times on the reference."
        )
        yield of_worst(ERROR, column, [group.segment for group in found], sentence)


def score_rates(
    contract: Contract, specs: ProfileSpec, baseline: Profile, current: Profile
) -> Iterator[Score]:
    """Yield the score of the predictions of each group column, from a window's profile."""
    for column in contract.groups:
        if not _number(contract) and contract.target.positive is None:
            words = f"Predictions by {column} are compared for numbers and for two classes only."
            yield skipped(RATE, words, column)
            continue
        found = _rates(contract, column, specs, baseline, current)
        if not found:
            words = f"No value of {column} has {LEAST[RATE]} records, so predictions are not compared."
            yield skipped(RATE, words, column)
            continue
        worst = max(found)
        outcome = bundle.probability_column(contract) or bundle.PREDICTION_COLUMN
        sentence = (
            f"For {wording.segment(contract, column, worst.segment.level)} the mean "
            f"{wording.column(contract, outcome)} is {_side(worst.now)} that of the other records, on "
            f"{worst.segment.rows:,} records; {_side(worst.before)} it on the reference."
        )
        yield of_worst(RATE, column, [group.segment for group in found], sentence)


def _rates(
    contract: Contract, column: str, specs: ProfileSpec, baseline: Profile, current: Profile
) -> list[_Group]:
    """Return the groups of a column with enough records, in the window and on the reference."""
    spec, found = specs.segments, []
    if spec is None:
        return []
    wholes = _whole(baseline, spec.outcome), _whole(current, spec.outcome)
    for level in spec.levels.get(column, []):
        parts = [profile.segments.get(column, {}).get(level, Sums()) for profile in (baseline, current)]
        before, now = ((part, _rest(whole, part)) for part, whole in zip(parts, wholes, strict=True))
        if min(one.count for one in (*before, *now)) >= LEAST[RATE]:
            found.append(_rate(contract, level, before, now, wholes[0]))
    return found


def _side(difference: float) -> str:
    return f"{abs(difference):.3g} {'above' if difference >= 0 else 'below'}"


def _errors(contract: Contract, reference: pa.Table, rows: pa.Table) -> tuple[Array, Array]:
    """Return the error per row: absolute, in usual errors of its prediction, or 1 for a wrong class."""
    if _number(contract):
        before, now = mean_error.errors(reference, rows)
        return np.abs(before.standard), np.abs(now.standard)
    return losses(contract, reference), losses(contract, rows)


def _error(level: str, before: tuple[Array, Array], now: tuple[Array, Array]) -> _Group:
    """Return the ratio of a group's error to the others', in ratios of the reference.

    The square root of a mean of rare or skewed errors is nearly normal (Anscombe 1948).
    """
    ratios, variance = [], 0.0
    for part in (before, now):
        # One more error and one success: without any error, some happen by chance.
        means = [(values.sum() + 0.5) / (len(values) + 1) for values in part]
        ratios.append(float(means[0] / means[1]))
    for old, new in zip(before, now, strict=True):
        mean = (old.sum() + 0.5) / (len(old) + 1)
        spread = max(float(old.var()), mean * (1 - mean) if old.max() <= 1 else 0.0) / mean**2
        variance += spread * (1 / len(new) + 1 / len(old))
    value = ratios[1] / ratios[0]
    limit = ERROR_TOLERANCE * (1 + RARER * float(np.sqrt(variance)) / 2) ** 2
    return _Group(Segment.of(level, value, limit, len(now[0])), ratios[1], ratios[0])


def _rate(
    contract: Contract, level: str, before: tuple[Sums, Sums], now: tuple[Sums, Sums], whole: Sums
) -> _Group:
    """Return by what a group's mean prediction moved against that of the others."""
    apart = [group.mean - rest.mean for group, rest in (before, now)]
    scale = whole.deviation if _number(contract) and whole.deviation > 0 else 1.0
    variance = sum(
        old.deviation**2 * (1 / new.count + 1 / old.count) for old, new in zip(before, now, strict=True)
    )
    value = abs(apart[1] - apart[0]) / scale
    tolerance = RATE_TOLERANCE if _number(contract) else _POINTS
    limit = tolerance + RARER * float(np.sqrt(variance)) / scale
    return _Group(Segment.of(level, value, limit, now[0].count), apart[1], apart[0])


def _whole(profile: Profile, outcome: str) -> Sums:
    column = profile.numeric.get(outcome)
    return Sums() if column is None else Sums(count=column.count, total=column.total, squares=column.squares)


def _rest(whole: Sums, part: Sums) -> Sums:
    return Sums(
        count=whole.count - part.count, total=whole.total - part.total, squares=whole.squares - part.squares
    )


def _split(values: Array, inside: Mask) -> tuple[Array, Array]:
    return values[inside], values[~inside]


def _number(contract: Contract) -> bool:
    return contract.task is Task.REGRESSION
