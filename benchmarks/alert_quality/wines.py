"""White wines: a classifier without time, with few rows."""

import hashlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.alert_quality.shifts import Suite, pairs, ramps, shifts
from benchmarks.alert_quality.subject import Subject, Watched, Window, count, drawn, watch
from contract import bundle
from contract.schema import DType, Feature, Kind
from training.data import load as sound_rows
from training.sources import DataLocation
from training.use_case import UseCase

FILE = "winequality-white.csv"
SPLITS = ("1", "2", "3", "4", "5", "6")
_PARTS = {"train": (0.0, 0.31), "validation": (0.31, 0.5), "held out": (0.5, 1.0)}
SIZES = (200, 500, 1_000)
SUITE = Suite(moved=["alcohol", "pH"], segment="sulphates", scale=1.1)
_WEAK = 10.0


def use_case(split: str) -> UseCase:
    """Return white_wine with pH, its rows assigned to parts anew for each split.

    A hash of the row's content selects its part, so that repeated rows stay in one part.
    """

    def part(frame: pd.DataFrame, name: str) -> pd.DataFrame:
        rows = frame.astype(str).agg("\x1f".join, axis=1)
        digests = [hashlib.blake2b(f"{split}/{row}".encode(), digest_size=4).digest() for row in rows]
        place = np.array([int.from_bytes(digest) / 2**32 for digest in digests])
        first, end = _PARTS[name]
        return frame[(first <= place) & (place < end)]

    declared = UseCase.named("white_wine")
    acidity = Feature(name="pH", kind=Kind.NUMERIC, dtype=DType.FLOAT, minimum=0, maximum=14)
    return replace(declared, features=[*declared.features, acidity], split=part)


def load(split: str) -> tuple[Watched, Mapping[str, pd.DataFrame]]:
    """Train on 31% of the wines with 19% for reference; hold out half."""
    declared = use_case(split)
    watched = watch(declared)
    held = sound_rows(declared, ["held out"], declared.source(DataLocation()), DataLocation()).frame
    named = held.rename(columns={declared.target.name: bundle.TARGET_COLUMN})
    return watched, {"held out": watched.predicted(named)}


def windows(split: str, watched: Watched, wines: Mapping[str, pd.DataFrame], draws: int) -> Iterator[Window]:
    """Yield windows drawn with replacement from the held-out half, unchanged and shifted."""
    held, seed = wines["held out"], int(split)
    rng = np.random.default_rng(seed)
    for size in SIZES:
        for number in range(count(draws, 70)):
            yield Window("calm", "wines held out", drawn(held, size, rng, replace=True), number)
    few = count(draws, 10)
    yield from pairs(watched, held, shifts(SUITE, watched), few, seed, replace=True)
    weak = held[held["alcohol"] < _WEAK]
    third = {
        "a third of the rows replaced by wines below 10 % alcohol (real)": lambda _, rows: _mixed(rows, weak)
    }
    yield from pairs(watched, held, third, few, seed, replace=True)
    yield from ramps(watched, held, SUITE.moved[0], few // 2 + 1, seed, replace=True)


def subject() -> Subject:
    """Return the subject. Raises LookupError if the file is missing."""
    file = Path(os.environ.get("SCOREWATCH_DATA", "")) / FILE
    if not file.is_file():
        raise LookupError(f"{file} is missing")
    return Subject(
        name="White wines",
        about=(
            "The shipped use case white_wine with pH, the most nearly normal column, added. 4,898 wines are "
            "split six times: 31% for training, 19% for the reference (about 930 rows, the shipped bundle "
            "has 982); windows are drawn with replacement from the other half. The sampling error of so "
            "small a reference limits the power, and is the same in all windows of a split. With 1,000 rows "
            "per chunk the reference is a single chunk, from which NannyML cannot estimate its limits."
        ),
        splits=SPLITS,
        load=load,
        windows=windows,
    )


def _mixed(rows: pd.DataFrame, weak: pd.DataFrame) -> pd.DataFrame:
    """Replace a third of the rows by weak wines."""
    cut = len(rows) // 3
    return pd.concat([weak.iloc[np.arange(cut) * 7 % len(weak)], rows[cut:]], ignore_index=True)
