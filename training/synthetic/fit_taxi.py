"""Fit the taxi generator to real months: `python -m training.synthetic.fit_taxi FOLDER`.

FOLDER holds `yellow_YYYY-MM.csv.gz`. The output has counts, means and quantiles; zone pairs with
fewer than three rides are merged into their zones' totals.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from training.synthetic.taxi import BINS, KNOTS, LOCKDOWN, PARAMETERS, PROBABILITIES, ZONES, Array

PAIR_RIDES = 3
# Minutes above which the meter was left running.
LONG = 180
# Least expected rides for comparing a zone's share in a month.
COMPARABLE = 5
# Prior weight, in rides, that shrinks a zone's or hour's effect to zero.
PRIOR_RIDES = 30
ODD = ("zero_distance", "zero_minutes", "long", "negative")


def main() -> None:
    """Read the months, fit the generator and write taxi.npz."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, help="the folder with yellow_YYYY-MM.csv.gz")
    rides = read(parser.parse_args().folder)
    fitted = fit(rides)
    arrays: dict[str, Any] = {k: _compact(v) for k, v in fitted.items()}
    np.savez_compressed(PARAMETERS, **arrays)
    print(f"{len(rides):,} rides fitted: {PARAMETERS} has {PARAMETERS.stat().st_size:,} bytes")


def read(folder: Path) -> pd.DataFrame:
    """Return rides with month, minutes, hour of the week and kind.

    `odd` is the index in ODD, -1 for an ordinary ride.
    """
    frames = []
    for path in sorted(folder.glob("yellow_*.csv.gz")):
        rides = pd.read_csv(path, parse_dates=["tpep_pickup_datetime", "tpep_dropoff_datetime"])
        frames.append(rides.assign(month=path.name.removeprefix("yellow_").removesuffix(".csv.gz")))
    rides = pd.concat(frames, ignore_index=True)
    start = rides["tpep_pickup_datetime"].dt
    minutes = (rides["tpep_dropoff_datetime"] - rides["tpep_pickup_datetime"]).dt.total_seconds() / 60
    odd = np.select(
        [minutes < 0, minutes > LONG, minutes == 0, rides["trip_distance"] <= 0], [3, 2, 1, 0], default=-1
    )
    return rides.assign(minutes=minutes, slot=start.weekday * 24 + start.hour, odd=odd)


def fit(rides: pd.DataFrame) -> dict[str, Array]:
    """Return the generator's arrays for ordinary months, the lockdown and the seasons."""
    ordinary, lockdown = rides[rides["month"] != LOCKDOWN], rides[rides["month"] == LOCKDOWN]
    fitted = {f"ordinary.{k}": v for k, v in _fit_regime(ordinary).items()}
    fitted |= {f"lockdown.{k}": v for k, v in _fit_regime(lockdown).items()}
    return fitted | {f"seasons.{k}": v for k, v in _fit_seasons(ordinary, fitted).items()}


def _fit_regime(rides: pd.DataFrame) -> dict[str, Array]:
    good = rides[rides["odd"] < 0]
    return {**_fit_trips(good), **_fit_minutes(good), **_fit_odd(rides), "slots": _shares(rides["slot"], 168)}


def _fit_trips(good: pd.DataFrame) -> dict[str, Array]:
    log_distance = np.log(good["trip_distance"])
    groups = log_distance.groupby([good["PULocationID"], good["DOLocationID"]])
    count = groups.transform("size")
    common, rare = count >= PAIR_RIDES, good[count < PAIR_RIDES]
    pairs = groups.agg(["size", "mean"])
    pairs = pairs[pairs["size"] >= PAIR_RIDES]
    spread = (log_distance - groups.transform("mean")) * np.sqrt(count / (count - 1).clip(lower=1))
    same = good["PULocationID"] == good["DOLocationID"]
    rare_log = log_distance[rare.index]
    pu_effect = _effects(rare_log - rare_log.mean(), rare["PULocationID"], ZONES + 1)
    after_pu = rare_log - rare_log.mean() - pu_effect[rare["PULocationID"]]
    do_effect = _effects(after_pu, rare["DOLocationID"], ZONES + 1)
    return {
        "pair_pu": pairs.index.get_level_values(0).to_numpy(),
        "pair_do": pairs.index.get_level_values(1).to_numpy(),
        "pair_count": pairs["size"].to_numpy(),
        "pair_log_distance": pairs["mean"].to_numpy(),
        "pair_spread": np.quantile(spread[common & ~same], PROBABILITIES),
        "same_spread": np.quantile(spread[common & same], PROBABILITIES),
        "rare_share": np.array(1 - common.mean()),
        "rare_pu": _shares(rare["PULocationID"], ZONES + 1),
        "rare_do": _shares(rare["DOLocationID"], ZONES + 1),
        "rare_log_distance": np.array(rare_log.mean()),
        "rare_pu_effect": pu_effect,
        "rare_do_effect": do_effect,
        "rare_spread": np.quantile(after_pu - do_effect[rare["DOLocationID"]], PROBABILITIES),
    }


