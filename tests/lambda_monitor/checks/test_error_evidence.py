"""Scheduled decisions on the mean error, from the sums of labelled records in reports."""

from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from lambda_monitor.check_config import CheckConfig, CheckOverride
from lambda_monitor.checks import columns, error_evidence
from lambda_monitor.checks import days as earlier_days
from lambda_monitor.checks.evidence import Scheduled
from lambda_monitor.checks.label_sums import SUMS
from lambda_monitor.checks.mean_error import SEGMENT, WHOLE, score_mean_error
from lambda_monitor.findings import CheckResult
from lambda_monitor.hours.past import Past
from lambda_monitor.lake.events import ARRIVED
from lambda_monitor.model import Model
from lambda_monitor.profiles import thresholds
from tests.lambda_monitor.checks.test_performance import CONTRACT, EVEN, rows
from tests.lambda_monitor.synthetic import LAYOUT, NOON, limits, profiler, reference

WHOLE_KEY, SEGMENT_KEY = f"{WHOLE}: ", f"{SEGMENT}: PULocationID"
FIRST = pd.Timestamp("2026-05-01")
MODEL = Model(
    contract=CONTRACT,
    reference=EVEN,
    profile_spec=LAYOUT,
    baseline=profiler(reference()),
    thresholds=thresholds.load(limits(5000)),
    check_config=CheckConfig(),
)


def window(day: int, count: int, move: float, zone: int | None = None) -> dict[str, CheckResult]:
    """Return the results of one day, whose targets moved by `move` minutes, or those of a zone."""
    table = rows(count, 100 + day)
    inside = np.ones(count) if zone is None else table.column("PULocationID").to_numpy() == zone
    target = table.column("target").to_numpy() + move * inside
    times = FIRST + pd.Timedelta(days=day) + pd.to_timedelta(np.arange(count) * 24 // count, unit="h")
    for name, values in (("target", target), (ARRIVED, times)):
        table = table.set_column(table.column_names.index(name), name, pa.array(values))
    scores = score_mean_error(CONTRACT, EVEN, table)
    return {one.key: one for one in (columns._scored(score, CheckConfig()) for score in scores)}


def decided(
    days: list[dict[str, CheckResult]], *, still_open: tuple[str, ...] = (), **known: Any
) -> dict[str, CheckResult]:
    """Return the decisions on the last of some days."""
    sums: dict[str, list[dict[str, Any]]] = {}
    for results in days[-2::-1]:
        for key, one in results.items():
            if SUMS in one.detail:
                sums.setdefault(key, []).append(one.detail[SUMS])
    scheduled = Scheduled(past=Past(end=NOON), window_hours=24, sums=sums, open=still_open)
    scheduled = msgspec.structs.replace(scheduled, **known)
    over_days = earlier_days.decide(CheckConfig(), list(days[-1].values()), {}, still_open)
    return {one.key: one for one in error_evidence.decide(MODEL, over_days, scheduled)}


def days(moves: list[float], count: int, zone: int | None = None) -> list[dict[str, CheckResult]]:
    return [window(number, count, move, zone) for number, move in enumerate(moves)]


def test_one_day_of_a_moved_target_is_an_alert_after_two_ordinary_weeks() -> None:
    made = days([0.0] * 14 + [2.0], 60)
    found = decided(made)[WHOLE_KEY]

    assert found.status == "alert"
    assert found.detail["evidence"]["hours"] == 24
    assert found.detail["evidence"]["since"] == "2026-05-15T00:00:00.000Z"
    alone = made[-1][WHOLE_KEY]
    assert found.detail["evidence"]["window"] == {"value": alone.value, "threshold": alone.threshold}
    assert found.detail["evidence"]["days"] == []
    assert found.sentence.startswith(
        "Predictions are too low: without its oddest 8 hours in a row and beyond"
    )
    assert "Decided over 1 day, since 2026-05-15T00:00:00.000Z (60 labelled records)." in found.sentence
    assert decided(made[-3:])[WHOLE_KEY].status == "ok", "no week before it"


def test_ordinary_days_and_by_few_labels_skipped_ones_are_ok() -> None:
    assert decided(days([0.0] * 15, 200))[WHOLE_KEY].status == "ok"
    found = decided(days([0.0] * 15, 10))[WHOLE_KEY]
    assert found.status == "ok"
    assert found.value is not None


def test_ten_labels_a_day_find_a_moved_target_in_some_days() -> None:
    made = days([0.0] * 20 + [3.0] * 4, 10)
    found = decided(made)[WHOLE_KEY]

    assert made[-1][WHOLE_KEY].status == "skipped"
    assert found.status == "alert"
    assert found.detail["evidence"]["hours"] in {48, 72}
    assert decided(made[-1:])[WHOLE_KEY].status == "skipped", "without earlier reports"


def test_days_find_a_segment_that_one_window_does_not() -> None:
    made = days([0.0] * 5 + [2.0] * 3, 150, zone=3)
    alone, found = made[-1][SEGMENT_KEY], decided(made)[SEGMENT_KEY]

    assert alone.status == "ok"
    assert found.status == "alert"
    assert found.detail["segment"] == "3"
    assert found.detail["evidence"]["hours"] > 24
    assert 'For PULocationID = "3", against the other records, the mean error moved by' in found.sentence
    assert decided(days([0.0] * 8, 150))[SEGMENT_KEY].status == "ok"


def test_windows_that_overlap_count_once() -> None:
    made = days([0.0] * 5 + [2.0] * 2, 150, zone=3)
    once = decided(made)
    twice = decided([one for one in made for _ in (1, 2)])

    assert {key: one.value for key, one in once.items()} == {key: one.value for key, one in twice.items()}


def test_an_open_alert_ends_below_four_fifths_of_its_limit() -> None:
    made = days([1.05] * 10, 60)
    closed, still_open = (decided(made, still_open=keys)[WHOLE_KEY] for keys in ((), (WHOLE_KEY,)))

    assert (closed.status, still_open.status) == ("ok", "alert")
    assert still_open.value is not None
    assert still_open.threshold is not None
    assert still_open.value > still_open.threshold


@pytest.mark.parametrize("how", ["limit", "hours"])
def test_users_limits_and_short_windows_decide_alone(how: str) -> None:
    made = days([0.0] * 14 + [2.6], 200)
    if how == "hours":
        assert "hours" not in decided(made, window_hours=6)[WHOLE_KEY].detail["evidence"]
        return
    own = CheckConfig(checks={WHOLE: CheckOverride(threshold=5.0)})
    known = Scheduled(past=Past(end=NOON), window_hours=24)
    mine = msgspec.structs.replace(MODEL, check_config=own)
    assert error_evidence.decide(mine, [made[-1][WHOLE_KEY]], known) == [made[-1][WHOLE_KEY]]


def test_sums_per_hour_add_up_to_those_of_the_window() -> None:
    sums = window(0, 200, 0.0)[WHOLE_KEY].detail[SUMS]

    assert sums["since"] == FIRST.value // (3600 * 10**9)
    assert len(sums["rows"]) == len(sums["error"]) == len(sums["loss"]) == 24
    assert sum(sums["rows"]) == 200
    assert sum(sums["loss"]) / 200 == pytest.approx(1, abs=0.4)
    levels = window(0, 200, 0.0)[SEGMENT_KEY].detail[SUMS]
    assert (levels["since"], levels["until"]) == (sums["since"], sums["since"] + 24)
    assert sum(rows for rows, _ in levels["levels"].values()) == levels["rows"] == 200
    assert sum(error for _, error in levels["levels"].values()) == pytest.approx(sum(sums["error"]), abs=0.01)
