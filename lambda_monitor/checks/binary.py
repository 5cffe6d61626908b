"""Quality of a binary classifier on labelled records: log loss, AUC, precision, recall, calibration.

Each is a mean of losses over some of the records, compared with the same mean on the reference. Its limit
allows a fifth more, the difference between the reference's days, and chance: the normal approximation
with the correction for skewness of Cornish and Fisher, as errors are rare.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Self

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contract import bundle
from contract.schema import Contract
from lambda_monitor.checks.minimum import LEAST
from lambda_monitor.checks.performance import tolerated
from lambda_monitor.checks.score import RARE, Array, Mask, Score

THRESHOLD = 0.5
# Probabilities in events have four to six digits.
_LEAST_PROBABILITY = 1e-4
# Tolerated besides a fifth: the loss of a nearly perfect model is all chance.
_POINTS = 0.01
_BINS = 10
# Tolerated miscalibration in standard deviations of the target.
_MISCALIBRATED = 0.1
# Mean and standard deviation of a half-normal variable: the distance of a bin is one by chance.
_HALF_MEAN, _HALF_DEVIATION = 0.8, 0.6


class Judged(NamedTuple):
    """Labelled records: probability of the positive class, whether the label is positive, their table."""

    probability: Array
    positive: Mask
    table: pa.Table

    @classmethod
    def of(cls, contract: Contract, table: pa.Table) -> Self:
        """Return the rows that have probability and label."""
        table = table.filter(
            pc.and_(
                pc.is_valid(table.column(bundle.POSITIVE_COLUMN)),
                pc.is_valid(table.column(bundle.TARGET_COLUMN)),
            )
        )
        labels = pc.cast(table.column(bundle.TARGET_COLUMN), pa.string())
        return cls(
            np.asarray(table.column(bundle.POSITIVE_COLUMN).to_numpy(), dtype=np.float64),
            np.asarray(pc.equal(labels, str(contract.target.positive)).to_numpy(), dtype=bool),
            table,
        )


class _Losses(NamedTuple):
    """Losses of the records of `mask`, in the reference and in the window."""

    before: Array
    now: Array


def score_binary(contract: Contract, reference: pa.Table, rows: pa.Table) -> Iterator[Score]:
    """Yield the scores of labelled `rows`; nothing without a positive class."""
    if contract.target.positive is None or bundle.POSITIVE_COLUMN not in reference.column_names:
        return
    before, now = Judged.of(contract, reference), Judged.of(contract, rows)
    threshold = contract.target.threshold or THRESHOLD
    yield _log_loss(contract, before, now)
    yield _auc(contract, before, now)
    flagged = [judged.probability >= threshold for judged in (before, now)]
    for name, masks, wrong, of in (
        ("precision", flagged, [~judged.positive for judged in (before, now)], "records predicted"),
        ("recall", [before.positive, now.positive], [~mask for mask in flagged], "records labelled"),
    ):
        about = f"{of} {contract.target.positive}"
        words = f"{name} at the threshold {threshold:g}"
        yield _share(contract, (f"performance.{name}", words, about), before, masks, wrong)
    yield _calibration(before, now)


def _log_loss(contract: Contract, before: Judged, now: Judged) -> Score:
    name = "performance.log_loss"
    if skipped := _too_few(name, "labelled records", len(before.positive), len(now.positive)):
        return skipped
    losses = _Losses(*(_logs(judged) for judged in (before, now)))
    limit = _limit(losses.before.mean() * tolerated(contract, before.table, losses.before), [losses])
    value, was = float(losses.now.mean()), float(losses.before.mean())
    sentence = f"The log loss is {value:.4g} on {len(losses.now):,} labelled records; {_was(was)}."
    return Score(name=name, value=value, threshold=limit, sentence=sentence, detail={"reference": was})


def _auc(contract: Contract, before: Judged, now: Judged) -> Score:
    name = "performance.auc"
    fewest = [min(judged.positive.sum(), (~judged.positive).sum()) for judged in (before, now)]
    if skipped := _too_few(name, "records of the rarer class", *fewest):
        return skipped
    placed = [_placements(judged) for judged in (before, now)]
    components = [_Losses(_padded(placed[0][side]), placed[1][side]) for side in (0, 1)]
    mean = float(components[0].before.mean())
    allowed = tolerated(contract, before.table.filter(pa.array(before.positive)), placed[0][0])
    limit = _limit(max(mean * allowed, mean + _POINTS), components)
    value, was = (1 - float(found[0].mean()) for found in reversed(placed))
    sentence = f"The area under the ROC curve is {value:.4g} on {len(now.positive):,} records; {_was(was)}."
    return Score(
        name=name, value=value, threshold=1 - limit, sentence=sentence, below=True, detail={"reference": was}
    )


def _share(
    contract: Contract,
    texts: tuple[str, str, str],
    before: Judged,
    masks: Sequence[Mask],
    wrong: Sequence[Mask],
) -> Score:
    """Return 1 minus the share of `wrong` records among those of `masks`."""
    name, words, about = texts
    losses = _Losses(*(each[mask].astype(np.float64) for each, mask in zip(wrong, masks, strict=True)))
    if skipped := _too_few(name, about, len(losses.before), len(losses.now)):
        return skipped
    padded = _Losses(_padded(losses.before), losses.now)
    mean = float(padded.before.mean())
    allowed = tolerated(contract, before.table.filter(pa.array(masks[0])), losses.before)
    limit = _limit(max(mean * allowed, mean + _POINTS), [padded])
    value, was = 1 - float(losses.now.mean()), 1 - float(losses.before.mean())
    sentence = f"The {words} is {value:.4g} on {len(losses.now):,} {about}; {_was(was)}."
    return Score(
        name=name, value=value, threshold=1 - limit, sentence=sentence, below=True, detail={"reference": was}
    )


def _calibration(before: Judged, now: Judged) -> Score:
    """Return the mean distance of probability and share of positives, over tenths of the reference."""
    name = "performance.calibration"
    if skipped := _too_few(name, "labelled records", len(before.positive), len(now.positive)):
        return skipped
    edges = np.unique(np.quantile(before.probability, np.linspace(0, 1, _BINS + 1)[1:-1]))
    (rows, gaps, spread), (count, found, _) = (_gaps(judged, edges) for judged in (before, now))
    weight = count / count.sum()
    noise = spread * np.sqrt(1 / np.maximum(rows, 1) + 1 / np.maximum(count, 1))
    base = float(before.positive.mean())
    limit = float(
        (weight * (np.abs(gaps) + _HALF_MEAN * noise)).sum()
        + RARE * _HALF_DEVIATION * np.sqrt((weight**2 * noise**2).sum())
        + _MISCALIBRATED * np.sqrt(base * (1 - base))
    )
    value = float((weight * np.abs(found)).sum())
    was = float((rows / rows.sum() * np.abs(gaps)).sum())
    sentence = (
        f"Probabilities differ from the shares of positive labels by {value:.4g} on average, on "
        f"{len(now.positive):,} labelled records; {_was(was)}."
    )
    return Score(name=name, value=value, threshold=limit, sentence=sentence, detail={"reference": was})


def _gaps(judged: Judged, edges: Array) -> tuple[Array, Array, Array]:
    """Return by bin of the probability: rows, mean of probability minus label, its standard deviation."""
    difference = judged.probability - judged.positive
    bins = np.searchsorted(edges, judged.probability, side="left")
    rows = np.bincount(bins, minlength=len(edges) + 1).astype(np.float64)
    total, squares = (
        np.bincount(bins, weights=difference**power, minlength=len(edges) + 1) for power in (1, 2)
    )
    # One more row of the usual spread: a bin without an error has one by chance.
    spread = np.sqrt((squares + (difference**2).mean()) / (rows + 1))
    return rows, total / np.maximum(rows, 1), spread


def _logs(judged: Judged) -> Array:
    right = np.where(judged.positive, judged.probability, 1 - judged.probability)
    return np.asarray(-np.log(np.clip(right, _LEAST_PROBABILITY, 1)))


def _placements(judged: Judged) -> tuple[Array, Array]:
    """Return for each positive the share of negatives above it, for each negative that of positives below.

    Equal probabilities count half. Both means are 1 - AUC; their variances are DeLong's.
    """
    positive, negative = (np.sort(judged.probability[mask]) for mask in (judged.positive, ~judged.positive))
    above = 1 - _rank(negative, positive)
    return above, _rank(positive, negative)


def _rank(ordered: Array, values: Array) -> Array:
    """Return the share of `ordered` that is below each of `values`, equal ones counted half."""
    both = np.searchsorted(ordered, values, side="left") + np.searchsorted(ordered, values, side="right")
    return np.asarray(both / (2 * len(ordered)))


def _padded(losses: Array) -> Array:
    """Return losses between 0 and 1 with one more of each: without any error, some happen by chance."""
    return np.append(losses, [0.0, 1.0])


def _limit(allowed: float, components: Sequence[_Losses]) -> float:
    """Return `allowed` and the chance of the sum of independent means."""
    variance = sum(one.before.var() * (1 / len(one.now) + 1 / len(one.before)) for one in components)
    third = sum(
        ((one.before - one.before.mean()) ** 3).mean() * (1 / len(one.now) ** 2 - 1 / len(one.before) ** 2)
        for one in components
    )
    if variance <= 0:
        return float(allowed)
    deviation = np.sqrt(variance)
    skewness = max(third / deviation**3, 0.0)
    return float(allowed + deviation * (RARE + (RARE**2 - 1) / 6 * skewness))


def _too_few(name: str, about: str, before: int, now: int) -> Score | None:
    """Return the score of a check without a value if reference or window have too few rows."""
    least = LEAST[name]
    if min(before, now) >= least:
        return None
    where = "the window has" if now < least else "the reference has"
    words = f"Of {about} {where} {now if now < least else before:,}; the check is made from {least} on."
    return Score(name=name, value=None, threshold=None, sentence=words)


def _was(value: float) -> str:
    return f"it was {value:.4g} on the reference"
