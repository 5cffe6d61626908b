"""Model error: measured on labelled records, estimated without labels.

The estimate follows NannyML's DLE and CBPE (docs.nannyml.com, "How it works: performance estimation"):
the error on reference rows of similar prediction or probability, weighted by their current frequency.
It detects changed inputs, never a changed relation to the target.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from contract import bundle
from contract.schema import Contract, Task
from lambda_monitor import wording
from lambda_monitor.checks.minimum import LEAST
from lambda_monitor.profiles.profile import Profile, ProfileSpec, shares
from lambda_monitor.profiles.segments import TOP_LEVELS
from lambda_monitor.untrusted import one_line

# One-sided normal quantiles: one false alarm in about 10,000 windows, in 100,000 for the many segments.
RARE, _RARER = 3.72, 4.27
# Seasons change the error by up to a fifth, measured or estimated.
_TOLERANCE, _ESTIMATE_TOLERANCE = 1.2, 1.2
# Days differ: twice the standard deviation between days is tolerated, if the reference has enough days.
_DEVIATIONS, _LEAST_DAYS, _LEAST_ROWS_A_DAY = 2, 14, 30
_TAIL = 0.995

Array = npt.NDArray[np.float64]


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """An error with its limit; no value if it can't be computed.

    With `below`, lower values are worse.
    """

    name: str
    value: float | None
    threshold: float | None
    sentence: str
    columns: list[str] = []
    below: bool = False
    detail: dict[str, Any] = {}


def score_labelled(
    contract: Contract, reference: pa.Table, rows: pa.Table, *, records: int
) -> Iterator[Score]:
    """Yield the score of labelled `rows`, and the worst of each segment column."""
    least = LEAST["performance"]
    if len(rows) < least:
        words = f"{len(rows)} of {records} records have a label; performance is checked from {least} on."
        yield Score(name="performance", value=None, threshold=None, sentence=words)
        for column in contract.segments:
            yield Score(
                name="performance.segment", value=None, threshold=None, columns=[column], sentence=words
            )
        return
    before, now = losses(contract, reference), losses(contract, rows)
    cap = float(np.quantile(before, _TAIL)) if contract.task is Task.REGRESSION else 1.0
    before, now = np.minimum(before, cap), np.minimum(now, cap)
    value, was = _shown(contract, now), _shown(contract, before)
    sentence = (
        f"The model's {_what(contract)} is {value:.4g} on {len(rows):,} labelled records; "
        f"it was {was:.4g} on the reference."
    )
    allowed = tolerated(contract, reference, before)
    limit = _limit(contract, before, len(now), RARE, allowed)
    yield Score(
        name="performance", value=value, threshold=limit, sentence=sentence, detail={"reference": was}
    )
    for column in contract.segments:
        if column in rows.column_names and column in reference.column_names:
            yield _worst_segment(contract, column, (reference, before), (rows, now), allowed)


def estimate(contract: Contract, reference: pa.Table, specs: ProfileSpec, current: Profile) -> Score:
    """Return the error to expect of a window without labels."""
    column = bundle.probability_column(contract) or bundle.PREDICTION_COLUMN
    name = "performance.estimate"
    if (
        column not in specs.numeric
        or column not in current.numeric
        or bundle.TARGET_COLUMN not in reference.column_names
    ):
        return Score(
            name=name,
            value=None,
            threshold=None,
            sentence=f"Without the {wording.column(contract, column)} no error can be estimated.",
        )
    if (rows := current.numeric[column].count) < (least := LEAST[name]):
        words = f"{rows} predictions; the error is estimated from {least} on."
        return Score(name=name, value=None, threshold=None, sentence=words)
    edges = specs.numeric[column].edges
    loss = losses(contract, reference)
    bins = np.searchsorted(edges, reference.column(column).to_numpy().astype(np.float64), side="left")
    count = np.bincount(bins, minlength=len(edges) + 1)
    total = np.bincount(bins, weights=loss, minlength=len(edges) + 1)
    expected = np.where(count > 0, total / np.maximum(count, 1), loss.mean())
    value = _root(contract, float((shares(current.numeric[column].histogram) * expected).sum()))
    was = _root(contract, float(loss.mean()))
    sentence = (
        f"Estimated without labels: the model's {_what(contract)} would be {value:.4g}; "
        f"it was {was:.4g} on the reference."
    )
    detail = {"estimate": True, "method": "reference error by bin of " + column, "reference": was}
    return Score(
        name=name, value=value, threshold=was * _ESTIMATE_TOLERANCE, sentence=sentence, detail=detail
    )


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
    tolerated: float,
) -> Score:
    before, now = (
        (np.asarray(table.column(column).to_pylist(), dtype=str), loss)
        for table, loss in (reference, current)
    )
    least = LEAST["performance.segment"]
    values, counts = np.unique(now[0], return_counts=True)
    order = np.argsort(-counts, kind="stable")[:TOP_LEVELS]
    found: list[tuple[float, str, float, float, int]] = []
    for value in values[order]:
        old, new = before[1][before[0] == value], now[1][now[0] == value]
        if min(len(old), len(new)) >= least:
            limit = _limit(contract, old, len(new), _RARER, tolerated)
            shown = _shown(contract, new)
            found.append((shown / limit if limit else float(shown > 0), str(value), shown, limit, len(new)))
    if not found:
        words = f"No value of {column} has {least} labelled records, so its segments are not checked."
        return Score(name="performance.segment", value=None, threshold=None, columns=[column], sentence=words)
    _, value, shown, limit, rows = max(found)
    return Score(
        name="performance.segment",
        value=shown,
        threshold=limit,
        columns=[column],
        sentence=f"For {wording.segment(contract, column, value)} the {_what(contract)} is {shown:.4g} "
        f"on {rows:,} records.",
        detail={
            "segment": one_line(value),
            "segments": {one_line(v): {"value": s, "threshold": t, "rows": n} for _, v, s, t, n in found},
        },
    )


def tolerated(contract: Contract, reference: pa.Table, loss: Array) -> float:
    """Return the tolerated multiple of the reference's mean loss."""
    tolerance = _TOLERANCE**2 if contract.task is Task.REGRESSION else _TOLERANCE
    return max(tolerance, 1 + _DEVIATIONS * _between_days(reference, loss))


