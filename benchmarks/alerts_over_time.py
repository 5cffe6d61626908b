"""Scheduled decisions on real hours: false alerts as the months came, delays, other rules on the same days.

`python -m benchmarks alerts_over_time` writes results.md and docs/evidence.png; `python -m
benchmarks.alerts_over_time` only prints. The rate by chance is measured by benchmarks/false_alarms.py.
"""

import argparse
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from itertools import chain
from pathlib import Path

from benchmarks.alert_quality import (
    delays,
    flights_over_time,
    label_delays,
    label_episodes,
    odd_values,
    over_time,
    same_days,
    taxi,
)
from benchmarks.alerts import DATA

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "evidence.png"


def run(picture: Path = PICTURE) -> list[str]:
    """Return the section's Markdown lines, and draw the picture."""
    os.environ.setdefault("SCOREWATCH_DATA", str(DATA))
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=spawn) as pool:
        came = list(chain.from_iterable(pool.map(over_time.as_came, taxi.REFERENCES)))
        flown = _flights(pool)
        drift = list(pool.map(delays.measured, *zip(*delays.tasks(), strict=True)))
        ordinary = list(pool.map(label_episodes.measured, taxi.REFERENCES))
        labels = list(pool.map(label_delays.measured, *zip(*label_delays.tasks(), strict=True)))
    from benchmarks.alert_quality import evidence_picture  # noqa: PLC0415  # matplotlib is slow to import

    evidence_picture.draw(over_time.subject(taxi.SHIPPED), picture)
    parts = [
        over_time.lines(came),
        flown,
        delays.lines(drift),
        odd_values.lines(),
        label_delays.lines(labels),
        label_episodes.lines(ordinary),
    ]
    return [line for part in [*parts, same_days.lines()] for line in ("", *part)][1:]


def _flights(pool: ProcessPoolExecutor) -> list[str]:
    """Return the section on flights."""
    tasks = zip(*flights_over_time.tasks(), strict=True)
    try:
        return flights_over_time.lines(list(pool.map(flights_over_time.as_came, *tasks)))
    except LookupError as error:
        return [f"Flights as they came are left out: {error}."]


def main() -> None:
    """Print the lines."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.alerts_over_time", description=__doc__)
    parser.add_argument("--picture", type=Path, default=Path(".scorewatch/evidence.png"))
    given = parser.parse_args()
    given.picture.parent.mkdir(parents=True, exist_ok=True)
    print("\n".join(run(given.picture)))


if __name__ == "__main__":
    main()
