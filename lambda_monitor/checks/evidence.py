"""Scheduled decisions: evidence over hours and days in place of one window.

Drift is looked for over the window, over the last 2 to 28 days and over the newest hours, these also against
the same hours of the week before (same_hours.py), each with a limit that holds for the rate of false alerts
per year (over_time.py). A longer horizon counts if it stays
near its limit without any 24 hours of it, and if the shorter ones do not contradict it. Checks that need
labels, and the estimated error, are decided from the reports of earlier days (days.py, error_evidence.py).
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from contract.layout import HOUR
from contract.timestamps import timestamp
from lambda_monitor.check_config import CheckConfig
from lambda_monitor.checks import days as earlier_days
from lambda_monitor.checks import drift, over_time
from lambda_monitor.checks.drift import Measured
from lambda_monitor.checks.over_time import DAY, Plan
from lambda_monitor.checks.same_hours import SameHours
from lambda_monitor.findings import CheckResult
from lambda_monitor.hours import past
from lambda_monitor.hours.athena import AthenaError
from lambda_monitor.hours.ledger import DamagedError
from lambda_monitor.hours.past import Past
from lambda_monitor.hours.rebuild import rebuilding
from lambda_monitor.hours.update import LedgerUpdater
from lambda_monitor.model import Model
from lambda_monitor.profiles.profile import Profile
from lambda_monitor.profiles.thresholds import LEAST_ROWS, Horizon
from lambda_monitor.wording import counted

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

DRIFT = frozenset({"drift.feature", "drift.prediction", drift.SEGMENT})
# An open alert ends below this share of its limit, so that it does not end and start again by chance.
STAYS_OPEN = 0.8
# Without its oddest 24 hours a horizon must still reach this share of its limit.
REST = 0.9
# Standard deviations of noise by which a shorter horizon may differ.
CONTRADICTS = 2.0
# Far more than rounding changes a product, far less than a report shows.
_ROUNDING = 1e-9


class Scheduled(msgspec.Struct, frozen=True, kw_only=True):
    """What a scheduled decision knows beside its window.

    `open` are the keys of checks that failed in the window before, `days` the ratios of value to limit
    of earlier days by key, newest first, `sums` those of labelled records in their reports. `faults` are
    results if earlier hours can't be read: then the window decides alone.
    """

    past: Past
    window_hours: int
    open: Sequence[str] = ()
    days: Mapping[str, Sequence[float]] = {}
    sums: Mapping[str, Sequence[Mapping[str, Any]]] = {}
    faults: Sequence[CheckResult] = ()


def read(
    s3: "S3Client",
    bucket: str,
    model: Model,
    updater: LedgerUpdater,
    start: datetime,
    end: datetime,
) -> Scheduled:
    """Return the hours and reports before the end of the scheduled window [start, end)."""
    ref = model.contract.model
    faults = []
    try:
        hours = rebuilding(updater, lambda: past.read(updater.store, end, max(over_time.DAYS)))
    except (AthenaError, DamagedError) as error:
        hours, faults = Past(end=end), [CheckResult.unreadable("monitor.evidence", error)]
    earlier = earlier_days.read(s3, bucket, ref, start, end)
    return Scheduled(
        past=hours,
        window_hours=max(int((end - start) / HOUR), 1),
        open=earlier_days.still_open(s3, bucket, ref, start, end),
        days=earlier.ratios,
        sums=earlier.sums,
        faults=faults,
    )


class _Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """Measured values over one horizon, the deciding one, and when the horizon starts in hours ago."""

    found: list[Measured]
    worst: Measured
    hours: int
    newest: bool = False
    same_hours: bool = False


def decide(
    model: Model, window: Profile, results: Sequence[CheckResult], known: Scheduled
) -> list[CheckResult]:
    """Return the results of a window, each drift check as the schedule decides it."""
    config = model.check_config
    plan = Plan.of(model.thresholds, config.false_alerts_per_year, config.seasonality, known.window_hours)
    sums = {h.days: p for h in plan.days if (p := known.past.days(h.days)) is not None}
    same_hours = SameHours(model, config, plan, known.past)
    decided = []
    for result in results:
        own = config.limit(result.name, result.columns, None) is not None
        if result.name not in DRIFT or own:
            decided.append(result)
            continue
        search = _Search(
            model=model,
            config=config,
            plan=plan,
            known=known,
            sums=sums,
            same_hours=same_hours,
            result=result,
        )
        decided.append(search.decided(window))
    return decided


class _Search(msgspec.Struct, frozen=True, kw_only=True):
    """The search of one check for a horizon beyond its limit."""

    model: Model
    config: CheckConfig
    plan: Plan
    known: Scheduled
    sums: dict[int, Profile]
    same_hours: SameHours
    result: CheckResult

    @property
    def _least(self) -> float:
        """The ratio of value to limit that counts: less if the alert is open."""
        return STAYS_OPEN if self.result.key in self.known.open else 1.0

    def decided(self, window: Profile) -> CheckResult:
        """Return the result by the horizon with the largest ratio of value to limit."""
        found = self._candidates(window)
        if not found:
            return self.result
        best = max(found, key=lambda one: one.worst.ratio)
        worst = best.worst
        if self._least < 1:
            # The limit shown is the one that counts.
            worst = msgspec.structs.replace(worst, limit=worst.limit * self._least)
        made = drift.result(self.model, self.result.name, self.result.columns[0], best.found, worst)
        start = self.known.past.end - best.hours * HOUR
        evidence = {
            "hours": best.hours,
            "since": timestamp(start),
            "window": {"value": self.result.value, "threshold": self.result.threshold},
        }
        sentence = f"{made.sentence} {self._words(best, timestamp(start))}"
        return msgspec.structs.replace(made, sentence=sentence, detail={**made.detail, "evidence": evidence})

    def _words(self, best: _Candidate, start: str) -> str:
        """Return over which hours the check was decided."""
        rows = f"{best.worst.rows:,} values"
        if best.newest:
            against = ", against the same hours of the 7 days before" if best.same_hours else ""
            return f"Decided over the newest {counted(best.hours, 'hour')} ({rows}){against}."
        days, rest = divmod(best.hours, DAY)
        length = counted(best.hours, "hour") if rest else counted(days, "day")
        return f"Decided over {length}, since {start} ({rows})."

    def _candidates(self, window: Profile) -> list[_Candidate]:
        hours = self.known.window_hours
        found = [self._candidate(window, self.plan.window, hours, []), self._newest(), self._same_hours()]
        shorter = [one.found for one in found[:1] if one is not None]
        for horizon in self.plan.days:
            if (profile := self.sums.get(horizon.days)) is None:
                continue
            candidate = self._candidate(profile, horizon, DAY * horizon.days, shorter)
            if candidate is not None:
                found.append(candidate)
                shorter.append(candidate.found)
        return [one for one in found if one is not None]

    def _measure(self, profile: Profile, horizon: Horizon) -> list[Measured]:
        check, column = self.result.name, self.result.columns[0]
        return drift.measure(self.model, profile, check, column, self.config, horizon)

    def _candidate(
        self, profile: Profile, horizon: Horizon, hours: int, shorter: Sequence[list[Measured]]
    ) -> _Candidate | None:
        """Return the deciding statistic over a horizon; one that does not count is at its limit at most."""
        found = self._measure(profile, horizon)
        if not found:
            return None
        counted = [
            one if self._counts(one, horizon, shorter) else _at_limit(one, self._least) for one in found
        ]
        return _Candidate(found=found, worst=max(counted, key=lambda one: one.ratio), hours=hours)

    def _newest(self) -> _Candidate | None:
        """Return the newest hours, if the reference knows how much hours of the day differ."""
        limits = self.model.thresholds.limits.get(self.result.columns[0], {})
        if self.result.name == drift.SEGMENT or any(limit.hours is None for limit in limits.values()):
            return None
        newest = self.known.past.newest(LEAST_ROWS, within=min(self.known.window_hours, DAY) // 2)
        if newest is None:
            return None
        hours, profile = newest
        found = self._measure(profile, self.plan.newest)
        if not found:
            return None
        worst = max(found, key=lambda one: one.ratio)
        return _Candidate(found=found, worst=worst, hours=hours, newest=True)

    def _same_hours(self) -> _Candidate | None:
        """Return the newest hours if they differ from the same hours of the week before."""
        one = self.same_hours.search(self.result.name, self.result.columns[0], self._least)
        if one is None:
            return None
        return _Candidate(found=one.found, worst=one.worst, hours=one.hours, newest=True, same_hours=True)

    def _counts(self, one: Measured, horizon: Horizon, shorter: Sequence[list[Measured]]) -> bool:
        """Return whether a statistic beyond its limit is more than one odd day, and still so."""
        if one.ratio <= self._least or horizon is self.plan.window:
            return True
        if any(_contradicts(other, one) for found in shorter for other in found if other.of == one.of):
            return False
        if self.config.seasonality == "count":
            return True
        for rest in self.known.past.without_a_day(horizon.days):
            again = [] if rest is None else self._measure(rest, horizon)
            if max((m.ratio for m in again if m.of == one.of), default=0.0) <= REST * self._least:
                return False
        return True


def _contradicts(shorter: Measured, longer: Measured) -> bool:
    """Return whether the newer hours show less than half of the change, beyond noise."""
    return shorter.value < longer.value / 2 - CONTRADICTS * shorter.noise


def _at_limit(one: Measured, least: float) -> Measured:
    """Return the value with a limit that it does not exceed, also after rounding."""
    if one.ratio <= least:
        return one
    return msgspec.structs.replace(one, limit=one.value / least * (1 + _ROUNDING))
