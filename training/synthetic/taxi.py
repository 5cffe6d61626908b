"""Synthetic taxi rides with the distributions of real months.

Zone pairs, distances, hours, speeds and odd rows follow them.
`python -m training.synthetic.fit_taxi` fitted the parameters in `taxi.npz`: counts, means and
quantiles, no rides.
"""

import calendar
import zlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

Array = npt.NDArray[Any]

FITTED_TO = "190,000 yellow taxi trips of 2018-01 to 2019-06 and 2020-04 (NYC TLC)"
PARAMETERS = Path(__file__).with_name("taxi.npz")
ROWS = 10_000
ZONES = 265
LOCKDOWN = "2020-04"
# Knots of the mean duration, in log miles; linear in between.
KNOTS = np.log([0.05, 0.2, 0.4, 0.7, 1, 1.5, 2, 3, 4.5, 6.5, 9, 12, 16, 22, 40])
# Upper ends, in log miles, of the bins of the duration's spread.
BINS = np.log([0.3, 0.7, 1.5, 3, 8])
# Probabilities of the stored quantiles: denser in the tails, where interpolation is coarse.
_TAIL = [0.0, 0.0005, 0.002, 0.005, 0.01, 0.02, 0.04]
PROBABILITIES = np.array([*_TAIL, *np.linspace(0.07, 0.93, 30), *(1 - p for p in reversed(_TAIL))])


def month(part: str, rows: int = ROWS) -> pd.DataFrame:
    """Return the rides of a month such as 2019-04, reproducibly.

    Columns are those of the TLC's files: pickup and dropoff time, zones, distance in miles.
    """
    rng = np.random.default_rng(zlib.crc32(part.encode()))
    regime = parameters("lockdown" if part == LOCKDOWN else "ordinary")
    season = _season(part)
    pickup, dropoff, log_distance = _trips(rng, regime, season, rows)
    slot = rng.choice(168, rows, p=regime["slots"])
    zones = regime["pu_effect"][pickup] + regime["do_effect"][dropoff]
    log_minutes = zones + regime["slot_effect"][slot] + season["log_minutes"]
    log_minutes += np.interp(log_distance, KNOTS, regime["log_minutes"])
    log_minutes += _draw_each(rng, regime["minutes_spread"][np.searchsorted(BINS, log_distance)])
    distance, minutes = np.exp(log_distance), np.exp(log_minutes)
    _insert_odd(rng, regime, season, distance, minutes)
    start = _times(rng, part, slot)
    return pd.DataFrame(
        {
            "tpep_pickup_datetime": start,
            "tpep_dropoff_datetime": start + pd.to_timedelta(np.round(minutes * 60), unit="s"),
            "PULocationID": pickup,
            "DOLocationID": dropoff,
            "trip_distance": np.round(distance, 2),
        }
    )


@lru_cache(maxsize=4)
def parameters(regime: str) -> Mapping[str, Array]:
    """Return the fitted arrays of a regime: ordinary, lockdown or seasons."""
    with np.load(PARAMETERS, allow_pickle=False) as stored:
        return {k.removeprefix(f"{regime}."): stored[k] for k in stored.files if k.startswith(f"{regime}.")}


def _season(part: str) -> dict[str, Array]:
    """Return a month's departures from the regime.

    A month that was not fitted has the average of the same month of other years.
    """
    seasons = parameters("seasons")
    names = [str(n) for n in seasons["months"]]
    chosen = [n == part for n in names]
    if not any(chosen):
        chosen = [n[-2:] == part[-2:] for n in names]
    mask = np.array(chosen)
    return {k: v[mask].mean(axis=0) for k, v in seasons.items() if k != "months"}


def _trips(
    rng: np.random.Generator, regime: Mapping[str, Array], season: Mapping[str, Array], rows: int
) -> tuple[Array, Array, Array]:
    """Return pickup zone, dropoff zone and log miles.

    Common zone pairs are drawn as pairs, rare ones zone by zone.
    """
    pu, do = regime["pair_pu"], regime["pair_do"]
    weights = regime["pair_count"] * season["pu"][pu] * season["do"][do]
    pair = rng.choice(len(pu), rows, p=weights / weights.sum())
    quantiles = np.where((pu == do)[pair][:, None], regime["same_spread"], regime["pair_spread"])
    log_distance = regime["pair_log_distance"][pair] + _draw_each(rng, quantiles)
    pickup, dropoff = pu[pair].astype(np.int64), do[pair].astype(np.int64)

    rare = rng.random(rows) < regime["rare_share"]
    count = int(rare.sum())
    for zones, name in ((pickup, "pu"), (dropoff, "do")):
        shares = regime[f"rare_{name}"] * season[name]
        zones[rare] = rng.choice(ZONES + 1, count, p=shares / shares.sum())
    log_distance[rare] = (
        regime["rare_log_distance"]
        + regime["rare_pu_effect"][pickup[rare]]
        + regime["rare_do_effect"][dropoff[rare]]
        + _draw(rng, regime["rare_spread"], count)
    )
    limit = np.log([0.02, 60])
    return pickup, dropoff, np.clip(log_distance + season["log_distance"], *limit)


def _insert_odd(
    rng: np.random.Generator,
    regime: Mapping[str, Array],
    season: Mapping[str, Array],
    distance: Array,
    minutes: Array,
) -> None:
    """Change some rides into odd ones, at the fitted rates.

    Odd rides have zero distance, zero duration, a day's duration or a negative one.
    """
    rates = regime["odd_rates"] * season["odd"]
    kind = np.searchsorted(np.cumsum(rates), rng.random(len(distance)))
    for number, what in enumerate(("zero_distance", "zero_minutes", "long", "negative")):
        rows = kind == number
        if what == "zero_distance":
            distance[rows] = 0
        if what == "zero_minutes":
            minutes[rows] = 0
        else:
            minutes[rows] = _draw(rng, regime[f"{what}_minutes"], int(rows.sum()))


def _times(rng: np.random.Generator, part: str, slot: Array) -> pd.DatetimeIndex:
    """Return pickup times of the month in the given hours of week."""
    year, number = (int(x) for x in part.split("-"))
    days = np.arange(1, calendar.monthrange(year, number)[1] + 1)
    weekdays = (calendar.weekday(year, number, 1) + days - 1) % 7
    chosen = np.array([rng.choice(days[weekdays == s // 24]) for s in slot])
    seconds = (chosen - 1) * 86_400 + (slot % 24) * 3_600 + rng.integers(0, 3_600, len(slot))
    return pd.DatetimeIndex(pd.Timestamp(year, number, 1) + pd.to_timedelta(seconds, unit="s"))


def _draw(rng: np.random.Generator, quantiles: Array, count: int) -> Array:
    """Return values drawn from the distribution of the quantiles."""
    return np.interp(rng.random(count), PROBABILITIES, quantiles)


def _draw_each(rng: np.random.Generator, quantiles: Array) -> Array:
    """Return one value per row of quantiles."""
    position = rng.random(len(quantiles))
    left = np.searchsorted(PROBABILITIES, position, side="right") - 1
    row = np.arange(len(quantiles))
    low, high = quantiles[row, left], quantiles[row, left + 1]
    share = (position - PROBABILITIES[left]) / np.diff(PROBABILITIES)[left]
    values: Array = low + share * (high - low)
    return values
