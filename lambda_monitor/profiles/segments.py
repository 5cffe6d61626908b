"""Sums of the outcome per segment, mergeable, and their shift from the reference.

A change of one segment's records hardly moves the distribution of a whole column, but it moves the mean
prediction of that segment.
"""

from typing import Any, NamedTuple, Self

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lambda_monitor.lake.texts import category

# Levels of a column that are counted one by one, the commonest first: rarer ones have too few rows.
TOP_LEVELS = 20
# Least records of a segment, in the reference and in the window, for its shift to be measured.
LEAST_ROWS = 30


class Sums(msgspec.Struct, kw_only=True):
    """Count, sum and sum of squares of the outcome within one segment."""

    count: int = 0
    total: float = 0.0
    squares: float = 0.0

    def merge(self, other: "Sums") -> "Sums":
        """Return the sums of both."""
        return Sums(
            count=self.count + other.count,
            total=self.total + other.total,
            squares=self.squares + other.squares,
        )

    @property
    def mean(self) -> float:
        """The mean of the outcome."""
        return self.total / self.count

    @property
    def deviation(self) -> float:
        """The standard deviation of the outcome."""
        return float(np.sqrt(max(self.squares / self.count - self.mean**2, 0.0)))


Segments = dict[str, dict[str, Sums]]


class SegmentSpec(msgspec.Struct, frozen=True, kw_only=True):
    """The outcome that is summed, its clipping bounds, and the levels of each segment column."""

    outcome: str
    clip: tuple[float, float]
    levels: dict[str, list[str]]

    def count(self, table: pa.Table) -> Segments:
        """Return the sums of `table` by segment column and level; columns it lacks are left out."""
        present = set(table.column_names)
        if self.outcome not in present:
            return {}
        values = np.asarray(table.column(self.outcome).cast(pa.float64()).to_numpy(), dtype=np.float64)
        return {
            column: self._sums(table.column(column), levels, values)
            for column, levels in self.levels.items()
            if column in present
        }

    def _sums(self, column: Any, levels: list[str], values: npt.NDArray[np.float64]) -> dict[str, Sums]:
        encoded = column.combine_chunks().dictionary_encode()
        place = {level: number for number, level in enumerate(levels)}
        named = [place.get(category(value), len(levels)) for value in encoded.dictionary.to_pylist()]
        indices = encoded.indices.fill_null(len(named)).to_numpy()
        places = np.array([*named, len(levels)])[indices]
        used = np.isfinite(values) & (places < len(levels))
        places, clipped = places[used], np.clip(values[used], *self.clip)
        counts = np.bincount(places, minlength=len(levels))
        totals = np.bincount(places, weights=clipped, minlength=len(levels))
        squares = np.bincount(places, weights=clipped**2, minlength=len(levels))
        return {
            level: Sums(count=int(counts[n]), total=float(totals[n]), squares=float(squares[n]))
            for level, n in sorted(zip(levels, range(len(levels)), strict=True))
            if counts[n]
        }


class Shift(NamedTuple):
    """Shift of a segment's mean outcome from the reference, in standard deviations of the segment."""

    level: str
    value: float
    before: Sums
    now: Sums

    @classmethod
    def of(cls, level: str, before: Sums, now: Sums) -> Self:
        """Return the shift of one segment."""
        return cls(level, abs(now.mean - before.mean) / before.deviation, before, now)


def merged(one: Segments, other: Segments) -> Segments:
    """Return the sums of both."""
    return {
        column: {
            level: one[column].get(level, Sums()).merge(other[column].get(level, Sums()))
            for level in sorted({*one[column], *other[column]})
        }
        for column in one
        if column in other
    }


def shifts(reference: Segments, current: Segments, column: str) -> list[Shift]:
    """Return the shift of each segment of a column with enough records in both."""
    before, now = reference.get(column, {}), current.get(column, {})
    return [
        Shift.of(level, before[level], now[level])
        for level in now
        if level in before
        and min(before[level].count, now[level].count) >= LEAST_ROWS
        and before[level].deviation > 0
    ]
