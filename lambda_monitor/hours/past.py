"""Profiles of the hours before the end of a window, from the stored ledgers."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import accumulate, groupby

import msgspec

from contract.layout import HOUR
from lambda_monitor.hours.store import HourStore, stored_profile
from lambda_monitor.profiles.profile import Profile

# Hours per block: sums leave out whole blocks.
BLOCK, _DAY = 6, 24
_BLOCKS_PER_DAY = _DAY // BLOCK


class Past(msgspec.Struct, frozen=True, kw_only=True):
    """Profiles of hours and of blocks of six, counted back from `end`; hours without records have none."""

    end: datetime
    blocks: dict[int, Profile] = {}
    hours: dict[int, Profile] = {}

    def days(self, days: int) -> Profile | None:
        """Return the profile of the last `days`; None if half of the earliest has no record."""
        used = range(days * _BLOCKS_PER_DAY)
        if 2 * sum(number in self.blocks for number in used[-_BLOCKS_PER_DAY:]) < _BLOCKS_PER_DAY:
            return None
        return merged(self.blocks[number] for number in used if number in self.blocks)

    def week_before(self) -> Profile | None:
        """Return the profile of the seven days before the last one, None without records."""
        used = range(_BLOCKS_PER_DAY, 8 * _BLOCKS_PER_DAY)
        return merged(self.blocks[number] for number in used if number in self.blocks)

    def without_a_day(self, days: int) -> Iterator[Profile | None]:
        """Yield the profile of the last `days` without 24 hours of them, for each such 24 hours."""
        used = [self.blocks.get(number) for number in range(days * _BLOCKS_PER_DAY)]
        after = [None, *accumulate(used, _sum)]
        before = [None, *accumulate(reversed(used), _sum)][::-1]
        for first in range(len(used) - _BLOCKS_PER_DAY + 1):
            yield _sum(after[first], before[first + _BLOCKS_PER_DAY])

    def same_hours(self, lengths: Sequence[int], first: int, last: int) -> dict[int, Profile]:
        """Return the sums over the newest hours of the clock, on the days from `first` to `last` days ago.

        There is one sum per number of hours in `lengths`; a sum without records is left out.
        """
        found: dict[int, Profile] = {}
        total: Profile | None = None
        for number in range(max(lengths)):
            for day in range(first, last + 1):
                total = _sum(total, self.hours.get(_DAY * day + number))
            if number + 1 in lengths and total is not None:
                found[number + 1] = total
        return found

    def newest(self, least: int, within: int) -> tuple[int, Profile] | None:
        """Return the newest hours with at least `least` records, and how many hours they are.

        None if the last `within` hours have fewer.
        """
        found: Profile | None = None
        for number in range(within):
            found = _sum(found, self.hours.get(number))
            if found is not None and found.rows >= least:
                return number + 1, found
        return None


def read(store: HourStore, end: datetime, days: int) -> Past:
    """Return the profiles of the last `days` before `end`. Raises DamagedError."""
    hours: dict[int, Profile] = {}
    start = end - timedelta(days=days)
    for located in store.known_parts(start, end).parts:
        number = int((end - located.hour) / HOUR) - 1
        if located.part.records and located.part.profile and start <= located.hour:
            profile = stored_profile(located.partition, located.part)
            hours[number] = hours[number].merge(profile) if number in hours else profile
    blocks = {
        block: merged(hours[number] for number in numbers)
        for block, numbers in groupby(sorted(hours), key=lambda number: number // BLOCK)
    }
    return Past(end=end, blocks={b: p for b, p in blocks.items() if p is not None}, hours=hours)


def merged(profiles: Iterator[Profile]) -> Profile | None:
    """Return the sum of the profiles, None if there are none."""
    total: Profile | None = None
    for profile in profiles:
        total = _sum(total, profile)
    return total


def _sum(one: Profile | None, other: Profile | None) -> Profile | None:
    if one is None or other is None:
        return one if other is None else other
    return one.merge(other)
