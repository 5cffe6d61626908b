"""How far from the reference is too far: limits made at training, believed at run time.

A limit has two parts. Noise: how far a window of n undrifted rows lies from m reference rows by
chance, for a false-alarm rate over all columns and statistics together (Bonferroni). It is found by
drawing pairs of windows from the reference, with a generalised Pareto fit for the tail no number of
draws reaches (Pickands 1975; Coles 2001, chapter 4), and scales with sqrt(1/n + 1/m), so one number
serves every window size. Tolerance: how much a column may really change before it matters. Weeks and
seasons differ in any business; the part of that which the reference itself shows, or a stated
default, is allowed. A user who wants to hear of it sets `seasonality` to `count`.
"""

import msgspec
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from scipy import stats

from contract import bundle
from contract.schema import Contract, Struct
from lambda_monitor.profile import Layout, NumericLayout, Profile, shares
from lambda_monitor.statistics import (
    MIX,
    SHAPE,
    SHIFT,
    SPREAD,
    distances,
    grouped,
    mix_distance,
    shape_distance,
)

METHOD = "paired resampling of the reference, generalised Pareto tail, Bonferroni, tolerance"
# Fewer rows than this say nothing about a distribution: no drift check is made.
LEAST_ROWS = 100
# Changes below these matter to nobody: about as much as ordinary months of real taxi trips differ from
# one another (make bench-alerts), and a third or less of a shift a person would call one.
TOLERANCE = {SHIFT: 0.06, SPREAD: 0.1, SHAPE: 0.04, MIX: 0.06}

_ODD_RATE = 1e-4
_DRAWS = 4_000
_CHUNK = 250
_TAIL = 0.1
_TAIL_SHAPES = (-0.5, 0.2)
_LEAST_BLOCKS = 4

Array = npt.NDArray[np.float64]


class Limit(Struct, frozen=True, kw_only=True):
    """The limit of one statistic of one column."""

    noise: float
    tolerance: float

    def at(self, rows: int, reference_rows: int, *, tolerate: bool = True) -> float:
        """Return the limit for a window of `rows` against `reference_rows`."""
        noise = self.noise * float(np.sqrt(1 / rows + 1 / reference_rows))
        return noise + (self.tolerance if tolerate else 0.0)


