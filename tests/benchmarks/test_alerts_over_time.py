"""The replay decides as the monitor does, keeps its rate by chance, and reports a drift of days only."""

from itertools import groupby
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from benchmarks.alert_quality import decisions
from benchmarks.alert_quality.hour_sums import HourSums
from contract import bundle
from lambda_monitor.check_config import CheckConfig
from lambda_monitor.checks import columns, evidence
from lambda_monitor.checks.evidence import Scheduled
from lambda_monitor.checks.over_time import Plan
from lambda_monitor.hours.past import BLOCK, Past, merged
from lambda_monitor.model import Model
from lambda_monitor.profiles import thresholds
from tests.lambda_monitor.synthetic import (
    LAYOUT,
    NOON,
    contract,
    limits,
    predict,
    profiler,
    reference,
    synthetic_rides,
)

PER_HOUR = 40


@pytest.fixture(scope="module")
def model() -> Model:
    return Model(
        contract=contract(),
        reference=reference(),
        profile_spec=LAYOUT,
        baseline=profiler(reference()),
        thresholds=thresholds.load(limits(5000)),
        check_config=CheckConfig(),
    )


@pytest.fixture(scope="module")
def hours(model: Model) -> HourSums:
    watched: Any = SimpleNamespace(model=model, reference=reference().to_pandas())
    return HourSums(watched)


def rides(count: int, seed: int, stretch: float = 1.0) -> pd.DataFrame:
    frame = synthetic_rides(count, seed=seed, stretch=stretch).rename(columns={"duration": "target"})
    return frame.assign(**{bundle.PREDICTION_COLUMN: predict(frame["trip_distance"].to_numpy())})


def sums(hours: HourSums, *parts: pd.DataFrame) -> np.ndarray:
    """Return the sums of consecutive hours with PER_HOUR rides each."""
    added = hours.rows(pd.concat(parts, ignore_index=True)).astype(float)
    return added.reshape(-1, PER_HOUR, added.shape[1]).sum(axis=1)


def plan(model: Model, rate: float = 0.1) -> Plan:
    return Plan.of(model.thresholds, rate, "ignore", 24)


@pytest.mark.parametrize(
    ("before", "stretch", "after"), [(10, 1.0, 0), (10, 1.16, 1), (6, 1.13, 8), (7, 1.5, 1)]
)
def test_the_replay_decides_as_the_monitor_does(
    model: Model, hours: HourSums, before: int, stretch: float, after: int
) -> None:
    parts = [rides(24 * PER_HOUR * before, 1), rides(24 * PER_HOUR * after, 2, stretch)]
    rows = pd.concat(parts, ignore_index=True)
    table = pa.Table.from_pandas(rows, preserve_index=False)
    profiles = [profiler(table.slice(n, PER_HOUR)) for n in range(0, len(rows), PER_HOUR)][::-1]
    numbers = groupby(range(len(profiles)), key=lambda number: number // BLOCK)
    blocks = {block: merged(profiles[n] for n in found) for block, found in numbers}
    known = Past(
        end=NOON,
        blocks={b: p for b, p in blocks.items() if p is not None},
        hours=dict(enumerate(profiles)),
    )
    window = known.days(1)
    assert window is not None
    results = evidence.decide(
        model, window, columns.check_columns(model, window), Scheduled(past=known, window_hours=24)
    )
    monitor = any(r.status == "alert" for r in results if r.name in evidence.DRIFT)

    replay = decisions.drift(hours, sums(hours, *parts), plan(model), step=24)
    assert bool(replay[-1]) == monitor


def test_the_rate_by_chance_is_kept(model: Model, hours: HourSums) -> None:
    """Resampled days of the reference's own kind: no episode in three years."""
    pool = sums(hours, rides(24 * PER_HOUR * 120, 3))
    days = np.random.default_rng(4).integers(0, 120, 3 * 365) * 24
    drawn = pool[(days[:, None] + np.arange(24)).ravel()]

    assert decisions.episodes(decisions.drift(hours, drawn, plan(model), step=3)) == 0


def test_an_odd_day_is_no_episode_and_odd_days_in_a_row_are_one(model: Model, hours: HourSums) -> None:
    day, odd = 24 * PER_HOUR, 1.14

    def episodes(length: int) -> int:
        found = sums(hours, rides(day * 14, 5), rides(day * length, 6, odd), rides(day * 7, 7))
        return decisions.episodes(decisions.drift(hours, found, plan(model), step=3))

    assert episodes(0) == 0
    assert episodes(1) == 0
    assert episodes(4) == 1


def test_without_the_cap_on_days_an_odd_day_would_be_an_episode(
    model: Model, hours: HourSums, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The case above has the power to fail: the cap is what makes it pass."""
    monkeypatch.setattr(evidence, "REST", 0.0)
    monkeypatch.setattr(evidence, "CONTRADICTS", 100.0)
    day = 24 * PER_HOUR
    found = sums(hours, rides(day * 14, 5), rides(day, 6, 1.2), rides(day * 7, 7))

    assert decisions.episodes(decisions.drift(hours, found, plan(model), step=3)) >= 1


def test_an_alert_starts_once_and_its_delay_is_counted_from_the_change() -> None:
    alert = np.array([False, True, True, False, True, False, False])

    assert decisions.episodes(alert) == 2
    assert decisions.first_alert(alert, 2) == 2
    assert decisions.first_alert(alert, 4) is None
