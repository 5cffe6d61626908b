"""What each labelled row adds to the checks on labels and groups, summed per hour of a pool."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from benchmarks.alert_quality.hour_sums import Array
from benchmarks.by_chance.pool import Pool, before
from contract import bundle
from lambda_monitor.checks import mean_error, performance
from lambda_monitor.checks.few_labels import Sample
from lambda_monitor.checks.mean_error import Errors
from lambda_monitor.checks.over_time import DAY
from lambda_monitor.checks.score import texts
from lambda_monitor.profiles import segments

# Columns of one level: rows, losses, errors, their sizes, outcomes.
_WIDTH = 5


class Level(NamedTuple):
    """A value of a segment column: its rows of the reference, and its columns of the sums."""

    column: str
    level: str
    before: Array
    rows: int

    @property
    def losses(self) -> int:
        """The column of losses."""
        return self.rows + 1

    @property
    def error(self) -> int:
        """The column of standard errors."""
        return self.rows + 2

    @property
    def size(self) -> int:
        """The column of the sizes of standard errors."""
        return self.rows + 3

    @property
    def outcome(self) -> int:
        """The column of clipped predictions."""
        return self.rows + 4


@dataclass(frozen=True, eq=False)
class LabelSums:
    """Sums per hour with the number of each column; losses, errors and predictions of the reference."""

    before: Array
    levels: list[Level]
    loss: Array
    sample: Sample
    errors: Errors
    outcomes_before: Array
    rows: int = 0
    losses: int = 1
    error: int = 2
    size: int = 3
    outcome: int = 4
    foreseen: int = 5
    expected: int = 6


def of(pool: Pool) -> LabelSums:
    """Return the sums of a pool, every row labelled."""
    contract, reference = pool.model.contract, pool.model.reference
    rows = pool.table(np.arange(len(pool.starts) - 1))
    old, new = performance.losses(contract, reference), performance.losses(contract, rows)
    cap = float(np.quantile(old, performance.TAIL))
    old, new = np.minimum(old, cap), np.minimum(new, cap)
    predicted = rows.column(bundle.PREDICTION_COLUMN)
    sample, of_rows = performance.samples(contract, (reference, old), (rows, new), predicted)
    errors, of_errors = mean_error.errors(reference, rows)
    parts = [np.ones(len(rows)), new, of_errors.standard, np.abs(of_errors.standard), _outcomes(pool, rows)]
    added, levels = [*parts, of_rows.foreseen, _expected(pool, rows)], []
    for column in contract.segments:
        now, was = texts(rows, column), texts(reference, column)
        for level in _often(now, pool):
            levels.append(Level(column, level, was == level, len(added)))
            added += [np.where(now == level, part, 0.0) for part in parts]
    return LabelSums(
        before=before(np.stack(added, axis=1), pool.starts),
        levels=[level for level in levels if level.before.any()],
        loss=old,
        sample=sample,
        errors=errors,
        outcomes_before=_outcomes(pool, reference),
    )


def _often(values: Array, pool: Pool) -> list[str]:
    """Return the values that have enough rows for a check in some window of two days."""
    day = np.repeat(np.arange(pool.days), np.diff(pool.starts[::DAY]))
    # A window has at most the rows of two days.
    least = segments.LEAST_ROWS / 2
    return [str(one) for one in np.unique(values) if np.bincount(day[values == one]).max() >= least]


def _outcomes(pool: Pool, rows: pa.Table) -> Array:
    clip = pool.model.profile_spec.numeric[bundle.PREDICTION_COLUMN].clip
    return np.asarray(np.clip(rows.column(bundle.PREDICTION_COLUMN).to_numpy(), *clip))


def _expected(pool: Pool, rows: pa.Table) -> Array:
    """Return the reference's mean loss at each row's prediction."""
    name, reference = bundle.PREDICTION_COLUMN, pool.model.reference
    edges = pool.model.profile_spec.numeric[name].edges
    loss = performance.losses(pool.model.contract, reference)
    expected = performance.expected_losses(edges, reference.column(name).to_numpy().astype(np.float64), loss)
    return np.asarray(expected[np.searchsorted(edges, rows.column(name).to_numpy(), side="left")])
