"""Performance checks: ordinary days are ok, a larger error is an alert."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from contract.schema import Contract
from lambda_monitor.checks.performance import score_labelled
from lambda_monitor.checks.score import Score
from lambda_monitor.lake.events import ARRIVED
from tests.lambda_monitor.synthetic import contract

CONTRACT = contract(segments=["PULocationID"])
DAYS, A_DAY = 30, 200


def rows(
    count: int,
    seed: int,
    *,
    error: float = 2.0,
    days: np.ndarray | None = None,
    zone: float = 1.0,
    spread: int = DAYS,
) -> pa.Table:
    """Return labelled rides of `spread` days; `days` multiplies each day's error, `zone` that of zone 1."""
    rng = np.random.default_rng(seed)
    predicted = rng.gamma(2.0, 5.0, count) + 1
    zones = rng.integers(1, 6, count)
    time = pd.Timestamp("2026-03-01") + pd.to_timedelta(np.arange(count) % spread, unit="D")
    stretch = np.ones(count) if days is None else days[np.arange(count) % spread]
    stretch = stretch * np.where(zones == 1, zone, 1.0)
    return pa.table(
        {
            "PULocationID": zones,
            "prediction": predicted,
            "target": predicted + rng.normal(0, error, count) * stretch,
            "time": pa.array(time),
            ARRIVED: pa.array(time),
        }
    )


def scores(reference: pa.Table, current: pa.Table, declared: Contract = CONTRACT) -> dict[str, Score]:
    return {score.name: score for score in score_labelled(declared, reference, current, records=len(current))}


def alerts(reference: pa.Table, current: pa.Table) -> set[str]:
    return {
        score.name
        for score in scores(reference, current).values()
        if score.value is not None and score.threshold is not None and score.value > score.threshold
    }


EVEN = rows(DAYS * A_DAY, 1)


def test_windows_like_the_reference_are_ok() -> None:
    assert [seed for seed in range(300) if alerts(EVEN, rows(500, 100 + seed))] == []


@pytest.mark.parametrize("worse", [1.5, 2.0])
def test_a_larger_error_is_an_alert(worse: float) -> None:
    alerted = [
        seed for seed in range(50) if "performance" in alerts(EVEN, rows(1_000, seed, error=2 * worse))
    ]
    assert len(alerted) >= 48


def test_a_segment_with_a_larger_error_is_named() -> None:
    found = scores(EVEN, rows(2_000, 9, zone=2.0))["performance.segment"]
    assert found.value is not None
    assert found.threshold is not None
    assert found.value > found.threshold
    assert found.detail["segment"] == "1"


def test_days_may_differ_as_much_as_those_of_the_reference() -> None:
    days = np.exp(np.random.default_rng(5).normal(0, 0.3, DAYS))
    uneven = rows(DAYS * A_DAY, 1, days=days)
    # The error of one of the reference's bad days is an alert only if the reference's days are alike.
    bad = rows(1_000, 7, error=2 * float(np.quantile(days, 0.95)), spread=1)
    assert "performance" in alerts(EVEN, bad)
    assert alerts(uneven, bad) == set()
    assert "performance" in alerts(uneven, rows(500, 8, error=8.0, spread=1))


def test_the_same_error_on_many_days_is_an_alert() -> None:
    days = np.exp(np.random.default_rng(5).normal(0, 0.3, DAYS))
    uneven = rows(DAYS * A_DAY, 1, days=days)
    error = 2 * float(np.quantile(days, 0.95))
    assert alerts(uneven, rows(1_000, 7, error=error, spread=1)) == set()
    assert "performance" in alerts(uneven, rows(1_000, 7, error=error))


def test_one_bad_day_of_several_is_no_alert() -> None:
    storm = np.array([4.0, 1.0, 1.0, 1.0, 1.0])
    found = scores(EVEN, rows(1_000, 3, days=storm, spread=5))["performance"]
    assert found.value > 2.0 * 1.3
    assert found.value < found.threshold
    assert found.sentence.endswith("Without one bad day, 2026-03-01, it is within its limit.")
    lasting = np.array([1.0, *[2.0] * 4])
    assert "performance" in alerts(EVEN, rows(1_000, 3, days=lasting, spread=5))


@pytest.mark.parametrize("column", [None, pa.nulls(DAYS * A_DAY, pa.timestamp("us")), [1] * (DAYS * A_DAY)])
def test_a_reference_without_time_allows_a_third(column: object) -> None:
    plain = EVEN.drop_columns(["time"])
    timed = (
        plain
        if column is None
        else plain.append_column("time", column if isinstance(column, pa.Array) else [column])
    )
    [limit] = {scores(table, rows(500, 7))["performance"].threshold for table in (plain, timed)}
    assert limit is not None
    assert 2.0 * 1.3 < limit < 2.0 * 1.55
