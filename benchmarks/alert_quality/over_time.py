"""Scheduled decisions on real hours: months as they came, model-years by chance, delays of shifts."""

import functools
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.alert_quality import decisions, judges, shifts, taxi
from benchmarks.alert_quality.hour_sums import Array, HourSums
from benchmarks.alert_quality.subject import Change, Watched
from contract import bundle
from lambda_monitor.check_config import FALSE_ALERTS_PER_YEAR
from lambda_monitor.checks.over_time import DAY, Plan
from lambda_monitor.hours.past import BLOCK
from lambda_monitor.profiles.thresholds import LEAST_ROWS

YEAR = 365
# Days per block of resampled days, and model-years per series.
BLOCK_DAYS, SERIES = 7, 10
# Rows a day, days before and after the change, and repetitions of a delay.
ROWS, BEFORE, AFTER, REPETITIONS = 1_000, 30, 30, 12
# Share of drifted features that the sample of Amazon SageMaker's monitoring alerts on.
SAMPLE_SHARE = 0.2
_HALF = 0.5
_TIME = "pickup_datetime"
_ABOUT = (
    f"Rides as they came, looked at every hour, against limits for {FALSE_ALERTS_PER_YEAR} false alerts a "
    "year. An episode is an alert from its start to its end. `one window` is the rule for windows by hand, "
    "looked at every hour. The multiples for odd days and for days of labels were chosen on these months, so "
    "the first table is not a test on unseen months; the rate by chance follows from the formula alone."
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
        return self.hours.by_hour(rows, rows[_TIME], start, int((end - start) / pd.Timedelta(hours=1)))


@functools.cache
def subject(reference: str) -> Subject:
    """Return the subject of a reference, trained once per process."""
    return Subject(reference)


def lines(years: int, picture: Path) -> list[str]:
    """Return the section in Markdown, and draw the picture."""
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=spawn) as pool:
        series = [(seed, 4, SERIES) for seed in range(max(years // SERIES, 1))]
        series += [(10**6 + seed, 1, SERIES) for seed in range(max(years // SERIES // 10, 1))]
        came = list(pool.map(as_came, taxi.REFERENCES))
        chance = list(pool.map(by_chance, *zip(*series, strict=True), chunksize=10))
    from benchmarks.alert_quality import evidence_picture  # noqa: PLC0415  # matplotlib is slow to import

    evidence_picture.draw(subject(taxi.SHIPPED), picture)
    return [_ABOUT, "", *_came_table(came), "", *_chance_table(series, chance), "", *_delay_table()]


def as_came(reference: str) -> dict[str, float]:
    """Return episodes per model-year on months as they came, by rule."""
    of = subject(reference)
    hours, counts = 0, dict.fromkeys(("ours", "window", "ours with labels", "window with labels"), 0)
    for months in of.spans():
        sums = of.sums(months)
        hours += len(sums)
        ours, window = decisions.drift(of.hours, sums, of.plan), decisions.window_rule(of.hours, sums)
        days, alone = decisions.labelled(of.hours, sums)
        for name, alert in zip(counts, (ours, window, ours | days, window | alone), strict=True):
            counts[name] += decisions.episodes(alert)
    years = hours / DAY / YEAR
    return {"years": years, **{name: count / years for name, count in counts.items()}, **_evidently(of)}


def _evidently(of: Subject) -> dict[str, float]:
    """Return the share of days on which Evidently's rules alert."""
    verdicts = []
    for months in of.spans():
        for _, day in of.rows(months).groupby(pd.Grouper(key=_TIME, freq="7D")):
            first = day[day[_TIME] < day[_TIME].min() + pd.Timedelta(days=1)]
            if len(first) >= LEAST_ROWS:
                drifted = judges.evidently(of.watched, first)
                verdicts.append((np.mean(drifted) >= _HALF, np.mean(drifted) >= SAMPLE_SHARE))
    half, sample = np.mean(verdicts, axis=0)
    return {"half": float(half), "sample": float(sample)}


def by_chance(seed: int, step: int, years: int) -> int:
    """Return the episodes in `years` of days drawn in blocks from ordinary months, by rows of six hours."""
    of, rng = subject(taxi.SHIPPED), np.random.default_rng(seed)
    sums, per_day = _blocks(), DAY // BLOCK
    length = BLOCK_DAYS * per_day
    # Blocks start at midnight; where two runs of months meet, a block has days of both.
    first = rng.integers(0, len(sums) // per_day - BLOCK_DAYS + 1, years * YEAR // BLOCK_DAYS + 1) * per_day
    drawn = sums[(first[:, None] + np.arange(length)).ravel()]
    return decisions.episodes(decisions.drift(of.hours, drawn, of.plan, step, per_day=per_day))


@functools.cache
def _blocks() -> Array:
    """Return the sums of six hours of every ordinary month."""
    of = subject(taxi.SHIPPED)
    sums = np.concatenate([of.sums(months) for months in of.spans()])
    return np.asarray(sums.reshape(-1, BLOCK, sums.shape[1]).sum(axis=1))


def changes(watched: Watched) -> dict[str, Change]:
    """Return the shifts whose delay is measured."""
    prediction = bundle.PREDICTION_COLUMN
    found: dict[str, Change] = {}
    for by in shifts.DEVIATIONS:
        found[f"mean of trip_distance, {by} sd"] = shifts.mean("trip_distance", by)
        found[f"mean of the prediction alone, {by} sd"] = shifts.mean(prediction, by)
        found[f"every trip_distance longer, {by} sd of its logarithm"] = shifts.stretch("trip_distance", by)
    found["trip_distance in kilometres"] = shifts.times("trip_distance", 1.609)
    found["20% of PULocationID moved to 237"] = shifts.replaced("PULocationID", 237, 0.2)
    part = shifts.segment(watched, "PULocationID", shifts.LARGE)
    found["trip_distance times 2 in a segment of about 20%"] = shifts.within(
        part, shifts.times("trip_distance", 2)
    )
    found["concept shift, all rows (target one third larger)"] = shifts.concept
    return found


def delays(of: Subject, label: str, change: Change) -> tuple[list[float], list[float]]:
    """Return the days until an alert, infinite if there is none: ours, and those of one window's limits."""
    rows = of.rows(["2019-05", "2019-06"])
    ours: list[float] = []
    window: list[float] = []
    for repetition in range(REPETITIONS):
        rng = np.random.default_rng(repetition)
        drawn = rows.iloc[rng.integers(0, len(rows), ROWS * (BEFORE + AFTER))].reset_index(drop=True)
        onset = BEFORE * DAY + int(rng.integers(0, DAY))
        clock = drawn[_TIME].dt.hour.to_numpy() + DAY * (np.arange(len(drawn)) // ROWS)
        after = clock >= onset
        moved = change(of.watched, drawn[after].sample(frac=1, random_state=repetition)).sort_index()
        if not label.startswith("mean of the prediction"):
            moved = of.watched.predicted(moved)
        drawn = pd.concat([drawn[~after], moved]).sort_index()
        times = pd.Timestamp("2019-01-01") + pd.to_timedelta(pd.Series(clock), unit="h")
        sums = of.hours.by_hour(drawn, times, pd.Timestamp("2019-01-01"), (BEFORE + AFTER) * DAY)
        if label.startswith("concept"):
            found = decisions.labelled(of.hours, sums)
        else:
            found = decisions.drift(of.hours, sums, of.plan), decisions.window_rule(of.hours, sums)
        for kept, alert in zip((ours, window), found, strict=True):
            first = decisions.first_alert(alert, onset)
            kept.append(np.inf if first is None else first / DAY)
    return ours, window


def _came_table(came: list[dict[str, float]]) -> list[str]:
    head = [
        "| months as they came, reference | model-years | episodes per year: Scorewatch | one window "
        "| Scorewatch with labels | one window with labels "
        "| days in alarm: Evidently, half the columns | 20% of the columns, as in SageMaker's sample |",
        "|" + "---|" * 8,
    ]
    rows = [(name, found) for name, found in zip(taxi.REFERENCES, came, strict=True)]
    weights = [found["years"] for found in came]
    mean = {key: float(np.average([found[key] for found in came], weights=weights)) for key in came[0]}
    rows.append(("**all**", {**mean, "years": sum(weights)}))
    return head + [
        f"| {name} | {f['years']:.1f} | {f['ours']:.2f} | {f['window']:.1f} | {f['ours with labels']:.2f} "
        f"| {f['window with labels']:.1f} | {f['half']:.0%} | {f['sample']:.0%} |"
        for name, f in rows
    ]


def _chance_table(series: list[tuple[int, int, int]], found: list[int]) -> list[str]:
    lines = [
        f"By chance: days of the ordinary months, drawn in blocks of {BLOCK_DAYS} days, against the shipped "
        "reference.",
        "",
        "| looked at | model-years | drift episodes | per year |",
        "|---|---|---|---|",
    ]
    for step, words in ((4, "every 24 hours"), (1, "every 6 hours")):
        years = sum(one[2] for one in series if one[1] == step)
        count = sum(n for one, n in zip(series, found, strict=True) if one[1] == step)
        lines.append(f"| {words} | {years:,} | {count:,} | {count / years:.4f} |")
    return lines


def _delay_table() -> list[str]:
    of = subject(taxi.SHIPPED)
    lines = [
        f"Delay in days of {ROWS:,} rows, so in windows of {ROWS:,} rows, from a change at a random hour; "
        f"{REPETITIONS} repetitions of rides of May and June 2019, followed for {AFTER} days.",
        "",
        "| change | Scorewatch: median | longest | one window: median | longest |",
        "|---|---|---|---|---|",
    ]
    for label, change in changes(of.watched).items():
        ours, window = delays(of, label, change)
        cells = [_days(float(f(one))) for one in (ours, window) for f in (np.median, np.max)]
        lines.append(f"| {label} | {' | '.join(cells)} |")
    return lines


def _days(days: float) -> str:
    return f"over {AFTER}" if np.isinf(days) else f"{days:.1f}"
