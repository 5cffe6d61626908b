"""Scheduled decisions on real months as they came: episodes per model-year."""

import functools
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.alert_quality import decisions, judges, taxi
from benchmarks.alert_quality.error_series import ErrorSeries
from benchmarks.alert_quality.hour_sums import Array, HourSums
from lambda_monitor.check_config import FALSE_ALERTS_PER_YEAR
from lambda_monitor.checks.over_time import DAY, Plan
from lambda_monitor.profiles.thresholds import LEAST_ROWS

YEAR = 365
# Share of drifted features that the sample of Amazon SageMaker's monitoring alerts on.
SAMPLE_SHARE = 0.2
_HALF = 0.5
TIME = "pickup_datetime"
RULES = ("Scorewatch", "one window", "Scorewatch with labels", "one window with labels")
_ABOUT = (
    "Rides as they came, looked at every hour, against limits for "
    f"{FALSE_ALERTS_PER_YEAR} false alerts per year. An episode is an alert from its start to its end. "
    "`one window` is the rule for windows by hand, looked at every hour. The multiples for odd days were set "
    "on the months of 2018; those of 2019 were not used for them. The multiples for days of labels were "
    "chosen on all of these months; the tolerances of the mean error over hours and days on those of 2018. "
    "The factors of newest hours and of several days were chosen on the replay by chance, whose days are of "
    "both years."
)


class Subject:
    """Taxi rides by hour, against one reference."""

    def __init__(self, reference: str) -> None:
        """Train, and read every month that is neither trained on nor the reference."""
        self.watched, rides = taxi.load(reference)
        self.rides = {month: rows for month, rows in rides.items() if month != taxi.LOCKDOWN}
        self.hours = HourSums(self.watched)
        thresholds = self.watched.model.thresholds
        self.plan = Plan.of(thresholds, FALSE_ALERTS_PER_YEAR, "ignore", DAY)

    def spans(self) -> list[list[str]]:
        """Return the months in runs without a gap."""
        found: list[list[str]] = []
        for month in sorted(self.rides):
            follows = found and pd.Period(found[-1][-1]) + 1 == pd.Period(month)
            if follows:
                found[-1].append(month)
            else:
                found.append([month])
        return found

    def rows(self, months: list[str]) -> pd.DataFrame:
        """Return the rides of some months."""
        return pd.concat([self.rides[month] for month in months], ignore_index=True)

    def sums(self, months: list[str]) -> Array:
        """Return the sums of each hour of some months in a row."""
        start, end = pd.Period(months[0]).start_time, (pd.Period(months[-1]) + 1).start_time
        rows = self.rows(months)
        return self.hours.by_hour(rows, rows[TIME], start, int((end - start) / pd.Timedelta(hours=1)))

    def errors(self, months: list[str], chosen: Array | None = None) -> ErrorSeries:
        """Return the labelled rides of some months in a row, all of them or those of a mask."""
        rows, size = self.rows(months), len(years_of(months))
        hour = ((rows[TIME] - pd.Period(months[0]).start_time) // pd.Timedelta(hours=1)).to_numpy()
        inside = (hour >= 0) & (hour < size)
        return ErrorSeries.of(
            self.watched.model, rows, hour, size, inside if chosen is None else inside & chosen
        )


@functools.cache
def subject(reference: str) -> Subject:
    """Return the subject of a reference, trained once per process."""
    return Subject(reference)


@dataclass(frozen=True)
class Came:
    """Months of one year as they came, against one reference: hours, episodes by rule, alarms per day."""

    reference: str
    year: int
    hours: int
    episodes: Counter[str]
    evidently: list[tuple[bool, bool]]


def as_came(reference: str) -> list[Came]:
    """Return the episodes on months as they came, by rule and year."""
    of = subject(reference)
    spans = [
        (years_of(months), by_rule(of.hours, of.plan, of.sums(months), of.errors(months)))
        for months in of.spans()
    ]
    found = []
    for year in sorted({int(month[:4]) for month in of.rides}):
        counts = Counter[str]()
        for years, alerts in spans:
            for name, alert in zip(RULES, alerts, strict=True):
                counts[name] += decisions.episodes(np.append(False, alert[1:] & (years == year)))
        hours = sum(int((years == year).sum()) for years, _ in spans)
        found.append(Came(reference, year, hours, counts, _evidently(of, year)))
    return found


def years_of(months: list[str]) -> Array:
    """Return the year of each hour."""
    days = pd.period_range(pd.Period(months[0]).start_time, pd.Period(months[-1]).end_time, freq="D")
    return np.repeat(days.year.to_numpy(), DAY)


def by_rule(hours: HourSums, plan: Plan, sums: Array, errors: ErrorSeries | None = None) -> tuple[Array, ...]:
    """Return whether an alert is open at the end of each hour, by rule; `errors` for numbers."""
    ours, window = decisions.drift(hours, sums, plan), decisions.window_rule(hours, sums)
    days, alone = decisions.labelled(hours, sums)
    if errors is not None:
        days = days | np.append(False, np.any(list(errors.alerts().values()), axis=0))
    return ours, window, ours | days, window | alone


def _evidently(of: Subject, year: int) -> list[tuple[bool, bool]]:
    """Return whether Evidently's rules alert, on every seventh day."""
    return [verdicts(judges.evidently(of.watched, day)) for day in _seventh_days(of, year)]


def verdicts(drifted: Sequence[bool]) -> tuple[bool, bool]:
    """Return whether half of the columns have drifted, Evidently's rule, and whether SAMPLE_SHARE of them."""
    share = float(np.mean(drifted))
    return share >= _HALF, share >= SAMPLE_SHARE


def _seventh_days(of: Subject, year: int) -> Iterator[pd.DataFrame]:
    for months in of.spans():
        rows = of.rows(months)
        for _, week in rows[rows[TIME].dt.year == year].groupby(pd.Grouper(key=TIME, freq="7D")):
            day = week[week[TIME] < week[TIME].min() + pd.Timedelta(days=1)]
            if len(day) >= LEAST_ROWS:
                yield day


def lines(came: Sequence[Came]) -> list[str]:
    """Return the table in Markdown."""
    head = [
        "| months as they came | model-years | episodes per year: Scorewatch | one window "
        "| Scorewatch with labels | one window with labels "
        "| days in alarm: Evidently, half the columns | 20% of the columns, as in SageMaker's sample |",
        "|" + "---|" * 8,
    ]
    parts = {f"reference {name}": [one for one in came if one.reference == name] for name in taxi.REFERENCES}
    for year in sorted({one.year for one in came}):
        parts[f"all references, months of {year}"] = [one for one in came if one.year == year]
    parts["**all**"] = list(came)
    return [_ABOUT, "", *head, *(_row(name, part) for name, part in parts.items())]


def _row(name: str, came: Sequence[Came]) -> str:
    years = sum(one.hours for one in came) / DAY / YEAR
    rates = [f"{sum(one.episodes[rule] for one in came) / years:.2f}" for rule in RULES]
    shares = np.mean([day for one in came for day in one.evidently], axis=0)
    cells = [f"{years:.1f}", *rates, *(f"{share:.0%}" for share in shares)]
    return f"| {name} | {' | '.join(cells)} |"
