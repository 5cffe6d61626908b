"""The replay by chance decides as the monitor does, finds every look beyond a limit, and counts episodes."""

from collections import Counter

import numpy as np
import pytest

from benchmarks import false_alarms
from benchmarks.alert_quality.drift import Drift, check_of
from benchmarks.alert_quality.hour_sums import limited
from benchmarks.by_chance import replay as replays
from benchmarks.by_chance.labels import Labels
from benchmarks.by_chance.monitor import Monitor
from benchmarks.by_chance.pool import Pool
from benchmarks.by_chance.replay import Replay
from benchmarks.by_chance.same_hours_screen import SameHoursScreen
from benchmarks.by_chance.screen import Screen
from benchmarks.by_chance.series import WARM
from benchmarks.by_chance.shares import Shares
from benchmarks.by_chance.two_days import TwoDays
from benchmarks.by_chance.window_alerts import WindowAlerts, by_days
from lambda_monitor.check_config import CheckConfig
from lambda_monitor.checks import days, evidence
from lambda_monitor.checks.over_time import DAY, Plan, for_statistic
from lambda_monitor.findings import CheckResult
from lambda_monitor.profiles.thresholds import Horizon
from tests.benchmarks.odd_days import CHECKS, DAYS, ODD, UNFAIR, WEEK

# Checks on a window that the odd day sets off.
ALERTING = {
    "performance",
    "performance.mean_error",
    "performance.segment",
    "performance.segment_mean_error",
    "bias.error",
    "bias.prediction_rate",
    "drift.target",
    "quality.range",
    "quality.categories",
    "outliers",
}


def test_every_check_on_a_window_is_that_of_the_monitor(pool: Pool, monitor: Monitor) -> None:
    """Windows of two days that do not follow each other, with and without odd ones."""
    labels, shares, alerting = Labels(pool), Shares(pool), set()
    rng = np.random.default_rng(1)
    for number in range(48):
        first, second, hour = (int(n) for n in rng.integers(0, [DAYS, DAYS, DAY]))
        first = {0: ODD, 1: UNFAIR}.get(number % 6, first)
        second = {2: ODD, 3: UNFAIR}.get(number % 6, second)
        hours = np.concatenate(
            [np.arange(first * DAY + hour, (first + 1) * DAY), second * DAY + np.arange(hour)]
        )
        found = {result.key.removesuffix(": "): result for result in monitor.window(hours, hour)}
        alerting |= {result.name for result in found.values() if result.status == "alert"}

        at = first, np.array([second]), np.array([hour])
        ratios = dict(labels.ratios(TwoDays.of(labels.before, *at)))
        ratios["drift.target: target"] = pool.sums.target(TwoDays.of(pool.before, *at).both)
        for name, ratio in ratios.items():
            expected = found.pop(name).ratio
            assert ratio[0] == pytest.approx(
                np.nan if expected is None else expected, abs=2e-5, nan_ok=True
            ), name
        for name, alert in shares.alerts(TwoDays.of(shares.before, *at)):
            # Ranges and outliers are of numbers, categories of categories.
            result = found.pop(name, None)
            assert alert[0] == (result is not None and result.status == "alert"), name
        assert {name.partition(":")[0] for name in found} <= evidence.DRIFT
    assert alerting >= ALERTING


def test_drift_is_decided_as_by_the_monitor(drift: Drift, monitor: Monitor) -> None:
    """At looks before, during and after odd days, with alerts open and without."""
    decisions = alerts = 0
    for look in [*range(ODD * DAY + 5, (ODD + 3) * DAY, 23), *range(WEEK[1] * DAY, DAYS * DAY, 31)]:
        past = monitor.past(drift.series.hours(look - 28 * DAY, look))
        for least in (1.0, evidence.STAYS_OPEN):
            keys = [replays.named(check) for check in CHECKS] if least < 1 else []
            found = monitor.drift(past, keys)
            assert set(found) == {replays.named(check) for check in CHECKS}
            for check in CHECKS:
                alert = bool(drift.alerts(check, np.array([look]), least)[0])
                assert alert == (found[replays.named(check)].status == "alert"), (check, look, least)
                decisions, alerts = decisions + 1, alerts + alert
    assert decisions > 250
    assert alerts > 25


