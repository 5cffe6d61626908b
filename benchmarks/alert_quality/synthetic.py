"""Synthetic rows: independent normal columns and independent rows."""

from collections.abc import Iterator, Mapping

import numpy as np
import pandas as pd
import pandera.pandas as pa
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder

from benchmarks.alert_quality.shifts import Suite, pairs, ramps, shifts
from benchmarks.alert_quality.subject import Subject, Watched, Window, count, watch
from contract import bundle
from contract.schema import DType, Feature, Kind, Target, Task
from training.sources import Synthetic
from training.use_case import Demo, Params, UseCase

ROWS = 10_000
SIZES = (500, 1_000, 2_000)
NUMERIC = [f"x{number}" for number in range(1, 6)]
SUITE = Suite(moved=["x1"], mixed="kind", new="z", segment="place", scale=1.5)
_KINDS = {"a": 0.5, "b": 0.3, "c": 0.15, "d": 0.05}
_PLACES = {"small": 0.04, "large": 0.2, "rest": 0.76}


def rows(part: str, size: int = ROWS) -> pd.DataFrame:
    """Return rows of a part; the part's name is the seed."""
    rng = np.random.default_rng(list(part.encode()))
    frame = pd.DataFrame(rng.normal(10, 2, (size, len(NUMERIC))), columns=NUMERIC)
    for name, mix in (("kind", _KINDS), ("place", _PLACES)):
        frame[name] = rng.choice(list(mix), size, p=list(mix.values()))
    sums = frame[NUMERIC].to_numpy() @ np.linspace(2, 0.5, len(NUMERIC))
    return frame.assign(y=sums + 3 * (frame["kind"] == "b") + rng.normal(0, 3, size))


def model(params: Params) -> Pipeline:
    """Return a linear model behind one-hot categories."""
    kinds = OneHotEncoder(handle_unknown="ignore")
    return make_pipeline(
        ColumnTransformer([("kinds", kinds, ["kind", "place"])], remainder="passthrough"), Ridge(**params)
    )


USE_CASE = UseCase(
    name="made_rows",
    title="Synthetic rows",
    task=Task.REGRESSION,
    id_field="row_id",
    payload_field="row",
    features=[
        *(Feature(name=name, kind=Kind.NUMERIC, dtype=DType.FLOAT) for name in NUMERIC),
        *(Feature(name=name, kind=Kind.CATEGORICAL, dtype=DType.STR) for name in ("kind", "place")),
    ],
    target=Target(name="y", decimals=3),
    sources=[Synthetic(rows, fitted_to="nothing")],
    prepare=lambda raw: raw,
    rules=pa.DataFrameSchema({"y": pa.Column(float)}),
    train=["train"],
    validation=["reference"],
    demos={"normal": Demo(part="more", title="more"), "drifted": Demo(part="more", title="more")},
    pipeline=model,
    params={"alpha": 1.0},
    segments=["kind", "place"],
)


def load(split: str) -> tuple[Watched, Mapping[str, pd.DataFrame]]:
    """Train; windows are newly generated, so there are no held-out rows."""
    del split
    return watch(USE_CASE), {}


def windows(split: str, watched: Watched, _: Mapping[str, pd.DataFrame], draws: int) -> Iterator[Window]:
    """Yield newly generated windows, unchanged and shifted."""
    for size in SIZES:
        for number in range(count(draws, 300)):
            yield Window("calm", "fresh rows", _fresh(watched, f"{split}/{size}/{number}", size), number)
    pool = _fresh(watched, f"{split}/shifts", 100_000)
    yield from pairs(watched, pool, shifts(SUITE, watched), count(draws, 60), seed=1)
    yield from ramps(watched, pool, SUITE.moved[0], count(draws, 40), seed=2)


def subject() -> Subject:
    """Return the subject."""
    return Subject(
        name="Synthetic rows",
        about=(
            "Five independent normal columns and two categorical ones, a linear target, 10,000 reference "
            "rows, newly generated windows: sampling noise without any other change."
        ),
        splits=["made"],
        load=load,
        windows=windows,
    )


def _fresh(watched: Watched, part: str, size: int) -> pd.DataFrame:
    return watched.predicted(rows(part, size).rename(columns={USE_CASE.target.name: bundle.TARGET_COLUMN}))
