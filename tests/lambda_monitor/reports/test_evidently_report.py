"""Evidently report: our verdicts and tests only, no network, no writes, any column content."""

import contextlib
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from evidently.metrics import column_statistics

from contract.schema import DType, Feature, Kind, Target, Task
from lambda_monitor.findings import CheckResult
from lambda_monitor.reports import evidently_report
from tests.lambda_monitor.synthetic import contract, reference, synthetic_rides


def check(name: str, status: str = "ok", columns: tuple[str, ...] = (), **changes) -> CheckResult:
    values = {"value": 0.3, "threshold": 0.2, "sentence": f"{name} failed."}
    return CheckResult(name=name, status=status, columns=list(columns), **{**values, **changes})


def current(rows: int = 800) -> pa.Table:
    frame = synthetic_rides(rows, seed=3)
    frame["prediction"] = frame.pop("duration")
    return pa.Table.from_pandas(frame)


def test_the_tests_are_our_checks_and_nothing_else() -> None:
    checks = [
        check("drift.feature", "alert", ("trip_distance",)),
        check("drift.feature", "ok", ("PULocationID",), value=0.1),
        check("quality.missing", "alert", ("trip_distance",)),
        check("lake.bad_lines", "error", value=None, threshold=None),
        check("performance", "skipped", value=None, threshold=None),
    ]

    made = evidently_report.render(contract(), reference(), current(), checks, records=9_999).json
    found = json.loads(made)

    assert b"NaN" not in made
    statuses = [test["status"] for test in found["tests"]]
    assert sorted(statuses) == ["ERROR", "FAIL", "FAIL", "SKIPPED", "SUCCESS"]
    values = {m["config"]["column"]: m["value"] for m in found["metrics"] if "ValueDrift" in m["metric_name"]}
    assert values == {"trip_distance": 0.3, "PULocationID": 0.1}


def test_the_html_shows_each_checks_sentence() -> None:
    html = evidently_report.render(
        contract(), reference(), current(), [check("quality.range", "alert")], records=9_999
    ).html.decode()

    assert "quality.range failed." in html
    assert "The plots show 800 of 9,999 records" in html
    assert "trip_distance" in html


def test_an_empty_column_is_not_drawn() -> None:
    table = current()
    nothing = pa.nulls(len(table), pa.float64())
    place = table.column_names.index("trip_distance")
    empty = table.set_column(place, "trip_distance", nothing)

    found = json.loads(
        evidently_report.render(
            contract(), reference(), empty, [check("quality.missing", "alert")], records=9_999
        ).json
    )

    assert [test["status"] for test in found["tests"]] == ["FAIL"]
    assert "trip_distance" not in str([m["metric_name"] for m in found["metrics"]])


def test_drawing_a_column_once_gives_the_same_report(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = []
    draw = column_statistics.plot_distr_with_perc_button
    monkeypatch.setattr(
        column_statistics, "plot_distr_with_perc_button", lambda **given: drawn.append(1) or draw(**given)
    )

    def made() -> tuple[int, str, bytes]:
        drawn.clear()
        found = evidently_report.render(
            contract(), reference(), current(), [check("quality.range")], records=9_999
        )
        ids = r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}"
        same = re.sub("sha256-[^']+", "digest", re.sub(ids, "id", found.html.decode()))
        return len(drawn), same, found.json

    once, html, data = made()
    monkeypatch.setattr(evidently_report, "one_plot_per_column", contextlib.nullcontext)
    often, html_of_evidently, data_of_evidently = made()

    assert once < often
    assert (html, data) == (html_of_evidently, data_of_evidently)


def test_a_window_of_one_row_is_drawn() -> None:
    assert evidently_report.render(
        contract(), reference(), current(1), [check("quality.range")], records=9_999
    ).html


def test_rare_categories_are_drawn_as_one() -> None:
    table = current()
    many = pa.array(np.arange(len(table)) + 1000)
    place = table.column_names.index("PULocationID")
    found = evidently_report.render(
        contract(), reference(), table.set_column(place, "PULocationID", many), [], records=9_999
    )

    assert evidently_report.OTHER in found.html.decode()


@pytest.mark.parametrize("labels", [[5, 6], ["bad", "fair", "good"]])
def test_classes_are_drawn_with_their_performance(labels: list) -> None:
    rng = np.random.default_rng(1)
    declared = contract(
        task=Task.CLASSIFICATION,
        features=[Feature(name="alcohol", kind=Kind.NUMERIC, dtype=DType.FLOAT)],
        target=Target(name="quality", labels=labels),
    )

    def made(rows: int) -> pa.Table:
        return pa.table(
            {
                "alcohol": rng.normal(10, 1, rows),
                "prediction": rng.choice(labels, rows).tolist(),
                "probability": rng.uniform(0.5, 1, rows),
                "target": rng.choice(labels, rows).tolist(),
            }
        )

    found = json.loads(
        evidently_report.render(declared, made(500), made(400), [check("performance")], records=400).json
    )

    assert "Accuracy" in str([m["metric_name"] for m in found["metrics"]])


def test_draws_without_a_network_and_writes_nothing_at_home(tmp_path: Path) -> None:
    script = """
import socket

def refuse(*_):
    raise AssertionError("the report reached for the network")

socket.socket.connect = refuse
socket.getaddrinfo = refuse
from lambda_monitor.reports import evidently_report
from tests.lambda_monitor.reports.test_evidently_report import check, contract, current, reference

checks = [check("drift.feature", "ok", ("trip_distance",))]
assert evidently_report.render(contract(), reference(), current(), checks, records=9_999).html
"""
    root = Path(__file__).resolve().parents[3]
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(root)}
    command = [sys.executable, "-W", "ignore", "-c", script]

    done = subprocess.run(command, env=environment, cwd=root, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    assert list(tmp_path.rglob("*")) == []


def test_importing_it_leaves_garbage_collection_on_and_prints_nothing() -> None:
    script = """
import gc
import duckdb
from lambda_monitor.reports import heavy_import

heavy_import.load("lambda_monitor.reports.evidently_report")
frozen = gc.get_freeze_count()
heavy_import.load("lambda_monitor.reports.evidently_report")
assert gc.get_freeze_count() <= frozen
assert gc.get_freeze_count() > 100_000
class Loop: ...
loop = Loop()
loop.itself = loop
del loop
assert gc.isenabled() and gc.collect() > 0
"""
    command = [sys.executable, "-W", "ignore", "-c", script]

    done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, "")
