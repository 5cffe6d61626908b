"""Model error: measured on labelled records, estimated without labels.

The error on labelled records is an estimate for all records, tested as few_labels.py describes. The estimate
without labels follows NannyML's DLE and CBPE (docs.nannyml.com, "How it works: performance estimation"):
the error on reference rows of similar prediction or probability, weighted by their current frequency.
It detects changed inputs, never a changed relation to the target.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from contract import bundle
from contract.schema import Contract, Task
from lambda_monitor import wording
from lambda_monitor.checks import few_labels
from lambda_monitor.checks.few_labels import Known, Sample, days_of
from lambda_monitor.checks.minimum import LEAST
from lambda_monitor.checks.score import (
    RARE,
    RARER,
    Array,
    Score,
    Segment,
    commonest,
    of_worst,
    skipped,
    texts,
)
from lambda_monitor.lake.events import ARRIVED
from lambda_monitor.profiles.profile import BINS, Profile, ProfileSpec, shares

# Ordinary months of taxi rides change the root mean squared error by up to 1.29 (make bench-alerts).
_TOLERANCE, _SHARE_TOLERANCE, ESTIMATE_TOLERANCE = 1.3, 1.2, 1.2
# Of a class twice the standard deviation between days is tolerated, if the reference has enough days.
_DEVIATIONS = 2
TAIL = 0.995


def score_labelled(
    contract: Contract,
    reference: pa.Table,
    rows: pa.Table,
    *,
    records: int,
    outcomes: pa.ChunkedArray | None = None,
) -> Iterator[Score]:
    """Yield the score of labelled `rows`, and the worst of each segment column.

    `outcomes` are the predictions or probabilities of all records, labelled or not.
    """
    least = LEAST["performance"]
    if len(rows) < least:
        words = f"{len(rows)} of {records} records have a label; performance is checked from {least} on."
        yield skipped("performance", words)
        for column in contract.segments:
            yield skipped("performance.segment", words, column)
        return
    before, now = losses(contract, reference), losses(contract, rows)
    cap = float(np.quantile(before, TAIL)) if contract.task is Task.REGRESSION else 1.0
    before, now = np.minimum(before, cap), np.minimum(now, cap)
    yield _whole(contract, (reference, before), (rows, now), outcomes)
    for column in contract.segments:
        if column in rows.column_names and column in reference.column_names:
            yield _worst_segment(contract, column, (reference, before), (rows, now))


def _whole(
    contract: Contract,
    reference: tuple[pa.Table, Array],
    current: tuple[pa.Table, Array],
    outcomes: pa.ChunkedArray | None,
) -> Score:
    """Return the score of all records, estimated from the labelled ones."""
    before, now = samples(contract, reference, current, outcomes)
    allowed = float(before.values.mean()) * tolerance(contract)
    judged = few_labels.judge(Known.of(_with_errors(contract, before)), now, allowed, RARE)
    value, limit = (_root(contract, max(loss, 0.0)) for loss in judged[:2])
    was = _shown(contract, before.values)
    labelled = f"{len(now.values):,} labelled records"
    of = labelled if len(now.values) == now.records else f"{labelled} of {now.records:,}"
    sentence = (
        f"The model's {_what(contract)} is {value:.4g} on {of}; it was {was:.4g} on the reference."
        f"{few_labels.allowance(judged.worst)}"
    )
    return Score(
        name="performance", value=value, threshold=limit, sentence=sentence, detail={"reference": was}
    )


def samples(
    contract: Contract,
    reference: tuple[pa.Table, Array],
    current: tuple[pa.Table, Array],
    outcomes: pa.ChunkedArray | None,
) -> tuple[Sample, Sample]:
    """Return losses with the reference's mean loss at a similar prediction, if that is known."""
    (table, before), (rows, now) = reference, current
    days = days_of(table, bundle.TIME_COLUMN), days_of(rows, ARRIVED)
    column = bundle.probability_column(contract) or bundle.PREDICTION_COLUMN
    known = column in table.column_names and column in rows.column_names
    if outcomes is None or len(outcomes) < len(now) or not known or outcomes.null_count:
        return Sample.plain(before, days[0]), Sample.plain(now, days[1])
    values = table.column(column).to_numpy().astype(np.float64)
    edges = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)[1:-1]))
    expected = expected_losses(edges, values, before)

    def foreseen(column: pa.ChunkedArray) -> Array:
        values = column.to_numpy().astype(np.float64)
        return np.asarray(expected[np.searchsorted(edges, values, side="left")])

    of_reference = foreseen(table.column(column))
    return (
        Sample(before, of_reference, days[0], float(of_reference.mean()), len(before)),
        Sample(now, foreseen(rows.column(column)), days[1], float(foreseen(outcomes).mean()), len(outcomes)),
    )


def _with_errors(contract: Contract, before: Sample) -> Sample:
    """Return the losses of a classification with one error and one success more.

    On a reference without any error, some happen by chance.
    """
    if contract.task is Task.REGRESSION:
        return before
    mean = float(before.foreseen.mean())
    days = None if before.days is None else np.append(before.days, [-1, -2])
    return before._replace(
        values=np.append(before.values, [0.0, 1.0]),
        foreseen=np.append(before.foreseen, [mean, mean]),
        days=days,
    )