def test_the_screen_finds_every_look_beyond_a_limit_and_few_others(
    pool: Pool, plan: Plan, drift: Drift
) -> None:
    looks = np.arange(WARM * DAY, DAYS * DAY)
    found = Screen(pool, plan).looks(drift.series.days, drift.newest_starts(looks))
    beyond = 0
    for horizon in [plan.window, *plan.days]:
        sums = drift.series.between(looks - DAY * horizon.days, looks)
        for key, one in pool.sums.readings(sums, horizon).items():
            near = set(found.get((horizon, key), np.empty(0, int)).tolist())
            assert set(looks[one.ratio > 1].tolist()) <= near <= set(looks[one.ratio > 0.97].tolist())
            beyond += len(near)
    for check in CHECKS[:5]:
        kept = [at for (horizon, key), at in found.items() if horizon.part_of_day and check_of(key) == check]
        near = set(np.concatenate([*kept, np.empty(0, int)]).astype(int).tolist())
        assert set(looks[drift.newest(check, looks) > 1].tolist()) <= near
    assert beyond > 500


def test_limits_of_arrays_are_those_of_the_monitor(pool: Pool, plan: Plan) -> None:
    model = pool.model
    rows = np.array([100, 333, 1_000, 12_345])
    of = model.thresholds.reference_rows
    for limits in model.thresholds.limits.values():
        for statistic, limit in limits.items():
            for horizon in [Horizon(), plan.window, *plan.days, plan.newest]:
                found = limited(limit, np.ones(4), rows, of, horizon, statistic)
                at = for_statistic(horizon, statistic)
                expected = [limit.at(int(n), of, "ignore", at) for n in rows]
                assert found.limit == pytest.approx(expected)
                assert found.noise == pytest.approx([limit.deviation(int(n), of) for n in rows])


def test_an_alert_is_followed_until_its_evidence_ends(pool: Pool, plan: Plan, drift: Drift) -> None:
    screens = Screen(pool, plan), SameHoursScreen(pool, plan)
    replay = Replay(pool, plan, screens[0], WindowAlerts(), pool.errors(), screens[1])
    found = replay.drift(drift.series)
    looks = np.arange(WARM * DAY, DAYS * DAY)
    starts, stays = (drift.alerts(CHECKS[0], looks, least) for least in (1.0, evidence.STAYS_OPEN))
    is_open = np.zeros(len(looks), bool)
    for at in range(len(looks)):
        is_open[at] = stays[at] if is_open[at - 1] else starts[at]
    expected = replays.intervals(is_open, WARM * DAY)
    assert found["drift.feature: trip_distance"] == expected
    assert expected


def test_decisions_by_days_are_those_of_the_monitor() -> None:
    rng = np.random.default_rng(2)
    ratio = rng.gamma(20, 0.045, DAY * 60)
    ratio[rng.random(len(ratio)) < 0.01] = np.nan
    found, is_open = by_days(ratio), False
    for look, value in enumerate(ratio):
        earlier: list[float] = []
        for one in [ratio[at] for at in range(look - DAY, -1, -DAY)][: days.EARLIER]:
            if np.isnan(one):
                break
            earlier.append(float(one))
        result = CheckResult.above("performance", value, 1.0, "")
        if np.isnan(value):
            result = CheckResult.skipped("performance", "")
        still_open = [result.key] if is_open else []
        [decided] = days.decide(CheckConfig(), [result], {result.key: earlier}, still_open)
        is_open = decided.status == "alert"
        assert found[look] == is_open
    assert found.any()
    assert (ratio > 1).sum() > found.sum()


def test_alerts_of_several_checks_at_the_same_time_are_one_episode() -> None:
    alert = np.array([False, True, True, False, True])
    assert replays.intervals(alert, 10) == [(11, 13), (14, 15)]
    assert replays.together([[(11, 13), (20, 22)], [(12, 18)], [(18, 19)]]) == [(11, 19), (20, 22)]
    assert replays.together([]) == []
    assert replays.needs_labels("performance.segment: area")
    assert not replays.needs_labels("performance.estimate")


def test_the_figures_have_every_check_and_the_interval_of_the_count(pool: Pool, plan: Plan) -> None:
    windows = WindowAlerts.of(pool)
    screens = Screen(pool, plan), SameHoursScreen(pool, plan)
    replay = Replay(pool, plan, screens[0], windows, pool.errors(), screens[1])
    found = replay.episodes(3, 1)
    # A long alert on labels joins shorter ones of other checks, so all checks may have fewer episodes.
    assert min(found[replays.ALL], found[replays.UNLABELLED]) > 0
    assert found["performance.mean_error"]
    assert found["quality.categories: PULocationID"]

    lines = false_alarms.table(replay, Counter({"outliers: trip_distance": 3, replays.ALL: 3}), 100)
    shown = {line.split("|")[1].strip(" `*"): line for line in lines}
    assert "| 3 | 0.0300 | 0.0062 to 0.0877 |" in shown["outliers"]
    assert "| 0 | 0.0000 | 0.0000 to 0.0369 |" in shown["bias.error"]
    assert "| 3 | 0.0300 |" in shown["all checks"]
    assert set(shown) >= {*evidence.DRIFT, *ALERTING, "performance.estimate", "quality.missing", "outliers"}
