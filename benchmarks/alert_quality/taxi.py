"""Taxi rides: undrifted ordinary months, and the lockdown of April 2020 as a real shift."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.alert_quality.shifts import Suite, pairs, ramps, shifts
from benchmarks.alert_quality.subject import Subject, Watched, Window, count, drawn, watch
from contract import bundle
from training.data import load as sound_rows
from training.sources import DataLocation
from training.use_case import UseCase

MONTHS = [*(f"2018-{month:02d}" for month in range(1, 13)), *(f"2019-{month:02d}" for month in range(1, 7))]
SHIPPED = "2019-04"
# One reference per season, so that the result does not depend on one month.
REFERENCES = (SHIPPED, "2018-02", "2018-07", "2018-11")
LOCKDOWN = "2020-04"
SIZES = (500, 1_000, 2_000)
SUITE = Suite(
    moved=["trip_distance"],
    stretched="trip_distance",
    mixed="PULocationID",
    new=999,
    segment="PULocationID",
)


def load(reference: str) -> tuple[Watched, Mapping[str, pd.DataFrame]]:
    """Train on the month before `reference`; return it with all other months."""
    declared = UseCase.named("green_taxi")
    seen = [MONTHS[MONTHS.index(reference) - 1], reference]
    watched = watch(replace(declared, train=seen[:1], validation=seen[1:]))
    source = declared.source(DataLocation())
    rides = {}
    for month in (*MONTHS, LOCKDOWN):
        if month not in seen:
            frame = sound_rows(declared, [month], source, DataLocation()).frame.sort_values("pickup_datetime")
            named = frame.rename(columns={declared.target.name: bundle.TARGET_COLUMN})
            rides[month] = watched.predicted(named.reset_index(drop=True))
    return watched, rides


def windows(
    reference: str, watched: Watched, rides: Mapping[str, pd.DataFrame], draws: int
) -> Iterator[Window]:
    """Yield windows of ordinary months, half random, half in time order, and shifts."""
    shipped = reference == SHIPPED
    calm = {month: rows for month, rows in rides.items() if month != LOCKDOWN}
    rng = np.random.default_rng(MONTHS.index(reference))
    for size in SIZES if shipped else (1_000,):
        for rows in calm.values():
            for number in range(count(draws, 50 if shipped else 10)):
                first = int(rng.integers(0, len(rows) - size))
                slice_ = rows[first : first + size].reset_index(drop=True)
                label = "months at random" if number % 2 == 0 else "months in time order"
                label += "" if shipped else ", references of other seasons"
                yield Window("calm", label, slice_ if number % 2 else drawn(rows, size, rng), number)
    if not shipped:
        return
    mixed = pd.concat([rides["2019-05"], rides["2019-06"]], ignore_index=True)
    yield from pairs(watched, mixed, shifts(SUITE, watched), draws, seed=1)
    lockdown = {"April 2020, the lockdown (real)": lambda _, rows: rows}
    yield from pairs(watched, rides[LOCKDOWN], lockdown, draws, seed=2)
    yield from ramps(watched, mixed, SUITE.moved[0], count(draws, 40), seed=3)


def subject() -> Subject:
    """Return the subject. Raises LookupError if a month's file is missing."""
    folder = Path(os.environ.get("SCOREWATCH_DATA", "")) / "nyc_yellow_taxi"
    if missing := [m for m in (*MONTHS, LOCKDOWN) if not (folder / f"yellow_{m}.csv.gz").is_file()]:
        raise LookupError(f"{folder} has no yellow_{missing[0]}.csv.gz")
    return Subject(
        name="Taxi rides",
        about=(
            "The shipped use case green_taxi: trained on March 2019, reference April 2019, windows from the "
            "16 other months of 2018-19; and the same with references of February, July and November 2018. "
            "Shifts are applied to rides of May and June 2019."
        ),
        splits=REFERENCES,
        load=load,
        windows=windows,
    )
