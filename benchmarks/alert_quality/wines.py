"""White wines: a class is predicted, there is no time, and there are few rows."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.alert_quality.shifts import Suite, pairs, ramps, shifts
from benchmarks.alert_quality.watched import Subject, Watched, Window, drawn, watch
from contract import bundle
from contract.schema import DType, Feature, Kind
from training.data import load as sound_rows
from training.sources import Place
from training.split import by_content
from training.use_case import UseCase

FILE = "winequality-white.csv"
SPLITS = ("1", "2", "3", "4")
SIZES = (200, 500, 1_000)
SUITE = Suite(moved=["alcohol", "pH"], segment="sulphates", scale=1.1)
_WEAK = 10.0


def use_case(split: str) -> UseCase:
    """Return white_wine with pH added, its rows dealt into train, validation and held out anew a split.

    What repeats stays on one side.
    """

    def part(frame: pd.DataFrame, name: str) -> pd.DataFrame:
        salted = frame.assign(salt=split)
        seen = by_content(salted, "train", train_share=0.5).index
        if name == "held out":
            return frame.drop(seen)
        learned = by_content(salted.loc[seen].assign(salt=f"{split}/"), "train", train_share=0.63).index
        return frame.loc[learned if name == "train" else seen.difference(learned)]

    declared = UseCase.named("white_wine")
    acidity = Feature(name="pH", kind=Kind.NUMERIC, dtype=DType.FLOAT, minimum=0, maximum=14)
    return replace(declared, features=[*declared.features, acidity], split=part)


def load(split: str) -> tuple[Watched, Mapping[str, pd.DataFrame]]:
    """Train on three wines in ten, take two in ten for reference, hold out the other half."""
    declared = use_case(split)
    watched = watch(declared)
    held = sound_rows(declared, ["held out"], declared.source(Place()), Place()).frame
    named = held.rename(columns={declared.target.name: bundle.TARGET_COLUMN})
    return watched, {"held out": watched.predicted(named)}


def windows(split: str, watched: Watched, wines: Mapping[str, pd.DataFrame], draws: int) -> Iterator[Window]:
    """Yield windows drawn with replacement from the held-out half, as they are and shifted."""
    held, seed = wines["held out"], int(split)
    rng = np.random.default_rng(seed)
    for size in SIZES:
        for number in range(max(2, draws * 2)):
            yield Window("calm", "wines held out", drawn(held, size, rng, replace=True), number)
    few = max(2, draws // len(SPLITS))
    yield from pairs(watched, held, shifts(SUITE, watched), few, seed, replace=True)
    weak = held[held["alcohol"] < _WEAK]
    third = {"a third more of the wines below 10 % alcohol (real)": lambda _, rows: _mixed(rows, weak)}
    yield from pairs(watched, held, third, few, seed, replace=True)
    yield from ramps(watched, held, SUITE.moved[0], max(2, few // 2), seed, replace=True)


def subject() -> Subject:
    """Return the subject. Raises LookupError where the wines aren't on this machine."""
    file = Path(os.environ.get("SCOREWATCH_DATA", "")) / FILE
    if not file.is_file():
        raise LookupError(f"{file} isn't there")
    return Subject(
        name="White wines",
        about=(
            "The shipped use case white_wine with pH, the most nearly normal column, added. 4,898 wines are "
            "dealt anew four times: 30% train, 20% are the reference (just below 1,000 rows, as in the "
            "shipped bundle), windows are drawn with replacement from the other half. The error of so small "
            "a reference limits what can be seen, and is the same in all windows of a deal; of 1,000 rows "
            "it is a single chunk, from which NannyML can't tell what is usual."
        ),
        splits=SPLITS,
        load=load,
        windows=windows,
    )


def _mixed(rows: pd.DataFrame, weak: pd.DataFrame) -> pd.DataFrame:
    """Replace a third of the rows by weak wines."""
    cut = len(rows) // 3
    return pd.concat([weak.iloc[np.arange(cut) * 7 % len(weak)], rows[cut:]], ignore_index=True)
