"""The comparison of scoring with its simulation, on a recorded run of the embedded AWS."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks import scale
from benchmarks.queueing import Times
from benchmarks.scale import CALIBRATION, PHASES, Figures, Run, ScaleError

PACED = PHASES[0]


def times(pairs: list[tuple[float, int]]) -> Times:
    """Return the times of records from pairs of time and count."""
    moments, counts = zip(*pairs, strict=True)
    return np.repeat(np.array(moments), counts)


@pytest.fixture(scope="module")
def rounds() -> list[dict[scale.Phase, Run]]:
    """Return a run of `make bench-scale`."""
    found = json.loads(Path(__file__).with_name("scale_run.json").read_text())
    return [
        {
            phase: Run(*(times(one[phase.title][name]) for name in ("arrived", "started")))
            for phase in (CALIBRATION, *PHASES)
        }
        for one in found
    ]


def test_the_simulation_of_a_recorded_run_is_within_the_tolerance(
    rounds: list[dict[scale.Phase, Run]],
) -> None:
    text = "\n".join(scale.table(rounds))
    assert text.count("| yes |") == len(PHASES)
    assert "NO" not in text


def test_a_window_that_ends_at_once_differs_from_the_reader(rounds: list[dict[scale.Phase, Run]]) -> None:
    runs = [found[PACED] for found in rounds]
    each = scale.seconds_per_record([found[CALIBRATION] for found in rounds])
    longest = [scale.figures(runs, each, poll)[1].longest for poll in (0.0, scale.POLL_SECONDS)]
    assert longest[0] < 1.2 < longest[1]


def test_the_time_of_a_batch_does_not_include_waiting_for_records(
    rounds: list[dict[scale.Phase, Run]],
) -> None:
    backlog, paced = (scale.seconds_per_record([r[phase] for r in rounds]) for phase in (CALIBRATION, PACED))
    assert paced > 3 * backlog


def test_another_capacity_is_reported(rounds: list[dict[scale.Phase, Run]]) -> None:
    slower = [
        found | {CALIBRATION: Run(found[CALIBRATION].arrived, found[CALIBRATION].started * 2)}
        for found in rounds
    ]
    with pytest.raises(ScaleError, match=r"(?s)the simulation differs.*NO"):
        scale.table(slower)


@pytest.mark.parametrize(
    ("change", "agrees"),
    [
        ({}, True),
        ({"longest": 2.74}, True),
        ({"longest": 2.76}, False),
        ({"median": 0.54}, False),
        ({"batches": 11.0}, True),
        ({"batches": 14.0}, False),
    ],
)
def test_batches_and_waits_have_a_tolerance(change: dict[str, float], agrees: bool) -> None:
    measured = Figures(batches=10.0, median=0.3, longest=2.0)
    assert measured.agrees(replace(measured, **change)) is agrees
