"""Least delay of any detector for a rate of false alarms (Lorden 1971, Moustakides 1986).

Of all procedures whose mean number of records until a false alarm is at least A, none has a worst mean delay
below about log(A) / KL records (Lorden; Lai 1998 for dependent records). KL is the Kullback-Leibler
divergence of one record after the change from one before: d^2 / 2 for a normal mean that moves by d standard
deviations.
CUSUM is optimal (Moustakides). If the records are seen as increments of a Brownian motion, which only adds
information, its figures are exact (Shiryaev 1996): with the level h it has A = (exp(h) - h - 1) / KL and the
worst mean delay (h - 1 + exp(-h)) / KL. That delay is the bound here, a little less than log(A) / KL.
"""

import math

_YEAR = 365.25


def least_delay(deviations: float, *, per_day: float, false_alerts_per_year: float, statistics: int) -> float:
    """Return the bound in days for a normal mean, if each of `statistics` gets an equal part of the rate."""
    divergence = deviations**2 / 2
    level = _level(per_day * _YEAR * statistics / false_alerts_per_year * divergence)
    return (level - 1 + math.exp(-level)) / divergence / per_day


def _level(run_length: float) -> float:
    """Return h with exp(h) - h - 1 = `run_length`."""
    low, high = 0.0, 1 + math.log(run_length + 2)
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if math.exp(middle) - middle - 1 < run_length else (low, middle)
    return high
