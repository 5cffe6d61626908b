"""Flights as they came: days by turn, days in a row, rates per model-year."""

import itertools
from collections import Counter

import pandas as pd
import pytest

from benchmarks.alert_quality import flights, over_time
from benchmarks.alert_quality.flights_over_time import TURNS, Came, following, lines


@pytest.fixture(autouse=True)
def _two_flights_a_day(monkeypatch: pytest.MonkeyPatch) -> None:
    days = pd.date_range("2013-01-01", "2013-12-31").repeat(2)
    table = pd.DataFrame({"date": days, "month": days.month})
    monkeypatch.setattr(flights, "table", lambda: table)


def dates(season: str, role: str, turn: int) -> set[pd.Timestamp]:
    return set(flights.read(f"{season}/{role}/{turn}")["date"])


@pytest.mark.parametrize("season", flights.SEASONS)
def test_every_day_of_a_season_is_looked_at_in_one_turn_and_trained_on_in_another(season: str) -> None:
    for turn in TURNS:
        roles = [dates(season, role, turn) for role in flights.PARTS]
        assert not any(one & two for one, two in itertools.combinations(roles, 2))
    for role in flights.PARTS:
        turns = [dates(season, role, turn) for turn in TURNS]
        assert sum(map(len, turns)) == len(set.union(*turns))
        assert {day.month for day in set.union(*turns)} == set(flights.SEASONS[season])


def test_days_looked_at_follow_each_other_without_gaps() -> None:
    days = ["2013-01-03 23:00", "2013-01-06 05:00", "2013-01-03 01:00", "2013-12-02 00:00"]
    times = pd.Series(pd.to_datetime(days))
    day, count = following(times)
    assert (day.tolist(), count) == ([0, 1, 0, 2], 3)


def test_rates_are_per_model_year_and_flights_per_day() -> None:
    came = [
        Came("winter", 24 * 73, 73 * 900, Counter({"Scorewatch": 1, "one window": 4}), [(True, True)] * 3),
        Came("winter", 24 * 73, 73 * 700, Counter({"Scorewatch": 0, "one window": 2}), [(False, True)]),
        *(Came(season, 24 * 73, 0, Counter(), [(False, False)]) for season in ("spring", "summer", "autumn")),
    ]
    rows = {row.split(" | ")[0].strip("| "): row.split(" | ")[1:] for row in lines(came)[4:]}
    assert len(over_time.RULES) == 4
    assert rows["winter"] == ["0.40", "800", "2.5", "15.0", "0.0", "0.0", "2.5 (75%)", "5.0 (100%) |"]
    assert rows["**all**"][:4] == ["1.00", "320", "1.0", "6.0"]
