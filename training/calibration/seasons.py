"""Natural change between days, weeks and hours of the reference.

A window of one day has a single weekday, a window of one hour may lie at night. The reference's rows of
each weekday, week and hour of the day are compared with the whole reference. The largest difference
beyond noise is natural change, and so are two standard deviations of single days beyond noise.
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

# Least reference rows of a calendar part.
_LEAST_ROWS = 50
# Least days: each weekday at least twice, to separate weekdays from single days.
_LEAST_DAYS = 14
_DEVIATIONS = 2

Key = tuple[str, str]
Changes = dict[Key, float]


class Chance(NamedTuple):
    """Size of a statistic without drift, in units of sqrt(1/n + 1/m).

    `usual` is the root mean square, `rare` a high quantile.
    """

    usual: float
    rare: float


class Difference(NamedTuple):
    """Distance of a calendar part from the whole reference, and its noise."""

    value: float
    chance: Chance


Differences = dict[Key, list[Difference]]


class Seasons(NamedTuple):
    """Natural change of each statistic between days, between hours, and between weeks."""

    days: Changes
    hours: Changes
    weeks: Changes


def natural(table: pa.Table, specs: ProfileSpec, chance: Mapping[Key, Chance]) -> Seasons | None:
    """Return the natural change of each statistic of a reference.

    None where the reference has no time column or spans fewer than two weeks.
    """
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
        # Over two weeks or more, the differences of single weeks shrink.
        weeks={key: _usual(weeks[key]) / float(np.sqrt(2)) for key in chance},
    )


def _usual(found: Sequence[Difference]) -> float:
    """Return two standard deviations of the differences beyond noise."""
    excess = [difference.value**2 - difference.chance.usual**2 for difference in found]
    return _DEVIATIONS * float(np.sqrt(max(float(np.mean(excess)), 0.0))) if excess else 0.0


def _largest(found: Sequence[Difference]) -> float:
    return max((_beyond(difference) for difference in found), default=0.0)


def _beyond(found: Difference) -> float:
    """Return the part of a difference beyond noise, 0 within it."""
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
    """Yield the profile of each calendar part with enough rows."""
    counts = part.value_counts()
    for value in sorted(counts.index[counts >= _LEAST_ROWS]):
        yield Profile.of(table.filter(pa.array((part == value).to_numpy())), specs)


def _differences(
    whole: Profile, parts: Iterable[Profile], specs: ProfileSpec, chance: Mapping[Key, Chance]
) -> Differences:
    """Return each statistic of each part against the whole, with its noise."""
    columns = dict.fromkeys(name for name, _ in chance)
    found: Differences = {key: [] for key in chance}
    for part in parts:
        # The part belongs to the whole, so its error against it is smaller than a new sample's.
        unit = float(np.sqrt(max(1 / part.rows - 1 / whole.rows, 0.0)))
        for name in columns:
            for statistic, distance in distances(whole, part, name, specs).items():
                usual, rare = chance[name, statistic]
                by_chance = Chance(usual * unit, rare * unit)
                found[name, statistic].append(Difference(distance.value, by_chance))
    return found
