"""Synthetic outages: what they cost, and the CloudWatch metrics they leave.

The service is a queue in steps of ten seconds, served in order of arrival. Costs come from the records' own
waiting times, not from the metrics.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np

from benchmarks.cloudwatch_model.expressions import Series

Kind = Literal["stop", "throttle", "slow", "partial", "leak"]
Part = Literal["scoring", "lake"]

STEP = 10
STEPS = 60 // STEP
DAY = 1440
BUDGET_DAYS = 30
# Of the mean rate: how much the service can do when it catches up.
_CAPACITY = 6.0
_SCORING_SECONDS = 2.0
_BUFFER_SECONDS = 300

LATE, ON_TIME = "Scorewatch Late", "Scorewatch OnTime"
ARRIVED = "AWS/Kinesis IncomingRecords"
AGE = "AWS/Lambda IteratorAge"
WAITING, BEHIND = "AWS/Firehose DeliveryToS3.DataFreshness", "AWS/Firehose KinesisMillisBehindLatest"


@dataclass(frozen=True)
class Outage:
    """Fault from `start` on for `length`, both in minutes.

    `depth` is the share of the capacity that is lost (throttle), of the shards that stand still (partial), of
    the records that are held up for `seconds` (leak), or the seconds added to each record (slow).
    """

    part: Part
    kind: Kind
    start: int
    length: float
    depth: float
    seconds: float = 0.0


@dataclass(frozen=True)
class Traffic:
    """Records per step of a day-night rhythm, from midnight on."""

    arrivals: Series
    mean: float

    @property
    def minutes(self) -> int:
        """Minutes of traffic."""
        return len(self.arrivals) // STEPS


def traffic(rate: float, minutes: int, rng: np.random.Generator, night: float = 0.3) -> Traffic:
    """Return traffic of `rate` records per second on average, `night` times that at its lowest."""
    moment = np.arange(minutes * STEPS) / (DAY * STEPS)
    shape = 1 - (1 - night) * np.cos(2 * np.pi * moment)
    return Traffic(rng.poisson(rate * STEP * shape).astype(np.float64), rate * STEP)


@dataclass(frozen=True)
class Effect:
    """Cost in shares of the 30-day budget, and metrics by namespace and name, one value per minute."""

    cost: float
    metrics: dict[str, Series]


def scoring(outages: list[Outage], load: Traffic, objective: float, target: float) -> Effect:
    """Return the effect of outages of scoring; the objective is in seconds, the target in percent."""
    late, on_time, oldest = np.zeros(load.minutes), np.zeros(load.minutes), np.zeros(load.minutes)
    for share, affected in _queues(outages, "scoring"):
        arrivals = load.arrivals * share
        done = _done(arrivals, load.mean * share, affected)
        waits = done - np.arange(len(arrivals)) * STEP + _SCORING_SECONDS
        minute = (done // 60).astype(int)
        shown = minute < load.minutes
        is_late = waits > objective
        late += np.bincount(minute[shown], (arrivals * is_late)[shown], load.minutes)
        on_time += np.bincount(minute[shown], (arrivals * ~is_late)[shown], load.minutes)
        np.maximum.at(oldest, minute[shown], waits[shown])
    budget = load.mean * STEPS * DAY * BUDGET_DAYS * (100 - target) / 100
    arrived = load.arrivals.reshape(-1, STEPS).sum(axis=1)
    counted = late + on_time
    metrics = {
        LATE: np.where(counted > 0, np.round(late), np.nan),
        ON_TIME: np.where(counted > 0, np.round(on_time), np.nan),
        ARRIVED: np.where(arrived > 0, arrived, np.nan),
        AGE: np.where(counted > 0, oldest * 1000, np.nan),
    }
    return Effect(float(late.sum() / budget), metrics)


def lake(outages: list[Outage], load: Traffic, objective: float, target: float) -> Effect:
    """Return the effect of outages of delivery; the objective is in seconds, the target in percent."""
    oldest = np.zeros(load.minutes)
    for share, affected in _queues(outages, "lake"):
        done = _done(load.arrivals * share, load.mean * share, affected)
        # Firehose writes at the end of each buffering interval.
        delivered = (done // _BUFFER_SECONDS + 1) * _BUFFER_SECONDS
        ends = (np.arange(load.minutes) + 1) * 60.0
        first = np.searchsorted(np.maximum.accumulate(delivered), ends, side="right")
        ages = np.where(first < len(delivered), ends - first * STEP, 0.0)
        oldest = np.maximum(oldest, ages)
    bad = oldest > objective
    cost = bad.sum() / (DAY * BUDGET_DAYS * (100 - target) / 100)
    reads_late = any(outage.kind in ("throttle", "partial") for outage in outages)
    behind = np.maximum(oldest - _BUFFER_SECONDS, 0) * reads_late
    return Effect(float(cost), {WAITING: oldest - behind, BEHIND: behind * 1000})


def _queues(outages: list[Outage], part: Part) -> list[tuple[float, list[Outage]]]:
    """Return the shares of the records that wait in queues of their own, with the outages of each."""
    own = [o for o in outages if o.part == part]
    whole = [o for o in own if o.kind not in ("partial", "leak")]
    split = [(o.depth, [*whole, o]) for o in own if o.kind in ("partial", "leak")]
    rest = 1 - sum(share for share, _ in split)
    return [(rest, whole), *split]


def _done(arrivals: Series, mean: float, outages: list[Outage]) -> Series:
    """Return when the records of each step are done, in seconds; those never done get the end."""
    steps = np.arange(len(arrivals))
    capacity = np.full(len(arrivals), _CAPACITY * mean)
    extra = np.zeros(len(arrivals))
    for outage in outages:
        during = (steps >= outage.start * STEPS) & (steps < (outage.start + outage.length) * STEPS)
        if outage.kind in ("stop", "partial"):
            capacity[during] = 0
        elif outage.kind == "throttle":
            capacity[during] *= 1 - outage.depth
        else:
            extra[during] = outage.seconds if outage.kind == "leak" else outage.depth
    arrived, served = np.cumsum(arrivals), np.cumsum(capacity)
    # Served so far: all capacity but what passed while nothing waited.
    done = served + np.minimum.accumulate(np.minimum(arrived - served, 0))
    step = np.searchsorted(done, arrived - 1e-6 * mean)
    late_end = np.where(step < len(arrivals), step * STEP, len(arrivals) * STEP)
    return np.asarray(np.maximum(late_end, steps * STEP) + extra)
