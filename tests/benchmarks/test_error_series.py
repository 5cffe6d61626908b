"""Evidence on the mean error over arrays of hours: the decisions of the monitor, days of a pool, episodes."""

from collections import Counter

import msgspec
import numpy as np
import pandas as pd
import pytest

from benchmarks.alert_quality import label_episodes
from benchmarks.alert_quality.error_series import ErrorSeries, still_open
from lambda_monitor.checks import error_hours
from lambda_monitor.checks.error_hours import Hours
from lambda_monitor.checks.mean_error import SEGMENT, WHOLE
from tests.lambda_monitor.checks.test_error_evidence import MODEL, decided, window
from tests.lambda_monitor.checks.test_performance import rows

DAY = 24
KEYS = {f"{WHOLE}: ": WHOLE, f"{SEGMENT}: PULocationID": f"{SEGMENT}: PULocationID"}


def frame(day: int, count: int, move: float, zone: int | None) -> pd.DataFrame:
    """Return the rows of `window` of that day."""
    made = rows(count, 100 + day).to_pandas()
    inside = 1.0 if zone is None else (made["PULocationID"] == zone).to_numpy()
    hour = DAY * day + np.arange(count) * DAY // count
    return made.assign(target=made["target"] + move * inside, hour=hour)


@pytest.mark.parametrize(
    ("moves", "count", "zone"),
    [
        ([0.0] * 14 + [2.0], 60, None),
        ([0.0] * 20 + [3.0] * 4, 10, None),
        ([1.05] * 10, 60, None),
        ([0.0] * 5 + [2.0] * 3, 150, 3),
        ([0.0] * 12, 150, None),
    ],
)
def test_the_series_decides_as_the_monitor_does(moves: list[float], count: int, zone: int | None) -> None:
    every = pd.concat([frame(day, count, move, zone) for day, move in enumerate(moves)], ignore_index=True)
    chosen = np.ones(len(every), bool)
    series = ErrorSeries.of(MODEL, every, every["hour"].to_numpy(), DAY * len(moves), chosen)
    ratios = series.ratios()
    results = [window(day, count, move, zone) for day, move in enumerate(moves)]
    skipped = [{k: msgspec.structs.replace(one, status="skipped") for k, one in results[-1].items()}]

    for key, found in decided([*results[:-1], *skipped]).items():
        ratio = float(ratios[KEYS[key]][-1])
        if found.value is None:
            assert ratio == 0
        else:
            assert found.ratio == pytest.approx(ratio, abs=1e-3)
            assert (found.status == "alert") == (ratio > 1)


def test_days_of_a_pool_keep_their_hours() -> None:
    every = pd.concat([frame(day, 48, 0.0, None) for day in range(3)], ignore_index=True)
    chosen = np.arange(len(every)) % 2 == 0
    series = ErrorSeries.of(MODEL, every, every["hour"].to_numpy(), 3 * DAY, chosen)
    drawn = series.of_days(np.array([2, 0]))

    assert series.hours.rows.sum() == 72
    assert drawn.hours.error.tolist() == [*series.hours.error[48:], *series.hours.error[:24]]
    zone = series.sides["PULocationID"]["3"]
    assert drawn.sides["PULocationID"]["3"].rows.tolist() == [*zone.rows[48:], *zone.rows[:24]]


def test_an_alert_stays_open_down_to_four_fifths() -> None:
    ratio = np.array([0.9, 1.1, 0.9, 0.81, 0.79, 0.9, 1.2])

    assert still_open(ratio).tolist() == [False, True, True, True, False, False, True]


def test_episodes_are_counted_by_year_and_share_and_moves_once() -> None:
    hours = Hours(np.full(30 * DAY, 40.0), np.zeros(30 * DAY), np.full(30 * DAY, 40.0))
    hours.error[28 * DAY : 29 * DAY], hours.loss[28 * DAY : 29 * DAY] = 40 * 0.9, 40 * 2.6
    series = ErrorSeries(hours, {}, error_hours.Reference(10_000, 1.0, 1.69), {})
    found = label_episodes.Ordinary()
    years = np.repeat([2018, 2019], [20 * DAY, 10 * DAY])
    for share in (1.0, 0.05):
        label_episodes._count(found, series, years, share)

    assert found.episodes == Counter({(2019, 1.0): 1, (2019, 0.05): 1})
    assert found.moves[2019, error_hours.HORIZONS[0]] == pytest.approx(0.9)
    found.hours.update({2018: 365 * DAY, 2019: 365 * DAY})
    table = label_episodes.lines([found, found])
    assert "| labels | 2018 (2.0 model-years) | 2019 (2.0 model-years) |" in table
    assert "| 100% | 0.00 | 1.00 |" in table
    assert "| 1, 8 | 0.42 | 0.00 | 0.90 |" in table
