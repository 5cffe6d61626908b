"""What the calendar alone changes, as far as the reference shows it.

A window of a day is of one weekday, Sundays are unlike the rest, and no two days are alike; a window of
an hour may be of the night. The reference's rows of each weekday, of each week and of each hour of the
day are compared with all of it, and of the largest difference what chance doesn't explain is natural;
so is twice the standard deviation of single days beyond chance.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa

from contract import bundle
from lambda_monitor.profiles.distances import distances
from lambda_monitor.profiles.profile import Profile, ProfileSpec

if TYPE_CHECKING:
    import pandas as pd

# A part of the calendar with fewer reference rows than this shows nothing of its own.
_LEAST_ROWS = 50
# Weekdays come round: only a reference that saw each at least twice can tell them from single days.
_LEAST_DAYS = 14
_DEVIATIONS = 2

Key = tuple[str, str]
Changes = dict[Key, float]


class Chance(NamedTuple):
    """The size of a statistic by chance, in units of sqrt(1/n + 1/m): usual (root mean square), rare."""

    usual: float
    rare: float


class Difference(NamedTuple):
    """How far a part of the calendar lies from all of the reference, and how far chance alone puts it."""

    value: float
    chance: Chance


Differences = dict[Key, list[Difference]]


class Seasons(NamedTuple):
    """The natural change of each statistic: between whole days, and between hours of the day."""

    days: Changes
    hours: Changes


def natural(table: pa.Table, specs: ProfileSpec, chance: Mapping[Key, Chance]) -> Seasons | None:
    """Return how far parts of the calendar lie from all of a reference; None where it has no time for it."""
    times = _times(table)
    if times is None:
        return None
    number = (times - times.min()).dt.days
    whole = Profile.of(table, specs)

    def differences(part: "pd.Series[int]") -> Differences:
        return _differences(whole, _profiles(table, specs, part), specs, chance)

    single = differences(number)
    regular, weeks = differences(times.dt.weekday), differences(number // 7)
    return Seasons(
        days={key: max(_usual(single[key]), _largest(regular[key]), _largest(weeks[key])) for key in chance},
        hours={key: _largest(found) for key, found in differences(times.dt.hour).items()},
    )


def _usual(found: Sequence[Difference]) -> float:
    """Return twice the standard deviation of differences beyond chance."""
    excess = [difference.value**2 - difference.chance.usual**2 for difference in found]
    return _DEVIATIONS * float(np.sqrt(max(float(np.mean(excess)), 0.0))) if excess else 0.0


def _largest(found: Sequence[Difference]) -> float:
    return max((_beyond(difference) for difference in found), default=0.0)


def _beyond(found: Difference) -> float:
    """Return what of a difference chance doesn't explain; nothing where it may explain all of it."""
    value, chance = found
    return float(np.sqrt(max(value**2 - chance.usual**2, 0.0))) if value > chance.rare else 0.0


def _times(table: pa.Table) -> "pd.Series[pd.Timestamp] | None":
    if bundle.TIME_COLUMN not in table.column_names:
        return None
    column = table.column(bundle.TIME_COLUMN)
    if not pa.types.is_timestamp(column.type) or column.null_count:
        return None
    times: pd.Series[pd.Timestamp] = column.to_pandas()
    return times if (times.max() - times.min()).days >= _LEAST_DAYS else None


def _profiles(table: pa.Table, specs: ProfileSpec, part: "pd.Series[int]") -> Iterator[Profile]:
    """Yield the profile of each part of the calendar that has rows enough."""
    counts = part.value_counts()
    for value in sorted(counts.index[counts >= _LEAST_ROWS]):
        yield Profile.of(table.filter(pa.array((part == value).to_numpy())), specs)


def _differences(
    whole: Profile, parts: Iterable[Profile], specs: ProfileSpec, chance: Mapping[Key, Chance]
) -> Differences:
    """Return each statistic of each part against the whole, with its size by chance at that many rows."""
    columns = dict.fromkeys(name for name, _ in chance)
    found: Differences = {key: [] for key in chance}
    for part in parts:
        # The part belongs to the whole, so its rows err less against it than new ones would.
        unit = float(np.sqrt(max(1 / part.rows - 1 / whole.rows, 0.0)))
        for name in columns:
            for statistic, distance in distances(whole, part, name, specs).items():
                usual, rare = chance[name, statistic]
                by_chance = Chance(usual * unit, rare * unit)
                found[name, statistic].append(Difference(distance.value, by_chance))
    return found
