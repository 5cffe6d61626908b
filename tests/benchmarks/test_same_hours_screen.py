"""Newest hours against the week before: the screen misses none, and the monitor decides the same."""

import re

import numpy as np

from benchmarks.alert_quality.drift import Drift, check_of
from benchmarks.by_chance import replay as replays
from benchmarks.by_chance.monitor import Monitor
from benchmarks.by_chance.pool import Pool
from benchmarks.by_chance.same_hours_screen import SameHoursScreen
from benchmarks.by_chance.series import WARM
from lambda_monitor.checks.over_time import DAY, Plan
from tests.benchmarks.odd_days import CHECKS, DAYS, ODD


def test_the_screen_of_newest_hours_finds_every_look_beyond_a_limit(
    pool: Pool, plan: Plan, drift: Drift
) -> None:
    looks, beyond = np.arange(WARM * DAY, DAYS * DAY), 0
    found, same_hours = SameHoursScreen(pool, plan).looks(drift.series.days), drift.same_hours
    for name in pool.sums.compared:
        for key in same_hours.statistics(name):
            ratio = np.zeros(len(looks))
            for hours in plan.same_hours:
                one = same_hours.measured(key, *same_hours.newest_and_week(looks, hours))
                np.maximum(ratio, same_hours.readings(one, hours).ratio, out=ratio)
            near = set(found.get(key, np.empty(0, int)).tolist())
            assert set(looks[ratio > 1].tolist()) <= near <= set(looks[ratio > 0.97].tolist()), key
            beyond += len(near)
    assert beyond > 50


def test_newest_hours_decide_in_the_first_hours_of_the_odd_day(drift: Drift, monitor: Monitor) -> None:
    looks, alerts, segments = np.arange(ODD * DAY, (ODD + 1) * DAY), 0, 0
    for check in CHECKS:
        keys = [key for key in drift.same_hours.statistics(check[1]) if check_of(key) == check]
        alone = looks[drift.same_hours.beyond(keys, looks, 1.0)]
        for look in alone[:1]:
            past = monitor.past(drift.series.hours(look - 28 * DAY, look))
            found = monitor.drift(past)[replays.named(check)]
            assert found.status == "alert"
            alone_decides = "against the same hours of the 7 days before" in found.sentence
            if alone_decides and check[0] == "drift.segment":
                assert "in the same hours of the 7 days before." in found.sentence
                (records,) = re.findall(r"on ([0-9,]+) records", found.sentence)
                assert f"({records} values)" in found.sentence
                segments += 1
            alerts += alone_decides
    assert alerts
    assert segments
