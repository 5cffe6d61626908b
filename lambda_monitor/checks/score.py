"""Score of a check that compares a value with its limit, and the worst of several segments."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lambda_monitor.profiles.segments import TOP_LEVELS
from lambda_monitor.untrusted import one_line

# One-sided normal quantiles: one false alarm in about 10,000 windows, in 100,000 for the many segments.
RARE, RARER = 3.72, 4.27

Array = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]


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


class Segment(NamedTuple):
    """Value and limit within one value of a column; the worst segment is the largest."""

    times: float
    level: str
    value: float
    limit: float
    rows: int

    @classmethod
    def of(cls, level: str, value: float, limit: float, rows: int) -> "Segment":
        """Return a segment with its value in limits."""
        return cls(value / limit if limit else float(value > 0), level, value, limit, rows)


def skipped(name: str, sentence: str, column: str | None = None) -> Score:
    """Return the score of a check that can't be made."""
    columns = [] if column is None else [column]
    return Score(name=name, value=None, threshold=None, columns=columns, sentence=sentence)


def of_worst(name: str, column: str, found: Sequence[Segment], sentence: str, **detail: float) -> Score:
    """Return the score of the worst of the segments of a column."""
    worst = max(found)
    segments = {one_line(s.level): {"value": s.value, "threshold": s.limit, "rows": s.rows} for s in found}
    return Score(
        name=name,
        value=worst.value,
        threshold=worst.limit,
        columns=[column],
        sentence=sentence,
        detail={"segment": one_line(worst.level), "segments": segments, **detail},
    )


def texts(table: pa.Table, column: str) -> npt.NDArray[np.str_]:
    """Return the values of a column as texts."""
    return np.asarray(table.column(column).to_pylist(), dtype=str)


def commonest(values: npt.NDArray[np.str_]) -> list[str]:
    """Return the commonest texts, as many as are monitored on their own."""
    levels, counts = np.unique(values, return_counts=True)
    return [str(level) for level in levels[np.argsort(-counts, kind="stable")[:TOP_LEVELS]]]
