"""Scheduled decisions on flights of the model's own season, as they came: episodes per model-year."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.alert_quality import decisions, flights, judges, over_time
from benchmarks.alert_quality.hour_sums import HourSums
from lambda_monitor.check_config import FALSE_ALERTS_PER_YEAR
from lambda_monitor.checks.over_time import DAY, Plan

# The days of a season take each part in turn: training, reference, held out.
TURNS = range(len(flights.PARTS))
_START = pd.Timestamp("2013-01-01")
_ABOUT = (
    "Flights as they came, some 900 a day, looked at hourly. Each season has three models: its days go in "
    "turn to training, reference and the days looked at, so that each day is looked at once. Days looked at "
    "follow each other, though two lie between them. They include holidays and changes of the timetable, so "
    "not every episode is by chance. Evidently's rules look once a day."
)


@dataclass(frozen=True)
class Came:
    """Days of one season against one of its references: hours, flights, episodes by rule, alarms per day."""

    season: str
    hours: int
    flights: int
    episodes: Counter[str]
    evidently: list[tuple[bool, bool]]


def tasks() -> list[tuple[str, int]]:
    """Return season and turn of every model."""
    return [(season, turn) for season in flights.SEASONS for turn in TURNS]


def as_came(season: str, turn: int) -> Came:
    """Return the episodes on the held-out days of a season. Raises LookupError without the flights."""
    watched, held = flights.load(season, turn, (season,))
    rows = held[season]
    hours = HourSums(watched)
    plan = Plan.of(watched.model.thresholds, FALSE_ALERTS_PER_YEAR, "ignore", DAY)
    day, count = following(rows["time"])
    times = _START + pd.to_timedelta(day, unit="D") + (rows["time"] - rows["time"].dt.normalize())
    alerts = over_time.by_rule(hours, plan, hours.by_hour(rows, times, _START, count * DAY))
    episodes = Counter[str]()
    for name, alert in zip(over_time.RULES, alerts, strict=True):
        episodes[name] = decisions.episodes(alert[1:])
    verdicts = [over_time.verdicts(judges.evidently(watched, one)) for _, one in rows.groupby(day)]
    return Came(season, count * DAY, len(rows), episodes, verdicts)


def following(times: "pd.Series[pd.Timestamp]") -> tuple["pd.Series[int]", int]:
    """Return each row's day, numbered without gaps, and the number of days."""
    day = times.dt.normalize().rank(method="dense").astype(int) - 1
    return day, int(day.max()) + 1


def lines(came: Sequence[Came]) -> list[str]:
    """Return the table in Markdown."""
    head = [
        "| flights as they came | model-years | flights per day | episodes per year: Scorewatch | one window "
        "| Scorewatch with labels | one window with labels "
        "| Evidently, half the columns (days in alarm) | 20% of the columns, as in SageMaker's sample |",
        "|" + "---|" * 9,
    ]
    parts = {season: [one for one in came if one.season == season] for season in flights.SEASONS}
    parts["**all**"] = list(came)
    return [_ABOUT, "", *head, *(_row(name, part) for name, part in parts.items())]


def _row(name: str, came: Sequence[Came]) -> str:
    days = sum(one.hours for one in came) / DAY
    per_year = over_time.YEAR / days
    rates = [f"{sum(one.episodes[rule] for one in came) * per_year:.1f}" for rule in over_time.RULES]
    daily = [np.array(one.evidently) for one in came]
    for rule in range(2):
        episodes = sum(decisions.episodes(alarms[:, rule]) for alarms in daily)
        rates.append(f"{episodes * per_year:.1f} ({np.concatenate(daily)[:, rule].mean():.0%})")
    cells = [f"{1 / per_year:.2f}", f"{sum(one.flights for one in came) / days:,.0f}", *rates]
    return f"| {name} | {' | '.join(cells)} |"