class Thresholds(Struct, frozen=True, kw_only=True):
    """`thresholds.json`: limits by column and statistic, and how they were made."""

    method: str
    seed: int
    draws: int
    window_rows: int
    reference_rows: int
    false_alarm_rate: float
    limits: dict[str, dict[str, Limit]]
    schema_version: int = 1

    def to_json(self) -> bytes:
        """Return `thresholds.json`, indented for people."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"


def load(data: bytes) -> Thresholds:
    """Read `thresholds.json`. Raises msgspec.DecodeError."""
    return msgspec.json.decode(data, type=Thresholds)


def compute(
    reference: pd.DataFrame, contract: Contract, *, window_rows: int, false_alarm_rate: float, seed: int
) -> bytes:
    """Return `thresholds.json` for windows of about `window_rows` rows (any size can be judged by it).

    `false_alarm_rate` is the chance that a window without drift raises any drift alert at all.
    """
    table = pa.Table.from_pandas(reference, preserve_index=False)
    layout = Layout.of(contract, table)
    size = int(np.clip(window_rows, LEAST_ROWS, 2_000))
    rng = np.random.default_rng(seed)
    drawn: dict[str, dict[str, Array]] = {
        name: _draws_numeric(reference[name].to_numpy(np.float64), spec, size, rng)
        for name, spec in layout.numeric.items()
    }
    whole = Profile.of(table, layout)
    for name, spec in layout.categorical.items():
        drawn[name] = _draws_categorical(shares(grouped(whole.categorical[name], spec)), size, rng)
    rate = false_alarm_rate / sum(len(found) for found in drawn.values())
    natural = _natural_change(table, layout, drawn, size=size, window_rows=window_rows)
    limits = {
        name: {
            statistic: Limit(
                noise=round(_quantile(values, rate) / float(np.sqrt(2 / size)), 6),
                tolerance=round(max(TOLERANCE[statistic], natural.get((name, statistic), 0.0)), 6),
            )
            for statistic, values in found.items()
        }
        for name, found in drawn.items()
    }
    return Thresholds(
        method=METHOD,
        seed=seed,
        draws=_DRAWS,
        window_rows=window_rows,
        reference_rows=len(reference),
        false_alarm_rate=false_alarm_rate,
        limits=limits,
    ).to_json()


def share_limit(expected: float, rows: int) -> float:
    """Return the share of odd values that `rows` undrifted rows stay below, but for one window in 10,000.

    Half as many again as in the reference, and half a percent, are allowed: the odd row is ordinary.
    """
    return float(stats.binom.isf(_ODD_RATE, rows, min(expected * 1.5 + 0.005, 1.0))) / rows


def _draws_numeric(
    values: Array, spec: NumericLayout, size: int, rng: np.random.Generator
) -> dict[str, Array]:
    """Return each statistic between pairs of windows of `size` rows drawn from `values`."""
    values = values[np.isfinite(values)]
    clipped = np.clip(values, *spec.clip)
    deviation = clipped.std()
    bins = shares(np.bincount(np.searchsorted(spec.edges, values), minlength=len(spec.edges) + 1).tolist())
    found: dict[str, list[Array]] = {SHIFT: [], SPREAD: [], SHAPE: []}
    for _ in range(_DRAWS // _CHUNK):
        pair = [rng.choice(clipped, (_CHUNK, size)) for _ in range(2)]
        if deviation > 0:
            found[SHIFT].append(np.abs(pair[0].mean(axis=1) - pair[1].mean(axis=1)) / deviation)
            spread = [np.maximum(side.std(axis=1), deviation * 1e-6) for side in pair]
            found[SPREAD].append(np.abs(np.log(spread[0] / spread[1])))
        counts = [rng.multinomial(size, bins, _CHUNK) / size for _ in range(2)]
        found[SHAPE].append(shape_distance(*counts))
    return {statistic: np.concatenate(parts) for statistic, parts in found.items() if parts}


def _draws_categorical(mix: Array, size: int, rng: np.random.Generator) -> dict[str, Array]:
    pair = [rng.multinomial(size, mix / mix.sum(), _DRAWS) / size for _ in range(2)]
    return {MIX: mix_distance(*pair)}


def _quantile(values: Array, rate: float) -> float:
    """Return the value exceeded with probability `rate`, beyond what the draws themselves reach."""
    start = float(np.quantile(values, 1 - _TAIL))
    excess = values[values > start] - start
    if rate >= _TAIL or not len(excess):
        return float(np.quantile(values, 1 - rate))
    shape, _, scale = stats.genpareto.fit(excess, floc=0)
    # A few hundred points fix the tail's weight poorly: keep it between bounded and slightly heavy.
    shape = float(np.clip(shape, *_TAIL_SHAPES))
    return start + float(stats.genpareto.isf(rate / _TAIL, shape, scale=scale))


def _natural_change(
    table: pa.Table, layout: Layout, drawn: dict[str, dict[str, Array]], *, size: int, window_rows: int
) -> dict[tuple[str, str], float]:
    """Return how much each statistic varies between stretches of time of the reference, beyond noise.

    Nothing where the data has no time, or too few stretches of a window's size.
    """
    count = len(table) // window_rows
    if bundle.TIME_COLUMN not in table.column_names or count < _LEAST_BLOCKS:
        return {}
    ordered = table.sort_by(bundle.TIME_COLUMN)
    whole = Profile.of(ordered, layout)
    blocks = [Profile.of(ordered.slice(i * window_rows, window_rows), layout) for i in range(count)]
    chance = 1 / window_rows - 1 / len(table)
    result = {}
    for name, found in drawn.items():
        measured = [distances(whole, block, name, layout) for block in blocks]
        for statistic, values in found.items():
            noise = float((values**2).mean()) / (2 / size) * chance
            excess = float(np.mean([m[statistic].value ** 2 - noise for m in measured if statistic in m]))
            result[name, statistic] = float(np.sqrt(max(excess, 0.0)))
    return result