def expected_losses(edges: npt.ArrayLike, values: Array, loss: Array) -> Array:
    """Return the mean loss by bin of `values`, that of all rows in an empty bin."""
    bins = np.searchsorted(np.asarray(edges), values, side="left")
    count = np.bincount(bins, minlength=len(np.asarray(edges)) + 1)
    total = np.bincount(bins, weights=loss, minlength=len(np.asarray(edges)) + 1)
    return np.where(count > 0, total / np.maximum(count, 1), loss.mean())


def estimate(contract: Contract, reference: pa.Table, specs: ProfileSpec, current: Profile) -> Score:
    """Return the error to expect of a window without labels."""
    column = bundle.probability_column(contract) or bundle.PREDICTION_COLUMN
    name = "performance.estimate"
    if (
        column not in specs.numeric
        or column not in current.numeric
        or bundle.TARGET_COLUMN not in reference.column_names
    ):
        return skipped(name, f"Without the {wording.column(contract, column)} no error can be estimated.")
    if (rows := current.numeric[column].count) < (least := LEAST[name]):
        words = f"{rows} predictions; the error is estimated from {least} on."
        return skipped(name, words)
    edges = specs.numeric[column].edges
    loss = losses(contract, reference)
    expected = expected_losses(edges, reference.column(column).to_numpy().astype(np.float64), loss)
    value = _root(contract, float((shares(current.numeric[column].histogram) * expected).sum()))
    was = _root(contract, float(loss.mean()))
    sentence = (
        f"Estimated without labels: the model's {_what(contract)} would be {value:.4g}; "
        f"it was {was:.4g} on the reference."
    )
    detail = {"estimate": True, "method": "reference error by bin of " + column, "reference": was}
    return Score(name=name, value=value, threshold=was * ESTIMATE_TOLERANCE, sentence=sentence, detail=detail)


def losses(contract: Contract, rows: pa.Table) -> Array:
    """Return the loss per row: squared error, or 1 for a wrong class and 0 for a right one."""
    prediction, target = (rows.column(c) for c in (bundle.PREDICTION_COLUMN, bundle.TARGET_COLUMN))
    if contract.task is Task.REGRESSION:
        difference = prediction.to_numpy().astype(np.float64) - target.to_numpy().astype(np.float64)
        return np.asarray(difference**2)
    same = pc.equal(pc.cast(prediction, pa.string()), pc.cast(target, pa.string()))
    return np.asarray(1.0 - same.to_numpy().astype(np.float64))


def _worst_segment(
    contract: Contract,
    column: str,
    reference: tuple[pa.Table, Array],
    current: tuple[pa.Table, Array],
) -> Score:
    name = "performance.segment"
    (before, old_losses), (now, losses) = (
        (texts(table, column), loss) for table, loss in (reference, current)
    )
    days, between = days_of(current[0], ARRIVED), uneven(reference)
    found = []
    for value in commonest(now):
        mask = now == value
        old, new = old_losses[before == value], losses[mask]
        if min(len(old), len(new)) >= LEAST[name]:
            known = Known.of(_with_errors(contract, Sample.plain(old, None)))
            known = known._replace(between_days=between * float(old.mean()) ** 2)
            sample = Sample.plain(new, None if days is None else days[mask])
            judged = few_labels.judge(known, sample, float(old.mean()) * tolerance(contract), RARER)
            shown, limit = (_root(contract, loss) for loss in judged[:2])
            found.append(Segment.of(value, shown, limit, len(new)))
    if not found:
        words = f"No value of {column} has {LEAST[name]} labelled records, so its segments are not checked."
        return skipped(name, words, column)
    worst = max(found)
    sentence = (
        f"For {wording.segment(contract, column, worst.level)} the {_what(contract)} is {worst.value:.4g} "
        f"on {worst.rows:,} records."
    )
    return of_worst(name, column, found, sentence)


def tolerated(contract: Contract, reference: pa.Table, loss: Array) -> float:
    """Return the tolerated multiple of the reference's mean loss in a class."""
    spread = float(np.sqrt(uneven((reference, loss))))
    return max(tolerance(contract), 1 + _DEVIATIONS * spread)


def uneven(reference: tuple[pa.Table, Array]) -> float:
    """Return the variance of daily losses beyond noise, in squared mean losses."""
    table, loss = reference
    if not loss.any():
        return 0.0
    return few_labels.between_days(loss, days_of(table, bundle.TIME_COLUMN)) / float(loss.mean()) ** 2


def tolerance(contract: Contract) -> float:
    """Return the tolerated multiple of the mean loss: a squared error or a share."""
    return _TOLERANCE**2 if contract.task is Task.REGRESSION else _SHARE_TOLERANCE


def _shown(contract: Contract, loss: Array) -> float:
    return _root(contract, float(loss.mean()))


def _root(contract: Contract, loss: float) -> float:
    return float(np.sqrt(loss)) if contract.task is Task.REGRESSION else loss


def _what(contract: Contract) -> str:
    return "root mean squared error" if contract.task is Task.REGRESSION else "share of wrong predictions"
