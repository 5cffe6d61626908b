"""Test of a mean on few labelled records, from few days.

Prediction-powered inference (Angelopoulos et al., Science 382, 2023; PPI++, arXiv 2311.01453): what the
predictions of all records foresee of the mean is added, so that labels have to measure the rest only.
Here `foreseen` is the reference's mean at a similar prediction, which has the optimal weight 1.

Records of one day share its weather and traffic, so they count as less than as many independent ones: the
variance between the reference's days is divided by the number of the window's days (cluster sampling;
Kish 1965, chapter 5), and one bad day is allowed for. Chance is normal, corrected for skewness (Cornish and
Fisher 1938), since errors have long tails.
"""

from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lambda_monitor.profiles.segments import LEAST_ROWS

# Least days, and rows of each, from which the variance between days is known.
_LEAST_DAYS, _LEAST_ROWS_A_DAY = 14, 30
# Least share of the records that is judged without the worst day.
LEAST_REST = 0.25

Array = npt.NDArray[np.float64]
Days = npt.NDArray[np.int64]


class Sample(NamedTuple):
    """Values of labelled records, what the predictions foresee of each, and their days if known.

    `foreseen_all` is the mean of what is foreseen of all records, labelled or not, `records` their number.
    """

    values: Array
    foreseen: Array
    days: Days | None
    foreseen_all: float
    records: int

    @classmethod
    def plain(cls, values: Array, days: Days | None) -> Self:
        """Return a sample of which nothing is foreseen."""
        return cls(values, np.zeros(len(values)), days, 0.0, len(values))

    @property
    def estimates(self) -> Array:
        """One value per labelled record; their mean estimates that of all records."""
        return self.values - self.foreseen + self.foreseen_all


class Judged(NamedTuple):
    """A mean with its limit; `worst` is the day without which the mean would be above it."""

    value: float
    limit: float
    worst: str | None = None


class Known(NamedTuple):
    """Moments of the reference: variances of values, of what is not foreseen and of what is, skewness."""

    rows: int
    variance: float
    unforeseen: float
    foreseen: float
    third: float
    between_days: float

    @classmethod
    def of(cls, before: Sample) -> Self:
        """Return the moments of a reference."""
        rest = before.values - before.foreseen
        return cls(
            rows=len(before.values),
            variance=float(before.values.var()),
            unforeseen=float(rest.var()),
            foreseen=float(before.foreseen.var()),
            third=float(((rest - rest.mean()) ** 3).mean()),
            between_days=between_days(before.values, before.days),
        )

    def chance(self, labelled: int, records: int, days: float, quantile: float) -> float:
        """Return what the mean of undrifted records exceeds its expectation by, at a normal quantile."""
        noise = self.unforeseen / labelled + self.foreseen / records + self.variance / self.rows
        variance = noise + self.between_days / max(days, 1.0)
        if variance <= 0:
            return 0.0
        skewness = max(self.third / labelled**2 / variance**1.5, 0.0)
        return float(np.sqrt(variance) * (quantile + (quantile**2 - 1) / 6 * skewness))


def judge(known: Known, now: Sample, allowed: float, quantile: float) -> Judged:
    """Return the mean of a window and its limit, `allowed` and chance, with one bad day allowed for."""
    estimates, labelled = now.estimates, len(now.values)
    value = float(estimates.mean())
    if now.days is None:
        return Judged(value, allowed + known.chance(labelled, now.records, 1.0, quantile))
    names, day, counts = np.unique(now.days, return_inverse=True, return_counts=True)
    limit = allowed + known.chance(labelled, now.records, _effective(counts), quantile)
    if value <= limit:
        return Judged(value, limit)
    totals = np.bincount(day, weights=estimates)
    rest = labelled - counts
    without = np.where(
        rest >= max(labelled * LEAST_REST, LEAST_ROWS), (totals.sum() - totals) / np.maximum(rest, 1), np.inf
    )
    worst = int(without.argmin())
    if not without[worst] < value:
        return Judged(value, limit)
    others = np.delete(counts, worst)
    chance = known.chance(int(rest[worst]), now.records, _effective(others), quantile)
    with_worst = allowed + chance + value - float(without[worst])
    if with_worst <= limit:
        return Judged(value, limit)
    named = str(np.datetime64(int(names[worst]), "D")) if value <= with_worst else None
    return Judged(value, with_worst, named)


def allowance(worst: str | None) -> str:
    """Return the sentence on a bad day that the limit allows for, empty without one."""
    return f" Without one bad day, {worst}, it is within its limit." if worst else ""


def between_days(values: Array, days: Days | None) -> float:
    """Return the variance of the mean between days beyond noise; 0 if there are too few days."""
    if days is None:
        return 0.0
    _, day, counts = np.unique(days, return_inverse=True, return_counts=True)
    used = counts >= _LEAST_ROWS_A_DAY
    if used.sum() < _LEAST_DAYS:
        return 0.0
    means = np.bincount(day, weights=values) / counts
    # A day's rows are part of the total, so their deviation from it is smaller than that of new rows.
    excess = (means - values.mean()) ** 2 - values.var() * (1 / counts - 1 / len(values))
    return max(float(excess[used].mean()), 0.0)


def days_of(table: pa.Table, column: str) -> Days | None:
    """Return the day number of each row by a time column; None without times."""
    times = table.column(column) if column in table.column_names else None
    if times is None or not pa.types.is_timestamp(times.type) or times.null_count:
        return None
    return np.asarray(times.to_numpy().astype("datetime64[D]").astype(np.int64))


def effective_days(days: Days | None) -> float:
    """Return the number of equally large days that vary as much as those of a sample; 1 if unknown."""
    return 1.0 if days is None else _effective(np.unique(days, return_counts=True)[1])


def _effective(counts: npt.NDArray[np.int64]) -> float:
    return float(counts.sum() ** 2 / (counts**2).sum())
