"""Shifts: functions that change undrifted rows in random order."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.alert_quality.subject import Change, Watched, Window, drawn
from contract import bundle
from contract.schema import Task

DEVIATIONS = (0.1, 0.2, 0.5)
RAMP_STEPS = 10
RAMP_END = 0.5
SMALL, LARGE = 0.04, 0.20
_TARGET = bundle.TARGET_COLUMN


@dataclass(frozen=True)
class Suite:
    """Columns of a subject that the shifts change.

    `moved`: numeric columns whose mean moves; the first one is also widened, lost and ramped. `stretched`:
    a numeric column that is multiplied. `mixed`: a categorical column; `new`: a value it never had.
    """

    moved: Sequence[str]
    segment: str
    stretched: str | None = None
    mixed: str | None = None
    new: int | str | None = None
    scale: float = 2.0


def shifts(suite: Suite, watched: Watched) -> dict[str, Change]:
    """Return the changes by label."""
    first, classes = suite.moved[0], watched.contract.task is Task.CLASSIFICATION
    what = "target lower by one" if classes else "target one third larger"
    made: dict[str, Change] = {
        f"mean of {column}, {by} sd": mean(column, by) for column in suite.moved for by in DEVIATIONS
    }
    if suite.stretched:
        made |= {
            f"every {suite.stretched} longer, {by} sd of its logarithm": stretch(suite.stretched, by)
            for by in DEVIATIONS
        }
    made[f"spread of {first}, half as wide again"] = spread(first)
    if suite.mixed and suite.new is not None:
        common = watched.reference[suite.mixed].mode()[0]
        for share in (0.05, 0.2):
            made[f"{share:.0%} of {suite.mixed} moved to {common}"] = replaced(suite.mixed, common, share)
        made[f"a new {suite.mixed}, 5% of rows"] = replaced(suite.mixed, suite.new, 0.05)
    made[f"{first} missing in 5% of rows"] = lost(first, 0.05)
    for share in (SMALL, LARGE):
        chosen = segment(watched, suite.segment, share)
        part = f"in a segment of about {share:.0%}"
        made[f"{first} times {suite.scale:g} {part}"] = within(chosen, times(first, suite.scale))
        made[f"concept shift {part}"] = within(chosen, concept)
    made[f"concept shift, all rows ({what})"] = concept
    if classes:
        made[f"concept shift, every other row ({what})"] = half
    return made


def pairs(
    watched: Watched,
    rows: pd.DataFrame,
    changes: dict[str, Change],
    count: int,
    seed: int,
    *,
    size: int = 1_000,
    replace: bool = False,
) -> Iterator[Window]:
    """Yield `count` pairs of windows with distinct rows for each change."""
    rng = np.random.default_rng(seed)
    for label, change in changes.items():
        for draw in range(count):
            both = drawn(rows, 2 * size, rng, replace=replace)
            for step in (0, 1):
                part = both[step * size : (step + 1) * size].reset_index(drop=True)
                yield Window("shift", label, watched.predicted(change(watched, part)), draw, step)


def ramps(
    watched: Watched, rows: pd.DataFrame, column: str, count: int, seed: int, *, replace: bool = False
) -> Iterator[Window]:
    """Yield series of windows in which the mean of a column moves step by step."""
    rng = np.random.default_rng(seed)
    for draw in range(count):
        for step in range(1, RAMP_STEPS + 1):
            change = mean(column, RAMP_END * step / RAMP_STEPS)
            changed = change(watched, drawn(rows, 1_000, rng, replace=replace))
            yield Window("ramp", f"mean of {column}", watched.predicted(changed), draw, step)


def mean(column: str, deviations: float) -> Change:
    """Move the mean by `deviations` of the reference's clipped standard deviation."""

    def change(watched: Watched, rows: pd.DataFrame) -> pd.DataFrame:
        low, high = watched.model.profile_spec.numeric[column].clip
        return rows.assign(
            **{column: rows[column] + deviations * watched.reference[column].clip(low, high).std()}
        )

    return change


def stretch(column: str, deviations: float) -> Change:
    """Multiply all values, which shifts the mean of the logarithm alone."""

    def change(watched: Watched, rows: pd.DataFrame) -> pd.DataFrame:
        positive = watched.reference[column][watched.reference[column] > 0]
        return rows.assign(**{column: rows[column] * np.exp(deviations * np.log(positive).std())})

    return change


def spread(column: str) -> Change:
    """Widen the values by half around their median, not below the reference's minimum."""

    def change(watched: Watched, rows: pd.DataFrame) -> pd.DataFrame:
        middle, least = watched.reference[column].median(), watched.reference[column].min()
        floor = least if least >= 0 else -np.inf
        return rows.assign(**{column: (middle + 1.5 * (rows[column] - middle)).clip(lower=floor)})

    return change


def replaced(column: str, value: int | str, share: float) -> Change:
    """Set the column to `value` in a share of the rows."""
    return lambda _, rows: rows.assign(**{column: rows[column].mask(_first(rows, share), value)})


def lost(column: str, share: float) -> Change:
    """Remove the value in a share of the rows."""
    return lambda _, rows: rows.assign(**{column: rows[column].mask(_first(rows, share))})


def times(column: str, factor: float) -> Change:
    """Multiply a column."""
    return lambda _, rows: rows.assign(**{column: rows[column] * factor})


def concept(watched: Watched, rows: pd.DataFrame) -> pd.DataFrame:
    """Change the target for the same features."""
    if watched.contract.task is Task.CLASSIFICATION:
        return rows.assign(**{_TARGET: rows[_TARGET] - 1})
    return rows.assign(**{_TARGET: rows[_TARGET] * 4 / 3})


def half(watched: Watched, rows: pd.DataFrame) -> pd.DataFrame:
    """Change the target in half of the rows."""
    changed = concept(watched, rows)
    return rows.assign(**{_TARGET: changed[_TARGET].where(_first(rows, 0.5), rows[_TARGET])})


def segment(watched: Watched, column: str, share: float) -> "Segment":
    """Return a segment of about `share`: levels of a category, or the largest values."""
    reference = watched.reference[column]
    if column not in watched.categorical:
        return Segment(column, above=float(reference.quantile(1 - share)))
    levels, total = [], 0.0
    for level, size in reference.value_counts(normalize=True).items():
        if total + size <= share * 1.1:
            levels.append(level)
            total += size
        if total > share * 0.9:
            break
    return Segment(column, levels=levels)


@dataclass(frozen=True)
class Segment:
    """Rows with certain values of one column."""

    column: str
    levels: Sequence[object] = ()
    above: float | None = None

    def __call__(self, rows: pd.DataFrame) -> "pd.Series[bool]":
        """Return a mask of the rows in the segment."""
        values = rows[self.column]
        return values.isin(list(self.levels)) if self.above is None else values > self.above


def within(chosen: Segment, change: Change) -> Change:
    """Apply `change` to the rows of a segment only."""

    def changed(watched: Watched, rows: pd.DataFrame) -> pd.DataFrame:
        inside = chosen(rows)
        parts = [rows[~inside], change(watched, rows[inside])]
        return pd.concat(parts).sort_index()

    return changed


def _first(rows: pd.DataFrame, share: float) -> "pd.Series[bool]":
    """Return a mask over the first rows, whose order is random."""
    return pd.Series(np.arange(len(rows)) < share * len(rows), index=rows.index)
