"""Tests that run the documents, the notebook and the flow as written."""

import json
import re
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import nbformat
import pyarrow as pa
import pytest
from nbclient import NotebookClient

from benchmarks.alert_quality.judges import scorewatch
from benchmarks.alert_quality.subject import Watched, watch
from contract import bundle
from lambda_monitor.checks import columns
from lambda_monitor.profiles.profile import Profile
from lambda_predict.score import Scorer
from tests import checkout
from tests.lambda_predict.synthetic import kinesis
from tests.training import tutorial
from tests.training.conftest import TINY
from tests.training.tutorial import ROOT, environment
from training import use_cases
from training.use_case import Phase, UseCase

NOTEBOOK = ROOT / "training" / "notebooks" / "ride_duration.ipynb"


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Run every block but the demo, which is an integration test; return the folder and the output."""
    folder, written = tmp_path_factory.mktemp("repository"), ""
    checkout.working(folder)
    for file, code in tutorial.blocks():
        if file:
            (folder / file).write_text(code)
        elif not code.startswith(tutorial.DEMO):
            written += tutorial.run(code, folder)
    return folder, written


@pytest.fixture(scope="module")
def flights(followed: tuple[Path, str]) -> UseCase:
    return UseCase.named(str(followed[0] / "training/use_cases/flight_air_time.py"))


@pytest.fixture(scope="module")
def watched(flights: UseCase) -> Watched:
    return watch(flights)


@pytest.mark.timeout(900)
def test_bring_your_own_works_as_written(followed: tuple[Path, str]) -> None:
    folder, written = followed
    assert "rows dropped by the rule: air_time: is present" in written
    assert "scorewatch-flight-air-time 2 is challenger" in written
    assert "scorewatch-flight-air-time 2 is refused: the champion stays" in written
    assert "exit code 3" in written
    validated = re.findall(r"validated on .*", written)
    assert len(validated) == 3
    assert validated[0] == validated[1], "the locked run repeats"
    assert "scorewatch-flight-delay 1 is champion" in written
    assert (folder / ".scorewatch/bundles/scorewatch-flight-air-time/1" / bundle.MANIFEST).is_file()


@pytest.mark.timeout(900)
@pytest.mark.parametrize("rows", [500, 1_000, 2_000, 5_000])
@pytest.mark.parametrize(("phase", "alert"), [("normal", False), ("drifted", True)])
def test_the_tutorials_normal_phase_passes_and_the_drifted_one_alerts(
    flights: UseCase, watched: Watched, phase: Phase, rows: int, *, alert: bool
) -> None:
    for seed in range(5):
        sent = flights.demo(phase, rows, seed=seed).dropna(ignore_index=True)
        window = watched.predicted(sent.rename(columns={"air_time": bundle.TARGET_COLUMN}))
        unlabelled, labelled, few, _ = scorewatch(watched, window)
        assert bool(unlabelled or labelled or few) == alert, (seed, unlabelled, labelled, few)


def test_the_notebook_runs_and_its_stored_output_is_current() -> None:
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    stored = [cell.get("outputs", []) for cell in notebook.cells]
    NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(ROOT)}}).execute()
    for before, cell in zip(stored, notebook.cells, strict=True):
        texts = [
            [o.get("text") or o["data"]["text/plain"] for o in outputs if o["output_type"] != "display_data"]
            for outputs in (before, cell.get("outputs", []))
        ]
        assert texts[0] == texts[1], "the stored output is current"


def test_the_flow_trains_like_the_command(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "training.flow", "--use-case", str(TINY), "--workdir", str(tmp_path)],
        cwd=ROOT,
        env=environment(
            PREFECT_HOME=str(tmp_path / "prefect"), PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS="90"
        ),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"bundle: {tmp_path / 'bundles' / 'scorewatch-tiny' / '1'}" in done.stdout


@pytest.fixture(scope="module")
def delays(followed: tuple[Path, str]) -> UseCase:
    """Return the tutorial's second model, which imports the first one by its name."""
    folder = str(followed[0] / "training/use_cases")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(use_cases, "__path__", [folder])
        return UseCase.named(f"{folder}/flight_delay.py")


@pytest.mark.timeout(900)
@pytest.mark.parametrize(("phase", "alert"), [("normal", []), ("drifted", ["dep_delay"])])
def test_the_second_models_missing_values_alert_as_written(
    delays: UseCase, late: Watched, phase: Phase, alert: list[str]
) -> None:
    for seed in range(3):
        window = late.predicted(delays.demo(phase, 2_000, seed=seed))
        profile = Profile.of(pa.Table.from_pandas(window), late.model.profile_spec)
        found = columns.check_columns(late.model, profile)
        missing = [c for c in found if c.name == "quality.missing" and c.status == "alert"]
        assert [column for check in missing for column in check.columns] == alert


@pytest.fixture(scope="module")
def late(delays: UseCase) -> Watched:
    return watch(delays)


def test_the_second_models_record_is_scored_as_written(late: Watched) -> None:
    text = " ".join(tutorial.PAGE.read_text().split())
    (record,) = re.findall(r"A record is `(\{\"flight_id.*?\}\})`", text)
    (event,) = Scorer(late.served).score(kinesis([record.encode()]), datetime.now(UTC)).scored
    features = json.loads(event.data)["features"]
    assert features == {
        "carrier": "UA",
        "dep_delay": None,
        "long_haul": False,
        "route": "EWR-IAH",
        "hour": 5,
        "weekday": 4,
        "log_distance": pytest.approx(7.244228),
    }
    assert json.loads(event.data)["flight"] == json.loads(record)["flight"]
