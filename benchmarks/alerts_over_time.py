"""False alerts per model-year and delays of the scheduled decisions, beside the limits of one window.

`python -m benchmarks alerts_over_time` writes results.md and docs/evidence.png; `python -m
benchmarks.alerts_over_time --years 100` replays fewer model-years and only prints.
"""

import argparse
import os
from pathlib import Path

from benchmarks.alert_quality import over_time
from benchmarks.alerts import DATA

PICTURE = Path(__file__).resolve().parents[1] / "docs" / "evidence.png"
YEARS = 10_000


def run(years: int = YEARS, picture: Path = PICTURE) -> list[str]:
    """Return the section's Markdown lines, and draw the picture."""
    os.environ.setdefault("SCOREWATCH_DATA", str(DATA))
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    return over_time.lines(years, picture)


def main() -> None:
    """Print the lines."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.alerts_over_time", description=__doc__)
    parser.add_argument("--years", type=int, default=YEARS, help="model-years to replay; default 10,000")
    parser.add_argument("--picture", type=Path, default=Path(".scorewatch/evidence.png"))
    given = parser.parse_args()
    given.picture.parent.mkdir(parents=True, exist_ok=True)
    print("\n".join(run(given.years, given.picture)))


if __name__ == "__main__":
    main()