def _between_days(reference: pa.Table, loss: Array) -> float:
    """Return the standard deviation of daily losses beyond noise, in mean losses; 0 without times."""
    times = reference.column(bundle.TIME_COLUMN) if bundle.TIME_COLUMN in reference.column_names else None
    if times is None or not pa.types.is_timestamp(times.type) or times.null_count or not loss.any():
        return 0.0
    _, day, counts = np.unique(
        times.to_numpy().astype("datetime64[D]"), return_inverse=True, return_counts=True
    )
    used = counts >= _LEAST_ROWS_A_DAY
    if used.sum() < _LEAST_DAYS:
        return 0.0
    means = np.bincount(day, weights=loss) / counts
    # A day's rows are part of the total, so their deviation from it is smaller than that of new rows.
    excess = (means - loss.mean()) ** 2 - loss.var() * (1 / counts - 1 / len(loss))
    return float(np.sqrt(max(excess[used].mean(), 0.0)) / loss.mean())


def _limit(contract: Contract, before: Array, rows: int, quantile: float, tolerated: float) -> float:
    """Return the limit for the error of `rows` undrifted rows at that normal quantile."""
    spread = float(before.std() * np.sqrt(1 / rows + 1 / len(before)))
    return _root(contract, float(before.mean()) * tolerated + quantile * spread)


def _shown(contract: Contract, loss: Array) -> float:
    return _root(contract, float(loss.mean()))


def _root(contract: Contract, loss: float) -> float:
    return float(np.sqrt(loss)) if contract.task is Task.REGRESSION else loss


def _what(contract: Contract) -> str:
    return "root mean squared error" if contract.task is Task.REGRESSION else "share of wrong predictions"
