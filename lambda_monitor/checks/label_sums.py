"""Sums of labelled records that a report keeps, so that later scheduled runs can add windows.

They are in `detail` of the checks on the mean error, under SUMS. Errors are target minus prediction in usual
errors, beyond the reference's mean; losses are squared errors in mean losses of the reference.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from contract.base import StoredStruct
from lambda_monitor.checks.few_labels import Array
from lambda_monitor.lake.events import ARRIVED
from lambda_monitor.untrusted import one_line

SUMS = "sums"
_DIGITS = 4
Numbers = npt.NDArray[np.int64]


class HourSums(StoredStruct, frozen=True, kw_only=True):
    """Labelled records, sum of errors and of losses per hour, from the hour `since` after 1970 on."""

    since: int
    rows: list[int]
    error: list[float]
    loss: list[float]


class LevelSums(StoredStruct, frozen=True, kw_only=True):
    """The same over the hours [since, until), without losses: of all records, and per value of a column."""

    since: int
    until: int
    rows: int
    error: float
    levels: dict[str, tuple[int, float]]


def hours_of(table: pa.Table) -> Numbers | None:
    """Return the hour of arrival of each record, since 1970; None without arrivals."""
    times = table.column(ARRIVED) if ARRIVED in table.column_names else None
    if times is None or not len(times) or not pa.types.is_timestamp(times.type) or times.null_count:
        return None
    return np.asarray(times.to_numpy().astype("datetime64[h]").astype(np.int64))


def per_hour(hours: Numbers, error: Array, loss: Array) -> dict[str, Any]:
    """Return the detail of a window of records."""
    since = int(hours.min())
    sums = HourSums(
        since=since,
        rows=[int(count) for count in np.bincount(hours - since)],
        error=_rounded(np.bincount(hours - since, weights=error)),
        loss=_rounded(np.bincount(hours - since, weights=loss)),
    )
    return {SUMS: msgspec.to_builtins(sums)}


def per_level(
    hours: Numbers, error: Array, names: npt.NDArray[np.str_], levels: Sequence[str]
) -> dict[str, Any]:
    """Return the detail of a window of records by their values of a column."""
    inside = {one_line(level): names == level for level in levels}
    sums = LevelSums(
        since=int(hours.min()),
        until=int(hours.max()) + 1,
        rows=len(hours),
        error=_rounded([error.sum()])[0],
        levels={
            level: (int(mask.sum()), _rounded([error[mask].sum()])[0])
            for level, mask in inside.items()
            if mask.any()
        },
    )
    return {SUMS: msgspec.to_builtins(sums)}


def _rounded(values: Iterable[float] | npt.NDArray[Any]) -> list[float]:
    return [round(float(value), _DIGITS) for value in values]
