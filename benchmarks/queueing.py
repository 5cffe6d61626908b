"""Simulation of a stream's scoring: shards, parallelization factor, batching window, concurrency.

A lane is one of the batches of a shard that Lambda scores concurrently. It takes records in order: a
batch closes when it is full or its window ends, then waits for a free execution, then takes
`batch_seconds` + n * `record_seconds`. Records of a lane wait for the batch before them. A window ends
at a look of the lane's reader: at an arrival, or `poll_seconds` after the look before.
"""

import argparse
import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.cost import measured

_CPU_MB = 1_769
_SECONDS = 120.0
_SHARD_RECORDS = 1_000
Times = np.ndarray[tuple[int], np.dtype[np.float64]]


@dataclass(frozen=True)
class Setup:
    """Terraform's variables that decide on capacity, and the time of a batch in seconds."""

    batch_seconds: float
    record_seconds: float
    shards: int = 1
    parallelization_factor: int = 1
    concurrency: int = 1000
    batch_size: int = 1000
    batching_window_seconds: float = 1.0
    poll_seconds: float = 0.0

    @property
    def lanes(self) -> int:
        """Batches that are scored concurrently at most."""
        return min(self.shards * self.parallelization_factor, self.concurrency)

    @property
    def capacity(self) -> float:
        """Records per second that full batches can be scored at."""
        return self.lanes * self.batch_size / (self.batch_seconds + self.batch_size * self.record_seconds)


@dataclass(frozen=True)
class Result:
    """Age of each record when its batch starts and ends, in seconds; batches, and most of them at once."""

    waits: Times
    ages: Times
    batches: int
    executions: int
    end: float

    def age(self, percent: float) -> float:
        """Return a percentile of the ages."""
        return float(np.percentile(self.ages, percent))


def poisson(rate: float, seconds: float, seed: int = 0) -> Times:
    """Return times of independent arrivals."""
    rng = np.random.default_rng(seed)
    return np.sort(rng.uniform(0.0, seconds, rng.poisson(rate * seconds)))


def simulate(setup: Setup, arrivals: Times, seed: int = 0) -> Result:
    """Return the result of records that arrive at these times, with keys that spread evenly."""
    lanes = setup.shards * setup.parallelization_factor
    lane = np.random.default_rng(seed).integers(0, lanes, len(arrivals))
    queues = [np.sort(arrivals[lane == number]) for number in range(lanes)]
    free = [0.0] * setup.concurrency
    running: list[float] = []
    ready = [(_closes(setup, queue, 0, 0.0), number, 0) for number, queue in enumerate(queues) if len(queue)]
    heapq.heapify(ready)
    waits, ages, batches, executions, last = [], [], 0, 0, 0.0
    while ready:
        closed, number, first = heapq.heappop(ready)
        queue = queues[number]
        arrived = int(np.searchsorted(queue, closed, side="right"))
        count = min(arrived - first, setup.batch_size)
        start = max(closed, heapq.heappop(free))
        end = start + setup.batch_seconds + count * setup.record_seconds
        heapq.heappush(free, end)
        while running and running[0] <= start:
            heapq.heappop(running)
        heapq.heappush(running, end)
        batches, executions, last = batches + 1, max(executions, len(running)), max(last, end)
        waits.append(start - queue[first : first + count])
        ages.append(end - queue[first : first + count])
        if first + count < len(queue):
            following = _closes(setup, queue, first + count, end)
            heapq.heappush(ready, (following, number, first + count))
    none = [np.empty(0)]
    return Result(np.concatenate(waits or none), np.concatenate(ages or none), batches, executions, last)


def _closes(setup: Setup, queue: Times, first: int, idle: float) -> float:
    """Return when the batch that begins with record `first` closes, if the lane is idle from `idle` on."""
    opened = max(idle, float(queue[first]))
    window = _look(setup, queue, opened, opened + setup.batching_window_seconds)
    full = first + setup.batch_size - 1
    return min(window, max(opened, float(queue[full]))) if full < len(queue) else window


def _look(setup: Setup, queue: Times, opened: float, end: float) -> float:
    """Return the reader's first look from `end` on, if it looked at `opened`."""
    if not setup.poll_seconds:
        return end
    following = int(np.searchsorted(queue, end))
    last = max(opened, float(queue[following - 1])) if following else opened
    polled = last + math.ceil((end - last) / setup.poll_seconds) * setup.poll_seconds
    return min(polled, float(queue[following])) if following < len(queue) else polled


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what a setup carries at a rate, with the measured time of a batch."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.queueing", description=__doc__)
    parser.add_argument("--rate", type=float, required=True, help="records per second")
    parser.add_argument("--shards", type=int, help="default: one per 1,000 records/s")
    parser.add_argument("--factor", type=int, default=1, help="parallelization_factor")
    parser.add_argument("--concurrency", type=int, default=1000, help="of the function")
    parser.add_argument("--batch-size", type=int, default=1000)
    parser.add_argument("--window", type=float, default=1.0, help="batching_window_seconds")
    parser.add_argument("--memory-mb", type=int, default=1024, help="predict_memory_mb")
    given = parser.parse_args(arguments)
    known, slower = measured.load(), max(1.0, _CPU_MB / given.memory_mb)
    setup = Setup(
        batch_seconds=known.batch_ms * slower / 1000,
        record_seconds=known.record_ms * slower / 1000,
        shards=given.shards or max(1, -int(-given.rate // _SHARD_RECORDS)),
        parallelization_factor=given.factor,
        concurrency=given.concurrency,
        batch_size=given.batch_size,
        batching_window_seconds=given.window,
    )
    print(report(setup, given.rate))


def report(setup: Setup, rate: float) -> str:
    """Return lines on capacity, age of records and executions at a rate."""
    found = simulate(setup, poisson(rate, _SECONDS))
    enough = rate <= setup.capacity
    per_shard = rate / setup.shards
    rows = len(found.ages) / found.batches
    lines = [
        f"load            {rate:,.0f} records/s, {per_shard:,.0f} per shard (a shard takes 1,000)",
        f"capacity        {setup.capacity:,.0f} records/s in {setup.lanes} concurrent batches",
        f"batches         {found.batches / found.end:,.1f} per second of {rows:,.0f} records, "
        f"{found.executions} at once",
        f"age when scored median {found.age(50):.2f} s, 99% {found.age(99):.2f} s, "
        f"largest {found.age(100):.2f} s",
    ]
    if per_shard > _SHARD_RECORDS:
        lines.append("The shards throttle puts: raise input_shards, or set it to null.")
    if not enough:
        lines.append("Records wait longer and longer: raise parallelization_factor, then predict_memory_mb.")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
