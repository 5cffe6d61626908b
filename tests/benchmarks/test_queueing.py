"""The simulation of scoring against facts of queueing theory."""

import math
from dataclasses import replace

import numpy as np
import pytest

from benchmarks.queueing import Setup, main, poisson, report, simulate

ONE_BY_ONE = Setup(batch_seconds=0.01, record_seconds=0.0, batch_size=1, batching_window_seconds=0)
BATCHES = Setup(batch_seconds=0.02, record_seconds=0.0001, batch_size=100)
EAGER = replace(BATCHES, batching_window_seconds=0)


@pytest.mark.parametrize("load", [0.3, 0.6, 0.8])
def test_the_mean_wait_is_that_of_an_m_d_1_queue(load: float) -> None:
    found = simulate(ONE_BY_ONE, poisson(load / 0.01, 4_000, seed=1))
    waited = found.ages.mean() - 0.01
    assert waited == pytest.approx(load * 0.01 / (2 * (1 - load)), rel=0.05)


def test_littles_law_holds() -> None:
    arrivals = poisson(80, 1_000, seed=2)
    found = simulate(ONE_BY_ONE, arrivals)
    ends = np.sort(arrivals + found.ages)
    moments = np.linspace(10, 990, 20_001)
    inside = np.searchsorted(arrivals, moments) - np.searchsorted(ends, moments)
    assert inside.mean() == pytest.approx(80 * found.ages.mean(), rel=0.05)


def test_regular_arrivals_below_capacity_never_wait() -> None:
    found = simulate(ONE_BY_ONE, np.arange(1_000) * 0.011)
    assert found.ages == pytest.approx(np.full(1_000, 0.01))


@pytest.mark.parametrize("factor", [1, 2, 10])
def test_a_backlog_is_scored_at_the_capacity(factor: int) -> None:
    setup = replace(EAGER, shards=2, parallelization_factor=factor)
    assert setup.capacity == pytest.approx(2 * factor * 100 / 0.03)
    found = simulate(setup, np.zeros(1_000_000))
    assert 1_000_000 / found.end == pytest.approx(setup.capacity, rel=0.05)
    assert found.executions == 2 * factor


def test_concurrency_limits_the_batches_at_once() -> None:
    setup = replace(EAGER, shards=10, concurrency=3)
    found = simulate(setup, np.zeros(100_000))
    assert found.executions == 3
    assert 100_000 / found.end == pytest.approx(3 * 100 / 0.03, rel=0.05)


def test_above_capacity_the_age_grows_with_time() -> None:
    short, long = (simulate(EAGER, poisson(2 * EAGER.capacity, seconds)).age(100) for seconds in (10, 20))
    assert (short, long) == (pytest.approx(10, rel=0.1), pytest.approx(20, rel=0.1))


def test_a_window_delays_few_records_by_its_length_and_full_batches_not_at_all() -> None:
    few = simulate(BATCHES, poisson(10, 1_000))
    # The longest wait: a batch that just began, then a window, then the own batch.
    assert few.age(100) == pytest.approx(0.02 + 1 + 0.02, abs=0.01)
    assert few.ages.mean() == pytest.approx(0.5 + 0.02, rel=0.15)
    full = simulate(BATCHES, np.zeros(1_000))
    assert full.age(100) == pytest.approx(10 * 0.03)


def test_batches_close_at_their_size_and_hold_every_record_once() -> None:
    found = simulate(replace(BATCHES, shards=3), poisson(1_000, 10))
    assert len(found.ages) == len(poisson(1_000, 10))
    assert found.ages.min() >= 0.02
    assert found.batches >= math.ceil(len(found.ages) / 100)


def test_the_report_names_what_to_raise() -> None:
    assert "raise input_shards" in report(BATCHES, 3_000)
    slow = replace(BATCHES, batch_seconds=1.0)
    assert "raise parallelization_factor" in report(slow, 900)
    assert "raise" not in report(BATCHES, 900)


def test_the_command_sizes_shards_for_the_rate(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--rate", "2500"])
    assert "833 per shard" in capsys.readouterr().out


@pytest.mark.parametrize(("poll", "longest"), [(0, 1.0), (0.3, 1.2), (1.05, 1.95)])
def test_without_arrivals_a_window_ends_at_the_readers_next_look(poll: float, longest: float) -> None:
    # The last arrival is at 0.9 s, so the next looks are that of the window's end, at 1.2 s, at 1.95 s.
    found = simulate(replace(BATCHES, poll_seconds=poll), np.arange(10) * 0.1)
    assert (found.batches, found.waits.max()) == (1, pytest.approx(longest))


def test_an_arrival_is_a_look() -> None:
    found = simulate(replace(BATCHES, poll_seconds=5.0), np.array([0.0, 1.3]))
    assert (found.batches, found.waits.max()) == (1, pytest.approx(1.3))
