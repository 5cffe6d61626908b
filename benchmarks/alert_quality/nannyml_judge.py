"""NannyML as a judge, in its own environment."""

import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from benchmarks.alert_quality.subject import Watched
from contract import bundle
from local import images

UNIVARIATE, MULTIVARIATE, LABELLED = "NannyML, any column", "NannyML, reconstruction", "NannyML with labels"
# NannyML imports statsmodels without declaring it, and needs pandas below 3.
REQUIREMENTS = "nannyml==0.13.1\npandas<3\nstatsmodels\n"
_WORKER = Path(__file__).with_name("nannyml_worker.py")
_OFF = {"NML_DISABLE_USAGE_LOGGING": "1", "NML_DISABLE_USER_ANALYTICS": "1"}


class NannyMLError(RuntimeError):
    """NannyML can't be installed or run; the message gives the cause."""


def environment() -> Path:
    """Return the interpreter with NannyML, installed on demand. Raises NannyMLError."""
    requirements = images.WORK / "cache/nannyml.txt"
    requirements.parent.mkdir(parents=True, exist_ok=True)
    requirements.write_text(REQUIREMENTS)
    try:
        python = images.environment("nannyml", [requirements], print, hashes=False)
    except images.ImageError as error:
        raise NannyMLError(f"it can't be installed: {str(error).splitlines()[-1]}") from error
    run_in([str(python), "-c", "import nannyml"])
    return python


@dataclass
class Docket:
    """Windows collected for one run of NannyML, by model and size."""

    folder: Path
    tasks: list[dict[str, object]] = field(default_factory=list)
    places: list[list[int]] = field(default_factory=list)

    def add(self, watched: Watched, windows: list[tuple[int, pd.DataFrame]]) -> None:
        """Write windows, each with its row number, as one task per size."""
        number = len(self.tasks)
        columns = [*watched.compared, bundle.TARGET_COLUMN]
        classes = [bundle.TARGET_COLUMN] if watched.contract.target.labels else []
        reference = self.folder / f"reference-{number}.parquet"
        watched.reference[columns].to_parquet(reference)
        for size in sorted({len(rows) for _, rows in windows}):
            chosen = [(place, rows) for place, rows in windows if len(rows) == size]
            path = self.folder / f"windows-{len(self.tasks)}.parquet"
            pd.concat([rows[columns] for _, rows in chosen], ignore_index=True).to_parquet(path)
            self.tasks.append(
                {
                    "reference": str(reference),
                    "windows": str(path),
                    "size": size,
                    "columns": watched.compared,
                    "features": watched.names,
                    "categorical": [*watched.categorical, *classes],
                    "prediction": bundle.PREDICTION_COLUMN,
                    "target": bundle.TARGET_COLUMN,
                    "labels": [str(label) for label in watched.contract.target.labels or []],
                }
            )
            self.places.append([place for place, _ in chosen])

    def verdicts(self, python: Path) -> dict[int, dict[str, bool]]:
        """Return the verdicts by row number. Raises NannyMLError."""
        tasks = self.folder / "tasks.json"
        tasks.write_text(json.dumps(self.tasks))
        run_in([str(python), str(_WORKER), str(tasks)])
        found: dict[int, dict[str, bool]] = {}
        answers = json.loads(tasks.with_suffix(".verdicts.json").read_text())
        for places, answer in zip(self.places, answers, strict=True):
            judged = zip(
                places, answer["univariate"], answer["multivariate"], answer["performance"], strict=True
            )
            for place, univariate, multivariate, performance in judged:
                found[place] = {
                    UNIVARIATE: univariate,
                    MULTIVARIATE: multivariate,
                    LABELLED: univariate or performance,
                }
        return found


def run_in(command: list[str]) -> None:
    """Run a command of NannyML's environment. Raises NannyMLError."""
    done = subprocess.run(
        command, check=False, capture_output=True, text=True, env=os.environ | _OFF, cwd=images.ROOT
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise NannyMLError(f"it fails: {last}")
