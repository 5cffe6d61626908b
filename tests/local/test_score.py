"""`make score` and the handler on a file's event, both with the real scorer."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from lambda_predict.score import Scorer
from lambda_predict.settings import Settings, SettingsError
from local import kinesis_event, score
from tests.lambda_predict import synthetic
from tests.local.conftest import NAME
from tests.training.tutorial import ROOT


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "rides.csv"
    path.write_text(
        "ride_id,PULocationID,DOLocationID,trip_distance\nA,1.0,2,10\nB,1,2,\nC,x,2,10\nD,9,2,200\n"
    )
    return path


@pytest.mark.usefixtures("exported")
def test_a_file_is_scored_and_rejections_are_listed_with_reasons(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert score.main(["--file", str(file), "--version", "2"]) == 0

    found = pd.read_csv(file.with_name("rides.predictions.csv"), keep_default_na=False)
    assert found["ride_id"].tolist() == ["A", "D"]
    assert found["row"].tolist() == [1, 4]
    assert found["prediction.duration"].tolist() == pytest.approx([10, 200], rel=0.01)
    assert found["flags"].tolist() == ["", "PULocationID: unknown category; trip_distance: out of range"]
    printed = capsys.readouterr().out
    assert "2 rows scored" in printed
    head = next(line for line in printed.splitlines() if "ride_id" in line)
    assert [name.strip() for name in head.strip("┃ ").split("┃")] == [
        "row",
        "ride_id",
        "prediction.duration",
        "flags",
    ]
    assert "2 rows rejected" in printed
    for line in ("1 empty values of trip_distance: left out", "such as 1.0: sent as 1"):
        assert line in printed
    rejected = [line.split("│") for line in printed.splitlines() if "│" in line][-2:]
    assert [[cell.strip() for cell in line[1:4]] for line in rejected] == [
        ["2", "ride.trip_distance", "missing"],
        ["3", "ride.PULocationID", "wrong_type"],
    ]


@pytest.mark.usefixtures("exported")
def test_row_numbers_go_on_over_batches(file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(score, "BATCH", 2)
    out = tmp_path / "out.csv"

    assert score.main(["--file", str(file), "--version", "2", "--out", str(out)]) == 0

    assert pd.read_csv(out)["row"].tolist() == [1, 4]


@pytest.mark.usefixtures("exported")
def test_a_file_of_bad_rows_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bad.csv").write_text("a\n1\n")

    assert score.main(["--file", str(tmp_path / "bad.csv"), "--version", "2"]) == 1

    assert "1 rows rejected" in capsys.readouterr().out
    assert score.main(["--file", str(tmp_path / "no.csv"), "--version", "2"]) == 1
    assert "there is no file" in capsys.readouterr().err


@pytest.mark.usefixtures("exported")
def test_the_printed_command_calls_the_handler_with_nothing_but_the_bundle(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    event = file.with_name("event.json")
    assert kinesis_event.main(["--file", str(file), "--version", "2", "--out", str(event)]) == 0
    command = capsys.readouterr().out.splitlines()[-1].strip()
    assert f"bundles/{NAME}/2" in command
    assert len(json.loads(event.read_text())["Records"]) == 4

    env = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    command = command.replace(".venv/bin/python", sys.executable)
    done = subprocess.run(
        ["bash", "-c", command], cwd=ROOT, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["ride_id"] for line in lines if "ride_id" in line] == ["A", "D"]
    assert [line["reason"] for line in lines if "reason" in line] == ["missing", "wrong_type"]
    assert lines[-1] == {"batchItemFailures": []}


@pytest.mark.usefixtures("exported")
def test_an_event_has_at_most_the_records_of_one_invocation(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(kinesis_event, "MOST", 2)
    event = file.with_name("event.json")

    assert kinesis_event.main(["--file", str(file), "--version", "2", "--out", str(event)]) == 0

    assert len(json.loads(event.read_text())["Records"]) == 2
    assert "the first 2 of 4 rows" in capsys.readouterr().out


def test_a_bundle_on_disk_is_for_test_runs_only() -> None:
    with pytest.raises(SettingsError, match="TEST_RUN=true only"):
        Settings.read({"BUNDLE": "x"})
    assert Settings.read({"BUNDLE": "x", "TEST_RUN": "true"}).bundle == "x"
    with pytest.raises(SettingsError, match="incomplete"):
        Settings.read({"TEST_RUN": "true"})


def test_a_class_has_a_column_per_probability() -> None:
    record = b'{"customer_id": 1, "wine_features": {"alcohol": 20, "volatile_acidity": 0.2}}'

    scored, rejected = score.predictions(Scorer(synthetic.classification()), [record])

    assert len(rejected) == 0
    [row] = scored.to_dict("records")
    assert row["prediction.quality"] == 6
    assert row["prediction.probabilities.5"] + row["prediction.probabilities.6"] == pytest.approx(1, abs=1e-3)
