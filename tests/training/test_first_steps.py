"""Mistakes of a first use: each message names the problem and the fix in three lines at most."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.training.conftest import TINY
from tests.training.tutorial import ROOT
from training import cli

LINES = 3
TEXT = TINY.read_text()


def refused(capsys: pytest.CaptureFixture[str], *arguments: object) -> str:
    """Run a command that must fail and return its message."""
    code = cli.main([str(a) for a in arguments])
    captured = capsys.readouterr()
    assert code == 1
    assert "Traceback" not in captured.out + captured.err
    assert len(captured.err.strip().splitlines()) <= LINES, captured.err
    return captured.err


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("USE_CASE = UseCase(", "USE_CASE = UseCase((", r"SyntaxError: '\(' was never closed"),
        ("ROWS = 600", "ROWS = 1 / 0", "ZeroDivisionError: division by zero"),
        ("import numpy as np", "import numpi as np", "ModuleNotFoundError: No module named 'numpi'"),
        (
            "kind=Kind.NUMERIC",
            "kind=Kind.CATEGORICAL",
            "feature 'size' is categorical: give it dtype int or str",
        ),
        ('id_field="record_id"', 'id_field="features"', "id_field 'features' clashes with field"),
        ('id_field="record_id"', 'id_field="size"', "id_field 'size' is also a column: give the id another"),
        (
            "prepare=lambda raw: raw",
            'prepare=lambda raw: raw["no"]',
            r"prepare\(\) raised KeyError: 'no' \(.*, line",
        ),
        (
            "prepare=lambda raw: raw",
            "prepare=lambda raw: None",
            "prepare.. returned NoneType: return a pandas",
        ),
        (
            "prepare=lambda raw: raw",
            'prepare=lambda raw: pd.concat([raw, raw[["size"]]], axis=1)',
            "has column size more than once: rename one",
        ),
        ("return pd.DataFrame(", "return pd.DataFrame()\n    pd.DataFrame(", "has no column size, colour"),
        ('"time": time})', '"time": time}).head(0)', "has no rows for part 'train': correct the part's name"),
        (
            "price = 8 +",
            "price = np.nan * 8 +",
            "none of 600 rows of train is valid; rows dropped by rule: price",
        ),
        (
            "pa.Column(float,",
            "pa.Column(int,",
            "column price is float64, its rule expects int64: add coerce=True",
        ),
        ('{"price": pa', '{"cost": pa', "the rules name column cost, which is not declared: remove it"),
        (
            "return make_pipeline(",
            "return None and make_pipeline(",
            "returned NoneType: return a scikit-learn",
        ),
        ("Ridge(params.get", "Ridge(params.got", r"pipeline\(\) raised AttributeError: .* \(.*, line 3\d\)"),
        (
            '[("colour", colour, ["colour"])]',
            '[("colour", "passthrough", ["colour"])]',
            "could not convert string to float: '(blue|red|green)'.*encode each str feature",
        ),
    ],
)
def test_a_mistake_in_the_file_is_named_with_its_fix(
    old: str, new: str, message: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert old in TEXT
    path = tmp_path / "mine.py"
    path.write_text(TEXT.replace(old, new, 1))
    error = refused(capsys, "train", "--use-case", path, "--workdir", tmp_path)
    assert re.search(message, error), error


def test_an_error_of_the_file_names_its_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "mine.py"
    path.write_text("x = 1\ny = x.upper()\n")
    assert f"({path}, line 2): correct the file" in refused(capsys, "train", "--use-case", path)
    path.write_text("x = 1\ny = (\n")
    assert f"({path}, line 2): correct the file" in refused(capsys, "train", "--use-case", path)


def test_a_data_folder_that_does_not_exist_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SCOREWATCH_DATA", str(tmp_path / "gone"))
    for source in ((), ("--source", "folder")):
        error = refused(capsys, "train", "--use-case", "green_taxi", "--workdir", tmp_path, *source)
        assert f"SCOREWATCH_DATA={tmp_path / 'gone'} is not a folder: correct the path, or unset it" in error


@pytest.mark.parametrize(
    ("name", "proposed"),
    [("my-model", "my_model"), ("My Model", "my_model"), ("café", "caf"), ("3d", "green_taxi")],
)
def test_a_name_that_cannot_name_a_file_is_refused_with_a_proposal(
    name: str, proposed: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = refused(capsys, "new-use-case", name, "--folder", tmp_path)
    assert f"name {name!r} must be lower case letters, digits and underscores, such as {proposed}\n" in error
    assert not list(tmp_path.iterdir())


def test_commands_run_from_another_folder(tmp_path: Path) -> None:
    """The work folder is that of the checkout, not of the current folder."""
    checkout, elsewhere = tmp_path / "checkout", tmp_path / "elsewhere"
    elsewhere.mkdir()
    for package in ("contract", "training", "lambda_predict", "lambda_monitor"):
        shutil.copytree(ROOT / package, checkout / package, ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "training", "train", "--use-case", str(TINY)]
    done = subprocess.run(
        command,
        cwd=elsewhere,
        env={"PYTHONPATH": str(checkout), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"bundle: {checkout}/.scorewatch/bundles/scorewatch-tiny/1" in done.stdout
    assert not list(elsewhere.iterdir())