def _fit_minutes(good: pd.DataFrame) -> dict[str, Array]:
    log_distance = np.log(good["trip_distance"]).to_numpy()
    rest = np.log(good["minutes"])
    # Hat functions: weights of the knots in linear interpolation.
    hats = np.column_stack([np.interp(log_distance, KNOTS, unit) for unit in np.eye(len(KNOTS))])
    # A weak prior of 11 miles an hour sets knots without rides.
    prior = 0.1
    target = np.append(rest, prior * (KNOTS + np.log(60 / 11)))
    line = np.linalg.lstsq(np.vstack([hats, np.eye(len(KNOTS)) * prior]), target)[0]
    rest = rest - hats @ line
    effects = {}
    for name, column, size in (
        ("slot_effect", "slot", 168),
        ("pu_effect", "PULocationID", ZONES + 1),
        ("do_effect", "DOLocationID", ZONES + 1),
    ):
        effects[name] = _effects(rest, good[column], size)
        rest = rest - effects[name][good[column]]
    position = np.searchsorted(BINS, log_distance)
    spread = np.stack([np.quantile(rest[position == b], PROBABILITIES) for b in range(len(BINS) + 1)])
    return {"log_minutes": line, **effects, "minutes_spread": spread}


def _fit_odd(rides: pd.DataFrame) -> dict[str, Array]:
    rates = np.array([(rides["odd"] == number).mean() for number in range(len(ODD))])
    quantiles = {
        f"{name}_minutes": np.quantile(rides.loc[rides["odd"] == number, "minutes"], PROBABILITIES)
        if rates[number]
        else np.zeros(len(PROBABILITIES))
        for number, name in enumerate(ODD)
    }
    del quantiles["zero_minutes_minutes"]
    return {"odd_rates": rates, **quantiles}


def _fit_seasons(rides: pd.DataFrame, fitted: Mapping[str, Array]) -> dict[str, Array]:
    """Return each month's departures from all months.

    They concern zone shares, log distance, log minutes and odd rows.
    """
    good = rides[rides["odd"] < 0]
    months = sorted(rides["month"].unique())
    of_month = {m: good[good["month"] == m] for m in months}
    log_distance = np.log(good["trip_distance"])
    expected = (
        np.interp(log_distance, KNOTS, fitted["ordinary.log_minutes"])
        + fitted["ordinary.slot_effect"][good["slot"]]
        + fitted["ordinary.pu_effect"][good["PULocationID"]]
        + fitted["ordinary.do_effect"][good["DOLocationID"]]
    )
    rest = np.log(good["minutes"]) - expected
    return {
        "months": np.array(months),
        "pu": np.stack([_ratios(good["PULocationID"], f["PULocationID"]) for f in of_month.values()]),
        "do": np.stack([_ratios(good["DOLocationID"], f["DOLocationID"]) for f in of_month.values()]),
        "log_distance": _means(log_distance, of_month) - log_distance.mean(),
        "log_minutes": _means(rest, of_month),
        "odd": np.array([(rides["month"] == m)[rides["odd"] >= 0].sum() for m in months])
        / (rides["odd"] >= 0).mean()
        / (len(rides) / len(months)),
    }


def _means(values: pd.Series, of_month: Mapping[str, pd.DataFrame]) -> Array:
    return np.array([values[frame.index].mean() for frame in of_month.values()])


def _ratios(all_zones: pd.Series, zones: pd.Series) -> Array:
    """Return each zone's share in a month over its overall share.

    Ratios shrink to 1 as far as noise explains them.
    """
    share, seen = _shares(all_zones, ZONES + 1), np.bincount(zones, minlength=ZONES + 1)
    expected = share * len(zones)
    enough = expected >= COMPARABLE
    chi_square = ((seen - expected)[enough] ** 2 / expected[enough]).sum()
    weight = max(0.0, 1 - (enough.sum() - 1) / chi_square)
    return np.where(enough, 1 + weight * (seen / np.maximum(expected, 1e-9) - 1), 1)


def _effects(values: pd.Series, groups: pd.Series, size: int) -> Array:
    """Return each group's mean, shrunk to zero for few rides."""
    count = np.bincount(groups, minlength=size)
    return np.bincount(groups, weights=values, minlength=size) / (count + PRIOR_RIDES)


def _shares(values: pd.Series, size: int) -> Array:
    return np.bincount(values, minlength=size) / len(values)


def _compact(values: Array) -> Array:
    """Return the array as uint16 or float32 where it fits."""
    if values.dtype.kind == "i":
        return values.astype(np.uint16)
    return values.astype(np.float32) if values.dtype.kind == "f" else values


if __name__ == "__main__":
    main()
