"""Evidently, NannyML and the rule of SageMaker's sample on the days of the delays."""

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.alert_quality import decisions, judges, taxi
from benchmarks.alert_quality.nannyml_judge import LABELLED, UNIVARIATE, Docket, NannyMLError, environment
from benchmarks.alert_quality.over_time import SAMPLE_SHARE, subject
from benchmarks.alert_quality.shifts import concept
from benchmarks.alert_quality.streams import Drawn, stream
from benchmarks.alert_quality.subject import Watched
from lambda_monitor.checks.over_time import DAY

PER_DAY, REPETITIONS = 1_000, 2
# Whole days before and after the change.
BEFORE, AFTER = 2, 2
CONCEPT = "concept shift, all rows (target one third larger)"
OURS = "Scorewatch, drift"
HALF, SAMPLE = "Evidently, half the columns", "20% of the columns, as in SageMaker's sample"
JUDGES = (OURS, HALF, SAMPLE, UNIVARIATE, LABELLED)
# Rides of a day for the other judges: chunks of NannyML have one size.
_CHUNK = 900
# Rides per chunk of the months as they came, and every how many chunks one is judged.
_CAME, _EVERY = 330, 7
_HALF = 0.5


@dataclass
class Day:
    """A day before or after a change, and who raises an alarm on it."""

    label: str
    after: bool
    verdicts: dict[str, bool]


def lines() -> list[str]:
    """Return the tables."""
    with tempfile.TemporaryDirectory() as scratch:
        docket, found = Docket(Path(scratch)), list[Day]()
        docket.add(stream().watched, list(_registered(found)))
        for reference in taxi.REFERENCES:
            docket.add(subject(reference).watched, list(_came(reference, found)))
        without = ""
        try:
            for place, verdicts in docket.verdicts(environment()).items():
                found[place].verdicts |= verdicts
        except NannyMLError as error:
            without = f" NannyML is left out: {error}."
    return _table(found, without)


def _registered(found: list[Day]) -> Iterator[tuple[int, pd.DataFrame]]:
    """Yield the days of every change for NannyML, judged by the others."""
    of = stream()
    for label in [*of.changes, CONCEPT]:
        changed = concept(of.watched, of.rides) if label == CONCEPT else of.changed(label, of.changes[label])
        for seed in range(REPETITIONS):
            drawn = of.drawn(PER_DAY, AFTER, seed)
            alert = None
            if label != CONCEPT:
                alert = decisions.drift(of.of.hours, of.sums(drawn, label), of.of.plan)
            for end, rows in _days(drawn, changed):
                found.append(Day(label, end > drawn.onset, _evidently(of.watched, rows)))
                if alert is not None:
                    found[-1].verdicts[OURS] = bool(alert[end])
                yield len(found) - 1, rows


def _days(drawn: Drawn, changed: pd.DataFrame) -> Iterator[tuple[int, pd.DataFrame]]:
    for number in range(1 - BEFORE, AFTER + 1):
        end = drawn.onset + DAY * number
        yield end, stream().rows(drawn, changed, end - DAY, end).sample(_CHUNK, random_state=number + BEFORE)


def _came(reference: str, found: list[Day]) -> Iterator[tuple[int, pd.DataFrame]]:
    """Yield every seventh day's worth of rides as they came."""
    of = subject(reference)
    for months in of.spans():
        rows = of.rows(months)
        for first in range(0, len(rows) - _CAME, _CAME * _EVERY):
            found.append(Day(_AS_CAME, after=False, verdicts={}))
            yield len(found) - 1, rows.iloc[first : first + _CAME]


def _evidently(watched: Watched, rows: pd.DataFrame) -> dict[str, bool]:
    share = float(np.mean(judges.evidently(watched, rows)))
    return {HALF: share >= _HALF, SAMPLE: share >= SAMPLE_SHARE}


_AS_CAME = "months as they came"
_ABOUT = (
    f"Other rules on the same days ({PER_DAY:,} rides per day, {REPETITIONS} repetitions): share of days in "
    f"alarm, of the last {BEFORE} before the change and of the first {AFTER} after it. Evidently and NannyML "
    f"run with their defaults on {_CHUNK} rides of each day. A rule that is in alarm before the change does "
    "not detect it."
)


def _table(found: list[Day], without: str) -> list[str]:
    made: dict[str, list[Day]] = {}
    for day in found:
        made.setdefault(day.label, []).append(day)
    names = [name for name in JUDGES if any(name in day.verdicts for day in found)]
    came = [day.verdicts[UNIVARIATE] for day in made.pop(_AS_CAME, []) if UNIVARIATE in day.verdicts]
    text = [_ABOUT + without]
    if came:
        text += [
            "",
            f"On the months as they came NannyML has a column in alarm on {np.mean(came):.0%} of {len(came)} "
            f"days ({_CAME} rides in order of time, every seventh day, four references).",
        ]
    head = " | ".join(f"{name}: before | after" for name in names)
    text += ["", f"| days in alarm | {head} |", "|" + "---|" * (1 + 2 * len(names))]
    for label, days in made.items():
        cells = [_share(days, name, after=after) for name in names for after in (False, True)]
        text.append(f"| {label} | {' | '.join(cells)} |")
    return text


def _share(days: list[Day], name: str, *, after: bool) -> str:
    found = [day.verdicts[name] for day in days if day.after is after and name in day.verdicts]
    return f"{np.mean(found):.0%}" if found else ""
