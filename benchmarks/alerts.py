"""False alarms, power and delay of the alerts, compared with Evidently and NannyML.

Rows are real except for the synthetic subject; no window contains rows that training or the thresholds
used. All judges evaluate the same windows: Scorewatch by the monitor's checks, Evidently by its default
test per column (called directly, since one Report per window would take hours; `agreement` compares
both), NannyML with all defaults, in its own environment.

`python -m benchmarks alerts` writes results.md; `python -m benchmarks.alerts --draws 5 [SUBJECT ...]`
evaluates fewer windows and only prints.
"""

import argparse
import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from benchmarks.alert_quality import census, nannyml_judge
from benchmarks.alert_quality.measure import SUBJECTS, LeftOut, Measured, measure
from benchmarks.alert_quality.nannyml_judge import NannyMLError
from benchmarks.alert_quality.picture import draw
from benchmarks.alert_quality.tables import lines

DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
PICTURE = Path(__file__).with_name("alerts.png")
DRAWS = 100
_PREAMBLE = (
    "Scorewatch's thresholds are made for one false alarm in 1,000 windows, over all columns together, "
    "without labels. `with labels` adds the checks of performance and target drift, with a label for every "
    "record, `with 5% of labels` for a random twentieth of them; `seasons count` is the result with "
    "`seasonality: count` in `checks.json`, without labels. "
    "Evidently's dataset verdict is `half the columns`; NannyML has a verdict per column. Both run with all "
    "defaults, so NannyML's limits are three standard deviations around the mean of reference chunks of "
    "the window's size. Compare power only between judges with similar false-alarm rates. Windows overlap "
    "where a pool has fewer rows than all windows together, so the intervals (Wilson) cover the variation "
    "of the draws, not that of other years."
)


def run(names: Sequence[str] = (), draws: int = DRAWS, picture: Path = PICTURE) -> list[str]:
    """Return the section's Markdown lines, and draw the picture."""
    os.environ.setdefault("SCOREWATCH_DATA", str(DATA))
    # The subjects run in parallel, so each uses one thread for linear algebra.
    for variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ.setdefault(variable, "1")
    try:
        python, why = nannyml_judge.environment(), ""
    except NannyMLError as error:
        python, why = None, str(error)
    chosen = [name for name in SUBJECTS if not names or name in names]
    spawn = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=spawn) as pool:
        jobs = [pool.submit(measure, name, draws, python) for name in chosen]
        found = [job.result() for job in jobs]
    measured = [one for one in found if isinstance(one, Measured)]
    text = [_PREAMBLE]
    for one in found:
        if isinstance(one, LeftOut):
            text += ["", f"The subject {one.name} is left out: {one.reason}."]
        else:
            text += ["", *lines(one)]
    if not names or census.NAME in names:
        text += ["", *_census(python)]
    if why:
        text += ["", f"NannyML is left out: {why}."]
    if measured:
        draw(measured, picture)
        text += ["", "![False alarms and power of every judge](alerts.png)"]
    return text


def _census(python: Path | None) -> list[str]:
    """Return the section on NannyML's packaged data; `python` is the interpreter with NannyML."""
    if python is None:
        return ["The subject Census is left out: its data are NannyML's."]
    try:
        return census.lines(python)
    except (LookupError, NannyMLError) as error:
        return [f"The subject Census is left out: {error}."]


def main() -> None:
    """Measure the requested subjects and print the lines."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.alerts", description=__doc__)
    parser.add_argument("subjects", nargs="*", choices=[*SUBJECTS, census.NAME, []], metavar="SUBJECT")
    parser.add_argument(
        "--draws", type=int, default=DRAWS, help="scale of the number of windows; default 100"
    )
    parser.add_argument("--picture", type=Path, default=Path(".scorewatch/alerts.png"))
    given = parser.parse_args()
    given.picture.parent.mkdir(parents=True, exist_ok=True)
    print("\n".join(run(given.subjects, given.draws, given.picture)))


if __name__ == "__main__":
    main()
