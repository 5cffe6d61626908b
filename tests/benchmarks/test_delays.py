"""Delays on drawn hours: the rides of a stream, broken senders, labels by days, other rules."""

from collections import Counter
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks.alert_quality import delays, label_delays, odd_values, over_time, same_days, shifts, taxi
from benchmarks.alert_quality.hour_sums import HourSums
from benchmarks.alert_quality.streams import BEFORE, Stream
from contract import bundle
from lambda_monitor.check_config import CheckConfig
from lambda_monitor.findings import CheckResult
from lambda_monitor.model import Model
from lambda_monitor.profiles import thresholds
from tests.lambda_monitor.synthetic import (
    LAYOUT,
    contract,
    limits,
    predict,
    profiler,
    reference,
    synthetic_rides,
)

LABEL = "every trip_distance longer, 0.5 sd of its logarithm"


@pytest.fixture(scope="module")
def stream() -> Stream:
    """Return a stream of synthetic rides whose hours of the day differ in number."""
    model = Model(
        contract=contract(),
        reference=reference(),
        profile_spec=LAYOUT,
        baseline=profiler(reference()),
        thresholds=thresholds.load(limits(5000)),
        check_config=CheckConfig(),
    )

    def predicted(rows: pd.DataFrame) -> pd.DataFrame:
        return rows.assign(**{bundle.PREDICTION_COLUMN: predict(rows["trip_distance"].to_numpy())})

    watched: Any = SimpleNamespace(
        model=model,
        reference=reference().to_pandas(),
        categorical=["PULocationID", "DOLocationID"],
        predicted=predicted,
    )
    rides = predicted(synthetic_rides(2_000, seed=1).rename(columns={"duration": bundle.TARGET_COLUMN}))
    clock = np.random.default_rng(1).choice(24, len(rides), p=np.arange(1, 25) / 300)
    rides["pickup_datetime"] = pd.Timestamp("2019-05-01") + pd.to_timedelta(clock, unit="h")
    of: Any = SimpleNamespace(watched=watched, hours=HourSums(watched), rows=lambda _: rides)
    return Stream(of)


def test_a_stream_has_the_rides_per_day_and_the_hours_of_the_real_ones(stream: Stream) -> None:
    drawn = stream.drawn(2_400, 2, seed=3)

    assert BEFORE - 1 <= drawn.onset / 24 < BEFORE
    assert drawn.length == drawn.onset + 48
    assert len(drawn.hours) == pytest.approx(2_400 * drawn.length / 24, rel=0.05)
    clock = stream.rides["pickup_datetime"].dt.hour.to_numpy()
    assert (clock[drawn.places] == drawn.hours % 24).all()


def test_sums_and_rows_of_a_stream_are_of_the_same_rides(stream: Stream) -> None:
    drawn, hours = stream.drawn(500, 1, seed=4), stream.of.hours
    sums, changed = stream.sums(drawn, LABEL), stream.changed(LABEL, stream.changes[LABEL])

    for first, last in ((0, 24), (drawn.onset, drawn.length)):
        rows = stream.rows(drawn, changed, first, last)
        np.testing.assert_allclose(hours.rows(rows).sum(axis=0), sums[first:last].sum(axis=0), rtol=1e-5)
    after = stream.rows(drawn, changed, drawn.onset, drawn.length)["trip_distance"].mean()
    assert after > 1.3 * stream.rows(drawn, changed, 0, drawn.onset)["trip_distance"].mean()


def test_what_changes_is_the_column_of_the_label(stream: Stream) -> None:
    alone = stream.changed("mean of the prediction alone, 0.5 sd", shifts.mean(bundle.PREDICTION_COLUMN, 0.5))

    assert (alone["trip_distance"] == stream.rides["trip_distance"]).all(), "in the same order"
    assert (alone[bundle.PREDICTION_COLUMN] > stream.rides[bundle.PREDICTION_COLUMN]).all()


@pytest.mark.parametrize(
    ("share", "check", "expected"),
    [
        (1.0, "service.rejected", 1),
        (1.0, "quality.categories", 1),
        # 5% of 24 rows in the newest hours: beyond 1% of 24 hours after 5 of them.
        (0.05, "service.rejected", 5),
        (0.009, "service.rejected", np.inf),
    ],
)
def test_a_broken_sender_is_reported_when_its_share_of_24_hours_is_beyond_the_limit(
    share: float, check: str, expected: float
) -> None:
    rows, onset = [1_000] * 96, 48
    odd = [0] * onset + [round(1_000 * share)] * 48

    assert odd_values.first_hour(rows, odd, onset, check, 0.0) == expected


def test_few_records_wait_for_the_least_number_of_a_share() -> None:
    assert odd_values.first_hour([1] * 96, [0] * 48 + [1] * 48, 48, "quality.categories", 0.0) == np.inf


def test_earlier_days_count_until_one_lacks_the_check() -> None:
    def result(ratio: float) -> CheckResult:
        return CheckResult.above("performance", ratio, 1.0, "", columns=["duration"])

    key = result(1.0).key
    found = label_delays._earlier([[result(1.2)], [result(0.9)], [], [result(1.5)]])
    assert found[key] == pytest.approx([1.2, 0.9])


def test_episodes_are_counted_by_year_and_rule() -> None:
    def came(reference: str, year: int, count: int) -> over_time.Came:
        episodes = Counter(dict.fromkeys(over_time.RULES, count))
        return over_time.Came(reference, year, 365 * 24, episodes, [(True, True), (False, True)])

    found = [came(r, y, y - 2018) for r in taxi.REFERENCES for y in (2018, 2019)]
    table = over_time.lines(found)

    assert "| all references, months of 2018 | 4.0 | 0.00 | 0.00 | 0.00 | 0.00 | 50% | 100% |" in table
    assert "| all references, months of 2019 | 4.0 | 1.00 | 1.00 | 1.00 | 1.00 | 50% | 100% |" in table
    assert "| **all** | 8.0 | 0.50 | 0.50 | 0.50 | 0.50 | 50% | 100% |" in table


def test_years_of_a_run_of_months_are_told_apart_by_hour() -> None:
    years = over_time.years_of(["2018-12", "2019-01"])

    assert [int((years == year).sum()) for year in (2018, 2019)] == [31 * 24, 31 * 24]


@pytest.mark.parametrize(("starts", "expected"), [(40, 10.0), (80, 50.0), (500, np.inf)])
def test_days_behind_the_first_alert_are_not_needed(starts: int, expected: float) -> None:
    lengths: list[int] = []

    def rule(sums: np.ndarray) -> np.ndarray:
        lengths.append(len(sums))
        return np.arange(len(sums) + 1) >= starts

    assert delays._first(rule, np.zeros(30 + 4 * 24), onset=30) == expected
    assert lengths[0] == 30 + 24


def test_a_delay_that_was_not_reached_is_more_than_the_days_followed() -> None:
    assert delays.hours(np.inf, 4) == "over 96"
    assert delays.hours(17.4, 4) == "17"


def test_days_before_and_after_a_change_are_separate_shares() -> None:
    ours, theirs = same_days.OURS, same_days.HALF
    found = [
        same_days.Day("units", after=after, verdicts={ours: after, theirs: True}) for after in (False, True)
    ]
    table = same_days._table(found, "")

    assert table[-1] == "| units | 0% | 100% | 100% | 100% |"
