"""Drift of the newest hours against the same hours of the clock on the seven days before.

Nights differ from days more than most drifts, so a few hours can't be compared with a whole reference. The
same hours of successive days are alike: a sender that breaks shows within an hour if there are enough
records. Compared are the ranks of a numeric column (Mann and Whitney 1947, with limits of over_time.py), the
largest change of one level's share, and the mean prediction of each segment.

A change counts if it is more than twice the same comparison on each of the fourteen days before:
hours that differ between days, such as those of a weekend, are no drift. It does not count if the week before
itself differs from the reference: the end of a drift is none.
"""

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

import msgspec

from lambda_monitor import wording
from lambda_monitor.check_config import CheckConfig
from lambda_monitor.checks import drift
from lambda_monitor.checks.drift import Measured
from lambda_monitor.checks.minimum import LEAST
from lambda_monitor.checks.over_time import DAY, LENGTHS, WEEK, Plan, limits_of
from lambda_monitor.hours.past import Past
from lambda_monitor.profiles import segments
from lambda_monitor.profiles.distances import LEVEL, RANK, Distance, distances, rank
from lambda_monitor.profiles.profile import Profile
from lambda_monitor.profiles.thresholds import LEAST_ROWS, Limit, Seasonality

if TYPE_CHECKING:
    from lambda_monitor.model import Model

# Days on which the comparison is repeated, and how many of them must have records.
EARLIER, LEAST_EARLIER = 14, 7
# Multiple of the largest earlier change.
ODD = 2.0
# Least values of the same hours of the week, and of one earlier day.
LEAST_WEEK, LEAST_DAY = 2 * LEAST_ROWS, segments.LEAST_ROWS

Pairs = dict[int, tuple[Profile, Profile]]


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """A change of the newest hours beyond its limit, and all values measured over as many hours."""

    found: list[Measured]
    worst: Measured
    hours: int


class SameHours:
    """The comparison of hours with those of the week before, for all checks of a run."""

    def __init__(self, model: "Model", config: CheckConfig, plan: Plan, past: Past) -> None:
        """Keep what is needed; profiles are summed at their first use."""
        self._model, self._config, self._plan, self._past = model, config, plan, past
        self._pairs: dict[int, Pairs] = {}

    def search(self, check: str, column: str, least: float) -> Found | None:
        """Return the largest change of a column beyond `least` times its limit, None if there is none."""
        best: Found | None = None
        for hours, (now, week) in self._of_day(0).items():
            found = list(self._measured(check, column, hours, now, week, LEAST[check]))
            beyond = [one for one in found if one.ratio > least and self._lasts(check, column, hours, one)]
            worst = max(beyond, key=lambda one: one.ratio, default=None)
            if worst is not None and (best is None or worst.ratio > best.worst.ratio):
                best = Found(found=found, worst=worst, hours=hours)
        return best

    def _of_day(self, day: int) -> Pairs:
        """Return the hours that end `day` days before the end, and those of the whole week before them."""
        if day not in self._pairs:
            now = self._past.same_hours(LENGTHS, day, day)
            week = self._past.same_hours(LENGTHS, day + 1, day + WEEK)
            known = max(self._past.hours, default=-1) + 1 - DAY * (day + WEEK)
            self._pairs[day] = {
                hours: (now[hours], week[hours]) for hours in now if hours in week and hours <= known
            }
        return self._pairs[day]

    def _measured(
        self, check: str, column: str, hours: int, now: Profile, week: Profile, least: int
    ) -> Iterator[Measured]:
        """Yield what is compared of a column, with limits; nothing below the least values."""
        if check == drift.SEGMENT:
            yield from self._segments(column, hours, now, week)
            return
        rows, before = drift.count(now, column), drift.count(week, column)
        if rows < least or before < LEAST_WEEK:
            return
        limits = limits_of(self._model.thresholds, column, self._plan.same_hours[hours])
        if column in now.numeric and RANK in limits:
            numeric = (one.numeric[column] for one in (self._model.baseline, week, now))
            yield self._made(RANK, rank(*numeric), limits[RANK], hours, rows, before)
        elif column in now.categorical and LEVEL in limits:
            level = partial(wording.level, self._model.contract, column)
            found = distances(week, now, column, self._model.profile_spec, level)
            yield self._made(LEVEL, found[LEVEL], limits[LEVEL], hours, rows, before)

    def _made(
        self, statistic: str, distance: Distance, limit: Limit, hours: int, rows: int, before: int
    ) -> Measured:
        return Measured(
            of=statistic,
            value=distance.value,
            limit=limit.at(rows, before, self._seasonality, self._plan.same_hours[hours]),
            noise=limit.deviation(rows, before),
            rows=rows,
            words=distance.words,
        )

    def _segments(self, column: str, hours: int, now: Profile, week: Profile) -> Iterator[Measured]:
        limit = self._model.thresholds.segments[column]
        for shift in segments.shifts(week.segments, now.segments, column):
            rows, before = shift.now.count, shift.before.count
            yield Measured(
                of=shift.level,
                value=shift.value,
                limit=limit.at(rows, before, self._seasonality, self._plan.same_hours[hours]),
                noise=limit.deviation(rows, before),
                rows=rows,
                shift=shift,
                before="in the same hours of the 7 days before",
            )

    @property
    def _seasonality(self) -> Seasonality:
        """Hours of the day do not differ in this comparison."""
        return "count" if self._config.seasonality == "count" else "ignore"

    def _lasts(self, check: str, column: str, hours: int, one: Measured) -> bool:
        """Return whether a change is larger than ordinary days show, and the week before has no drift."""
        if self._config.seasonality != "count":
            earlier = self._earlier(check, column, hours, one.of)
            if len(earlier) < LEAST_EARLIER or one.value <= ODD * max(earlier):
                return False
        return not self._week_drifted(check, column)

    def _earlier(self, check: str, column: str, hours: int, of: str) -> list[float]:
        """Return the same value on each earlier day that has it."""
        found = []
        for day in range(1, EARLIER + 1):
            if (pair := self._of_day(day).get(hours)) is not None:
                made = self._measured(check, column, hours, *pair, LEAST_DAY)
                found += [one.value for one in made if one.of == of]
        return found

    def _week_drifted(self, check: str, column: str) -> bool:
        """Return whether the week before the newest day differs from the reference."""
        week = self._past.week_before()
        if week is None:
            return True
        found = drift.measure(self._model, week, check, column, self._config, self._plan.week)
        return any(one.ratio > 1 for one in found)
