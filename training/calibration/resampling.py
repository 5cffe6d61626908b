"""Null distributions of drift statistics by resampling the reference.

A window's rows are drawn with replacement. The reference is finite, so its sampling error is drawn too:
by multinomial counts for statistics of counts, by the normal limit for statistics of moments. The tail
beyond the draws is a generalised Pareto distribution of the excesses (Pickands 1975; Coles 2001,
chapter 4), fitted by its first two L-moments (Hosking and Wallis 1987): a closed form, as accurate as
maximum likelihood for these shapes.
"""

import numpy as np
import numpy.typing as npt

from lambda_monitor.profiles.distances import (
    LEVEL,
    MIX,
    SHAPE,
    SHIFT,
    SPREAD,
    level_distance,
    mix_distance,
    shape_distance,
)
from lambda_monitor.profiles.profile import NumericSpec, shares

DRAWS = 20_000
_CHUNK = 500
_SHARED = 10
_TAIL = 0.05
# A thousand excesses estimate the shape roughly: limit it to bounded or slightly heavy tails.
_TAIL_SHAPES = (-0.5, 0.2)

Array = npt.NDArray[np.float64]


def numeric(values: Array, spec: NumericSpec, size: int, rng: np.random.Generator) -> dict[str, Array]:
    """Return draws of each statistic of a numeric column without drift.

    Each of the `DRAWS` windows has `size` rows, its reference `len(values)`.
    """
    clipped = np.clip(values, *spec.clip)
    deviation = float(clipped.std())
    found: dict[str, Array] = {}
    if deviation > 0:
        found |= _moments(clipped, deviation, size, rng)
    bins = np.bincount(np.searchsorted(spec.edges, values, side="left"), minlength=len(spec.edges) + 1)
    windows, references = _counts(shares(bins.tolist()), size, len(values), rng)
    found[SHAPE] = shape_distance(references, windows)
    return found


def shift(values: Array, size: int, rng: np.random.Generator) -> Array:
    """Return draws of the shift of the mean, in standard deviations.

    Each of the `DRAWS` windows has `size` rows.
    """
    return _moments(values, float(values.std()), size, rng)[SHIFT]


def categorical(counts: list[int], size: int, rng: np.random.Generator) -> dict[str, Array]:
    """Return draws of each statistic of a categorical column without drift.

    Each of the `DRAWS` windows has `size` rows, its reference `sum(counts)`.
    """
    windows, references = _counts(shares(counts), size, sum(counts), rng)
    return {MIX: mix_distance(references, windows), LEVEL: level_distance(references, windows)}


def exceeded(values: Array, rate: float) -> float:
    """Return the value exceeded with probability `rate`.

    Beyond the draws it comes from a generalised Pareto tail.
    """
    from scipy import stats  # noqa: PLC0415  # only training needs scipy

    start = float(np.quantile(values, 1 - _TAIL))
    excess = values[values > start] - start
    if rate >= _TAIL or not len(excess):
        return float(np.quantile(values, 1 - rate))
    mean, half_spread = stats.lmoment(excess, order=[1, 2])
    shape = float(np.clip(2 - mean / half_spread, *_TAIL_SHAPES))
    return start + float(stats.genpareto.isf(rate / _TAIL, shape, scale=mean * (1 - shape)))


def _moments(clipped: Array, deviation: float, size: int, rng: np.random.Generator) -> dict[str, Array]:
    """Return draws of shift and spread.

    The reference's errors of the mean and of the logarithm of the deviation are drawn as normal.
    """
    standard = (clipped - clipped.mean()) / deviation
    # For a sample of m: var(mean) = 1/m, var(log sd) = (kurtosis - 1)/4m, covariance = skewness/2m.
    skewness, kurtosis = float((standard**3).mean()), float((standard**4).mean())
    covariance = np.array([[1, skewness / 2], [skewness / 2, (kurtosis - 1) / 4]]) / len(clipped)
    errors = rng.multivariate_normal([0, 0], covariance, DRAWS, method="eigh")
    means, squares = [], []
    for _ in range(DRAWS // _CHUNK):
        drawn = standard.take(rng.integers(0, len(standard), (_CHUNK, size)))
        means.append(drawn.mean(axis=1))
        squares.append(np.einsum("ij,ij->i", drawn, drawn) / size)
    mean = np.concatenate(means)
    spread = np.sqrt(np.maximum(np.concatenate(squares) - mean**2, 1e-12))
    return {SHIFT: np.abs(mean - errors[:, 0]), SPREAD: np.abs(np.log(spread) - errors[:, 1])}


def _counts(mix: Array, size: int, reference: int, rng: np.random.Generator) -> tuple[Array, Array]:
    """Return category shares of `DRAWS` windows and of their references.

    Ten windows share a drawn reference.
    """
    mix = mix / mix.sum()
    references = rng.multinomial(reference, mix, DRAWS // _SHARED) / reference
    return rng.multinomial(size, mix, DRAWS) / size, np.repeat(references, _SHARED, axis=0)
