import argparse
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from moto import mock_aws

from contract import bundle
from tests.training.conftest import TINY
from training import cli
from training.use_case import UseCase


def run(capsys: pytest.CaptureFixture[str], *arguments: object) -> tuple[int, str, str]:
    code = cli.main([str(a) for a in arguments])
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def commands() -> dict[str, argparse.ArgumentParser]:
    return cli.parser()._subparsers._group_actions[0].choices  # argparse has no public way to them


@pytest.mark.parametrize("name", commands())
def test_every_command_has_examples_that_parse(name: str) -> None:
    text = commands()[name].format_help()
    examples = [
        line.split("python -m ")[1] for line in text.splitlines() if line.startswith("  python -m training")
    ]
    assert examples
    for example in examples:
        arguments = example.split(" | ")[0].split(" || ")[0].split()[1:]
        assert cli.parser().parse_args(arguments).run.__name__.replace("_", "-") == name


def test_the_documented_commands_exist() -> None:
    wanted = "train search adopt register storage-uri export compare retrain promote rollback mlflow"
    assert {*wanted.split(), "new-use-case"} == set(commands())


def test_json_is_one_line_on_stdout_and_the_rest_on_stderr(
    workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, "train", "--use-case", TINY, "--workdir", workdir, "--json")
    trained = json.loads(out)
    assert code == 0
    assert out.count("\n") == 1
    assert "593 of 600 rows from SYNTHETIC train" in err
    assert "7 rows dropped by the rule: price: is above zero" in err
    assert {"bundle", "name", "version", "run_id", "metrics", "source"} <= set(trained)
    assert (Path(trained["bundle"]) / bundle.MODEL).is_file()

    code, out, _ = run(capsys, "storage-uri", "--workdir", workdir, "--model-name", trained["name"])
    uri = json.loads(out)
    assert (uri["run_id"], uri["version"]) == (trained["run_id"], "1")
    assert (Path(uri["source"].removeprefix("file://")) / "model.skops").is_file()

    code, out, _ = run(capsys, "compare", "--use-case", TINY, "--workdir", workdir, "--json")
    assert [(v["version"], v["alias"]) for v in json.loads(out)] == [(1, "champion")]


def test_train_prints_the_next_command(workdir: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "train", "--use-case", TINY, "--workdir", workdir)
    assert code == 0
    assert "bundle: " in out
    assert "Next: make demo" in out


def test_rollback_skips_the_gate_and_export_takes_the_champion(
    workdir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "train", "--use-case", TINY, "--workdir", workdir)
    code, out, _ = run(capsys, "rollback", "--use-case", TINY, "--workdir", workdir, "--version", 1)
    assert (code, out.splitlines()[0]) == (0, "scorewatch-tiny 1 is champion")
    code, out, _ = run(capsys, "export", "--use-case", TINY, "--workdir", workdir, "--to", tmp_path, "--json")
    assert json.loads(out)["bundle"] == str(tmp_path / "scorewatch-tiny" / "1")


def test_a_refusal_has_its_own_exit_code(
    workdir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, out, _ = run(capsys, "train", "--use-case", TINY, "--workdir", workdir, "--json")
    champion = int(json.loads(out)["version"])
    stump = TINY.with_name("stump_of_tiny.py")
    stump.write_text(
        TINY.read_text().replace('params={"model": "ridge"}', 'params={"model": "tree", "depth": 1}')
    )
    try:
        run(capsys, "train", "--use-case", stump, "--workdir", workdir)
    finally:
        stump.unlink()
    reports = tmp_path / "reports"
    compare = ("compare", "--use-case", TINY, "--workdir", workdir, "--markdown", "--reports", reports)
    code, out, _ = run(capsys, *compare)
    assert code == 0
    assert f"version {champion + 1} beside champion {champion}" in out
    assert "Gate: refused" in out
    [row] = [line.split(" | ") for line in out.splitlines() if line.startswith("| rmse")]
    assert float(row[1]) > float(row[2].rstrip(" |"))
    pages = {f"version-{version}.html" for version in (champion, champion + 1)}
    assert {path.name for path in reports.iterdir()} == pages
    assert f"version {champion + 1}" in (reports / f"version-{champion + 1}.html").read_text()
    code, out, _ = run(capsys, "promote", "--use-case", TINY, "--workdir", workdir)
    assert code == 3
    assert "FAIL quality" in out
    code, out, _ = run(capsys, "promote", "--use-case", TINY, "--workdir", workdir, "--anyway")
    assert code == 0
    assert "is champion" in out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "--use-case", "nope"], "there is no use case 'nope'"),
        (["train", "--use-case", "green_taxi", "--source", "lake"], "there is no source 'lake'"),
        (["train", "--use-case", "green_taxi", "--source", "folder"], "SCOREWATCH_DATA is not set"),
        (
            ["train", "--use-case", "green_taxi", "--lock", "none.lock"],
            "none.lock can't be read as a data.lock",
        ),
        (["storage-uri", "--model-name", "scorewatch-none"], "has no scorewatch-none with alias champion"),
        (["export", "--use-case", "white_wine", "--version", "3"], "has no version 3; versions are none yet"),
        (["register", "--use-case", "white_wine", "--run-id", "0" * 32], "has no artifact report"),
    ],
)
def test_an_expected_error_is_printed_without_a_traceback(
    arguments: list[str], message: str, workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code, out, err = run(capsys, *arguments, "--workdir", workdir)
    assert code == 1
    assert message in err
    assert "Traceback" not in out + err


def test_retraining_on_an_unknown_bucket_is_an_error(
    workdir: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(capsys, "train", "--use-case", TINY, "--workdir", workdir)
    with mock_aws():
        code, _, err = run(
            capsys, "retrain", "--use-case", TINY, "--workdir", workdir, "--bucket", "no-such-lake"
        )
    assert code == 1
    assert "s3://no-such-lake can't be read" in err
    assert "check --bucket and the AWS credentials" in err


def test_a_new_use_case_trains_as_it_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, out, _ = run(capsys, "new-use-case", "coats", "--folder", tmp_path)
    path = tmp_path / "coats.py"
    assert code == 0
    assert f"Next: python -m training train --use-case {path}" in out
    assert UseCase.named(str(path)).model_name == "scorewatch-coats"

    rng = np.random.default_rng(0)
    months = np.repeat(["2026-01-15", "2026-02-15", "2026-03-15"], 400)
    size = rng.uniform(1, 100, 1_200)
    frame = pd.DataFrame({"time": months, "size": size, "colour": rng.choice(["red", "blue"], 1_200)})
    frame.assign(price=2 * size + 1).to_csv(tmp_path / "coats.csv", index=False)
    code, out, err = run(capsys, "train", "--use-case", path, "--workdir", tmp_path, "--json")
    assert code == 0, err
    assert json.loads(out)["metrics"]["r2"] > 0.9

    code, _, err = run(capsys, "new-use-case", "coats", "--folder", tmp_path)
    assert code == 1
    assert "exists: choose another name" in err
