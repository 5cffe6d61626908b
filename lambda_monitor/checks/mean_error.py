"""Mean error of a regression on labelled records: whether predictions are too high or too low.

An error is divided by the usual error at a similar prediction, on the reference, and clipped. Its mean has
much less noise than the squared error, so that a few labels detect a target that moved for the same
features. Within a segment it is compared with the rest of the window, which has the same days.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa

from contract import bundle
from contract.schema import Contract, Task
from lambda_monitor import wording
from lambda_monitor.checks import few_labels, label_sums
from lambda_monitor.checks.few_labels import Array, Days, Known, Sample, days_of
from lambda_monitor.checks.minimum import LEAST
from lambda_monitor.checks.performance import TAIL
from lambda_monitor.checks.score import (
    RARE,
    RARER,
    Mask,
    Score,
    Segment,
    commonest,
    of_worst,
    skipped,
    texts,
)
from lambda_monitor.lake.events import ARRIVED

WHOLE, SEGMENT = "performance.mean_error", "performance.segment_mean_error"
# Tolerated, in usual errors: seasons and holidays move the mean of all records, and that of a segment
# against the rest.
TOLERANCE, SEGMENT_TOLERANCE = 0.25, 0.35
_BINS, _CLIP = 10, 4.0


class Errors(NamedTuple):
    """Target minus prediction per row, in units of the target and of the usual error; days if known."""

    plain: Array
    standard: Array
    days: Days | None
    table: pa.Table


def score_mean_error(contract: Contract, reference: pa.Table, rows: pa.Table) -> Iterator[Score]:
    """Yield the scores of labelled `rows`; nothing for a classification."""
    if contract.task is not Task.REGRESSION:
        return
    columns = [c for c in contract.segments if c in rows.column_names and c in reference.column_names]
    before, now = errors(reference, rows)
    if len(rows) < LEAST[WHOLE]:
        words = f"{len(rows)} records have a label; the mean error is checked from {LEAST[WHOLE]} on."
        found = [skipped(WHOLE, words), *(skipped(SEGMENT, words, column) for column in contract.segments)]
    else:
        found = [_whole(contract, before, now), *(_worst_segment(contract, c, before, now) for c in columns)]
    for score in found:
        yield msgspec.structs.replace(score, detail=score.detail | sums(score.columns, before, now))


def sums(columns: list[str], before: Errors, now: Errors) -> dict[str, Any]:
    """Return what later scheduled runs read of a window; empty without records or their arrivals."""
    if (hours := label_sums.hours_of(now.table)) is None:
        return {}
    error = now.standard - before.standard.mean()
    if not columns:
        return label_sums.per_hour(hours, error, losses(before, now))
    if not all(columns[0] in one.table.column_names for one in (before, now)):
        return {}
    names = [texts(one.table, columns[0]) for one in (before, now)]
    return label_sums.per_level(hours, error, names[1], commonest(names[0]))


def losses(before: Errors, now: Errors) -> Array:
    """Return the squared errors of a window in mean squared errors of the reference, both without a tail."""
    cap = np.quantile(before.plain**2, TAIL)
    return np.asarray(np.minimum(now.plain**2, cap) / (np.minimum(before.plain**2, cap).mean() or 1.0))


def errors(reference: pa.Table, rows: pa.Table) -> tuple[Errors, Errors]:
    """Return the errors of reference and window, in usual errors of the reference."""
    predicted, plain = _predicted(reference)
    edges = np.unique(np.quantile(predicted, np.linspace(0, 1, _BINS + 1)[1:-1]))
    bins = np.searchsorted(edges, predicted)
    count = np.bincount(bins, minlength=len(edges) + 1)
    squares = np.bincount(bins, weights=plain**2, minlength=len(edges) + 1)
    # One more row of the average error: a bin of few rows may have none by chance.
    usual = np.sqrt((squares + (plain**2).mean()) / (count + 1))
    usual = np.where(usual > 0, usual, 1.0)

    def standard(predicted: Array, plain: Array) -> Array:
        return np.clip(plain / usual[np.searchsorted(edges, predicted)], -_CLIP, _CLIP)

    now_predicted, now_plain = _predicted(rows)
    return (
        Errors(plain, standard(predicted, plain), days_of(reference, bundle.TIME_COLUMN), reference),
        Errors(now_plain, standard(now_predicted, now_plain), days_of(rows, ARRIVED), rows),
    )


def _predicted(table: pa.Table) -> tuple[Array, Array]:
    prediction, target = (
        table.column(name).to_numpy().astype(np.float64)
        for name in (bundle.PREDICTION_COLUMN, bundle.TARGET_COLUMN)
    )
    return prediction, target - prediction


def _whole(contract: Contract, before: Errors, now: Errors) -> Score:
    was = float(before.standard.mean())
    side = 1.0 if now.standard.mean() >= was else -1.0
    known = Known.of(Sample.plain(side * (before.standard - was), before.days))
    sample = Sample.plain(side * (now.standard - was), now.days)
    judged = few_labels.judge(known, sample, TOLERANCE, RARE)
    higher = "above" if now.plain.mean() >= 0 else "below"
    mean = _quantity(contract, abs(float(now.plain.mean())))
    sentence = (
        f"On {len(now.plain):,} labelled records {wording.column(contract, bundle.TARGET_COLUMN)} is {mean} "
        f"{higher} the prediction on average; the mean error moved by {judged.value:.2g} usual errors of the "
        f"reference.{few_labels.allowance(judged.worst)}"
    )
    detail = {"mean_error": float(now.plain.mean()), "reference": float(before.plain.mean())}
    return Score(name=WHOLE, value=judged.value, threshold=judged.limit, sentence=sentence, detail=detail)


def _worst_segment(contract: Contract, column: str, before: Errors, now: Errors) -> Score:
    was, names = (texts(one.table, column) for one in (before, now))
    between = few_labels.between_days(before.standard, before.days)
    found = []
    for level in commonest(names):
        old, new = was == level, names == level
        if min(old.sum(), (~old).sum(), new.sum(), (~new).sum()) >= LEAST[SEGMENT]:
            value = abs(_apart(now.standard, new) - _apart(before.standard, old))
            limit = SEGMENT_TOLERANCE + RARER * _noise(before, old, now, new, between)
            found.append(Segment.of(level, value, limit, int(new.sum())))
    if not found:
        words = (
            f"No value of {column} has {LEAST[SEGMENT]} labelled records, so mean errors are not compared."
        )
        return skipped(SEGMENT, words, column)
    worst = max(found)
    mean = float(now.plain[names == worst.level].mean())
    target = wording.column(contract, bundle.TARGET_COLUMN)
    side = "above" if mean >= 0 else "below"
    sentence = (
        f"For {wording.segment(contract, column, worst.level)} {target} is {_quantity(contract, abs(mean))} "
        f"{side} the prediction on average, on {worst.rows:,} labelled records; against the other records "
        f"its mean error moved by {worst.value:.2g} usual errors of the reference."
    )
    return of_worst(SEGMENT, column, found, sentence, mean_error=mean)


def _apart(values: Array, inside: Mask) -> float:
    """Return the mean of the records inside a segment minus that of the others."""
    return float(values[inside].mean() - values[~inside].mean())


def _noise(before: Errors, old: Mask, now: Errors, new: Mask, between: float) -> float:
    """Return the standard deviation of the difference between a segment and the rest, and its change.

    Days change the difference too, by some part of what they change the mean.
    """
    variances = [before.standard[mask].var() for mask in (old, ~old)]
    sizes = [(new.sum(), old.sum()), ((~new).sum(), (~old).sum())]
    noise = sum(v * (1 / n + 1 / m) for v, (n, m) in zip(variances, sizes, strict=True))
    days = few_labels.effective_days(None if now.days is None else now.days[new])
    return float(np.sqrt(noise + between / days))


def _quantity(contract: Contract, value: float) -> str:
    return f"{value:.4g} {contract.target.unit}".rstrip()
