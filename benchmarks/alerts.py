"""How far the alerts can be believed: false alarms on undrifted windows, power and delay on shifted ones.

Rows are real but for one subject that says so, and no window is drawn from rows that training or the
thresholds saw. Everyone judges the very same windows: Scorewatch by the checks its monitor makes,
Evidently by its default tests a column (called directly, since a Report a window would take hours;
`agreement` compares both), NannyML with every default, in an environment of its own.

`python -m benchmarks alerts` keeps what it finds in results.md; `python -m benchmarks.alerts --draws 5
[SUBJECT ...]` looks at fewer windows and keeps nothing.
"""

import argparse
import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks.alert_quality import nannyml_judge
from benchmarks.alert_quality.measure import SUBJECTS, LeftOut, Measured, measure
from benchmarks.alert_quality.nannyml_judge import NannyMLError
from benchmarks.alert_quality.picture import draw
from benchmarks.alert_quality.tables import lines

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
PICTURE = Path(__file__).with_name("alerts.png")
DRAWS = 100
_PREAMBLE = (
    "Scorewatch's thresholds are made for one false alarm in 1,000 windows, over all columns together, "
    "without labels. `with labels` adds the checks of the error and of the target once every record has "
    "its label; `seasons count` is what `checks.json` with `seasonality: count` makes of the same windows, "
    "without labels. Evidently's dataset verdict is `half the columns`, NannyML tells each column; both "
    "with every default, so NannyML's limits are three standard deviations around what chunks of the "
    "reference, of the window's size, show. A judge's power is worth what its false alarms leave of it. "
    "Windows overlap where a pool has fewer rows than all of them, so the intervals, "
    "Wilson's, are of the drawing, not of other years."
)


def run(names: Sequence[str] = (), draws: int = DRAWS, picture: Path = PICTURE) -> list[str]:
    """Return the section's lines, Markdown, and draw the picture."""
    os.environ.setdefault("SCOREWATCH_DATA", str(DATA))
    # Short sums on many threads wait for one another; the subjects run side by side instead.
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    try:
        python, why = nannyml_judge.environment(), ""
    except NannyMLError as error:
        python, why = None, str(error)
    chosen = names or list(SUBJECTS)
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=spawn) as pool:
        jobs = [pool.submit(measure, name, draws, python) for name in chosen]
        found = [job.result() for job in jobs]
    measured = [one for one in found if isinstance(one, Measured)]
    said = [_PREAMBLE]
    for one in found:
        if isinstance(one, LeftOut):
            said += ["", f"The subject {one.name} is left out: {one.reason}."]
        else:
            said += ["", *lines(one)]
    if why:
        said += ["", f"NannyML is left out: {why}."]
    if measured:
        draw(measured, picture)
        said += ["", "![False alarms and power of every judge](alerts.png)"]
    return said


def main() -> None:
    """Measure what is asked for and print it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.alerts", description=__doc__)
    parser.add_argument("subjects", nargs="*", choices=[*SUBJECTS, []], metavar="SUBJECT")
    parser.add_argument("--draws", type=int, default=DRAWS, help="100 are what results.md has")
    parser.add_argument("--picture", type=Path, default=Path(".scorewatch/alerts.png"))
    given = parser.parse_args()
    given.picture.parent.mkdir(parents=True, exist_ok=True)
    print("\n".join(run(given.subjects, given.draws, given.picture)))


if __name__ == "__main__":
    main()
