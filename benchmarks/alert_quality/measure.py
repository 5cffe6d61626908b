"""Run every judge on every window of a subject."""

import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from benchmarks.alert_quality import flights, judges, synthetic, taxi, wines
from benchmarks.alert_quality.nannyml_judge import Docket, NannyMLError
from benchmarks.alert_quality.subject import Subject, Watched, Window
from contract.bundle import TARGET_COLUMN

SUBJECTS = {
    "taxi": taxi.subject,
    "flights": flights.subject,
    "wines": wines.subject,
    "made": synthetic.subject,
}
_REPORTS = 4
_PROGRESS_EVERY = 500


@dataclass
class Measured:
    """Verdicts on a subject: one row per window, one column per judge."""

    name: str
    about: str
    verdicts: pd.DataFrame
    agreement: tuple[int, int] = (0, 0)
    reasons: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    without_nannyml: str = ""


@dataclass(frozen=True)
class LeftOut:
    """A subject that is not available, and why."""

    name: str
    reason: str


def measure(name: str, draws: int, python: Path | None) -> Measured | LeftOut:
    """Run all judges on a subject; `python` is the interpreter with NannyML."""
    try:
        subject = SUBJECTS[name]()
    except LookupError as error:
        return LeftOut(name, str(error))
    rows: list[dict[str, object]] = []
    found = Measured(subject.name, subject.about, pd.DataFrame())
    with tempfile.TemporaryDirectory() as scratch:
        docket = Docket(Path(scratch))
        for split in subject.splits:
            _progress(name, f"training and thresholds, {split}")
            watched, pools = subject.load(split)
            kept = list(_judged(name, subject, split, watched, pools, draws, found, rows))
            if python is not None:
                docket.add(watched, kept)
        found.verdicts = pd.DataFrame(rows)
        if python is not None:
            _progress(name, f"NannyML on {len(rows):,} windows")
            try:
                theirs = pd.DataFrame.from_dict(docket.verdicts(python), orient="index")
                found.verdicts = found.verdicts.join(theirs)
            except NannyMLError as error:
                found.without_nannyml = str(error)
    _progress(name, "done")
    return found


def _judged(
    name: str,
    subject: Subject,
    split: str,
    watched: Watched,
    pools: Mapping[str, pd.DataFrame],
    draws: int,
    found: Measured,
    rows: list[dict[str, object]],
) -> Iterator[tuple[int, pd.DataFrame]]:
    """Evaluate a split's windows, and yield each with its row number for NannyML."""
    shown: dict[str, Window] = {}
    for window in subject.windows(split, watched, pools, draws):
        verdicts, reasons = judges.verdicts(watched, window.rows)
        if window.kind == "calm":
            for reason in reasons:
                check, _, values = reason.partition(": ")
                found.reasons.setdefault((window.label, check), []).append(values)
        about = {key: getattr(window, key) for key in ("kind", "label", "draw", "step")}
        rows.append({"split": split, "size": len(window.rows), **about, **verdicts})
        if len(rows) % _PROGRESS_EVERY == 0:
            _progress(name, f"{len(rows):,} windows judged, now {window.kind} {window.label!r}")
        shown.setdefault(window.label, window)
        yield len(rows) - 1, window.rows[[*watched.compared, TARGET_COLUMN]]
    sample = [window.rows for window in list(shown.values())[:_REPORTS]]
    same, total = judges.agreement(watched, sample)
    found.agreement = (found.agreement[0] + same, found.agreement[1] + total)


def _progress(name: str, what: str) -> None:
    print(f"  {time.strftime('%H:%M:%S')} {name}: {what}", flush=True)
