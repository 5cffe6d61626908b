"""False episodes of the mean error on months as they came, and the largest moves."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from benchmarks.alert_quality import decisions, taxi
from benchmarks.alert_quality.error_series import ErrorSeries
from benchmarks.alert_quality.hour_sums import Array
from benchmarks.alert_quality.over_time import YEAR, subject, years_of
from lambda_monitor.checks import error_hours
from lambda_monitor.checks.error_hours import Horizon
from lambda_monitor.checks.over_time import DAY

# Shares of labelled rides; 15% of 330 rides per day are as many labels as 5% of 1,000.
SHARES = (1.0, 0.5, 0.15, 0.05)
DRAWS = 5


@dataclass
class Ordinary:
    """Episodes by year and share of labels, hours by year, and the largest move by year and horizon."""

    episodes: Counter[tuple[int, float]] = field(default_factory=Counter)
    hours: Counter[int] = field(default_factory=Counter)
    moves: dict[tuple[int, Horizon], float] = field(default_factory=dict)


def measured(reference: str) -> Ordinary:
    """Return the figures of the months against one reference."""
    of, found = subject(reference), Ordinary()
    for months in of.spans():
        years = years_of(months)
        for year in np.unique(years).tolist():
            found.hours[year] += int((years == year).sum())
        for share in SHARES:
            for draw in range(DRAWS if share < 1 else 1):
                chosen = np.random.default_rng(draw).random(len(of.rows(months))) < share
                _count(found, of.errors(months, chosen), years, share)
    return found


def _count(found: Ordinary, errors: ErrorSeries, years: Array, share: float) -> None:
    alert = np.any(list(errors.alerts().values()), axis=0)
    for year in np.unique(years).tolist():
        found.episodes[year, share] += decisions.episodes(alert & (years == year))
        if share == 1:
            for horizon, reading in error_hours.readings(errors.hours, errors.reference).items():
                known = found.moves.get((year, horizon), 0.0)
                found.moves[year, horizon] = max(known, float(reading.value[years == year].max()))


def lines(found: Iterable[Ordinary]) -> list[str]:
    """Return the tables in Markdown."""
    each = list(found)
    years = sorted({year for one in each for year in one.hours})
    spans = {year: sum(one.hours[year] for one in each) / DAY / YEAR for year in years}
    text = [
        "The mean error on ordinary months as they came (330 rides per day), with the references "
        f"{', '.join(taxi.REFERENCES)}: false episodes per model-year, looked at every hour. Labels of a "
        f"share of the rides are drawn at random, {DRAWS} times.",
        "",
        "| labels | " + " | ".join(f"{year} ({spans[year]:.1f} model-years)" for year in years) + " |",
        "|" + "---|" * (1 + len(years)),
    ]
    for share in SHARES:
        draws = DRAWS if share < 1 else 1
        rates = [sum(one.episodes[year, share] for one in each) / draws / spans[year] for year in years]
        text.append(f"| {share:.0%} | {' | '.join(f'{rate:.2f}' for rate in rates)} |")
    text += [
        "",
        "Largest move of the mean error that counts, all rides labelled, in usual errors. The tolerances "
        "were set on the months of 2018.",
        "",
        "| days, without so many hours in a row | tolerance | " + " | ".join(map(str, years)) + " |",
        "|" + "---|" * (2 + len(years)),
    ]
    for horizon in error_hours.HORIZONS:
        most = [f"{max(one.moves.get((year, horizon), 0.0) for one in each):.2f}" for year in years]
        name = f"{horizon.hours // DAY}, {horizon.without}"
        text.append(f"| {name} | {horizon.tolerance} | {' | '.join(most)} |")
    return text
