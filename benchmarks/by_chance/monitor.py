"""The monitor's own checks and decisions at looks of a pool, which the replay has to agree with."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby

import numpy as np

from benchmarks.alert_quality.hour_sums import Array
from benchmarks.by_chance.pool import Pool
from contract import bundle
from lambda_monitor.checks import columns, evidence
from lambda_monitor.checks.evidence import Scheduled
from lambda_monitor.checks.over_time import DAY
from lambda_monitor.findings import CheckResult
from lambda_monitor.hours.labelled import Truth
from lambda_monitor.hours.past import BLOCK, Past, merged
from lambda_monitor.lake.labels import Labels
from lambda_monitor.profiles.profile import Profile

_END = datetime(2020, 3, 1, tzinfo=UTC)


class Monitor:
    """The checks of the monitor on rows of a pool."""

    def __init__(self, pool: Pool) -> None:
        """Keep the profiles of hours that are asked for."""
        self.pool = pool
        self._profiles: dict[int, Profile] = {}

    def window(self, hours: Array, since: int) -> list[CheckResult]:
        """Return the results of one window of some hours, the first at hour `since` of a day."""
        model, rows = self.pool.model, self.pool.table(hours, since)
        truth = Truth(
            start=_END - timedelta(days=1),
            end=_END,
            records=len(rows),
            rows=rows,
            labels=Labels(table=rows.slice(0, 0), conflicts=0, bad_lines=0, unreadable=[]),
            outcomes=rows.column(bundle.PREDICTION_COLUMN),
        )
        found = columns.check_columns(model, model.profiler(rows))
        return [*found, *columns.check_performance(model, truth)]

    def past(self, hours: Array) -> Past:
        """Return what a scheduled run reads of some hours, the newest last."""
        numbered = dict(enumerate(self._profile(int(hour)) for hour in hours[::-1]))
        blocks = {
            block: merged(numbered[number] for number in numbers)
            for block, numbers in groupby(numbered, key=lambda number: number // BLOCK)
        }
        return Past(
            end=_END,
            blocks={block: profile for block, profile in blocks.items() if profile is not None},
            hours=numbered,
        )

    def drift(self, past: Past, still_open: Sequence[str] = ()) -> dict[str, CheckResult]:
        """Return the decisions on drift of a scheduled run, by key of the check."""
        window = past.days(1)
        if window is None:
            return {}
        results = columns.check_columns(self.pool.model, window)
        known = Scheduled(past=past, window_hours=DAY, open=still_open)
        decided = evidence.decide(self.pool.model, window, results, known)
        return {result.key: result for result in decided if result.name in evidence.DRIFT}

    def _profile(self, hour: int) -> Profile:
        if hour not in self._profiles:
            self._profiles[hour] = self.pool.model.profiler(self.pool.table(np.array([hour])))
        return self._profiles[hour]
