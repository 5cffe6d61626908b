"""Dashboard: its form, and that each metric is one that the functions or AWS write."""

import json
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from lambda_monitor.alerts import metrics
from lambda_monitor.check_config import CHECKS
from lambda_monitor.findings import Findings, Status
from lambda_predict import metrics as predict_metrics
from lambda_predict.score import Batch
from tests.lambda_monitor.alerts.test_metrics import check, emitted
from tests.lambda_monitor.synthetic import MODEL, NOON, contract
from tests.pictures import __main__ as pictures
from tests.pictures import draw
from tests.pictures.definition import definition, shown

BODY = definition()
WIDGETS = BODY["widgets"]
PLOTS = [widget for widget in WIDGETS if widget["type"] == "metric"]

# Of AWS's documentation: "Lambda metrics", "Monitor Amazon Data Firehose with CloudWatch metrics".
AWS = {
    ("AWS/Lambda", "IteratorAge"): {"FunctionName"},
    ("AWS/Lambda", "Errors"): {"FunctionName"},
    ("AWS/Lambda", "Throttles"): {"FunctionName"},
    ("AWS/Firehose", "DeliveryToS3.DataFreshness"): {"DeliveryStreamName"},
}
# Of "Dashboard Body Structure and Syntax": properties by type of widget, those required first.
REQUIRED = {
    "text": {"markdown"},
    "metric": {"metrics", "region"},
    "log": {"query", "region"},
    "alarm": {"alarms"},
}
OPTIONAL = {
    "text": {"background"},
    "metric": {"title", "view", "stacked", "period", "stat", "yAxis", "annotations", "legend", "liveData"},
    "log": {"title", "view"},
    "alarm": {"title", "sortBy", "states"},
}
OPTIONS = {"color", "expression", "id", "label", "period", "region", "stat", "visible", "yAxis"}


def written() -> set[tuple[str, frozenset[str]]]:
    """Return name and dimensions of each metric that the functions write."""
    checks = [check(name, 1.0, "fare") for name in CHECKS]
    counts = {"DuplicateRecords": 1.0, "UnreadableObjects": 1.0, "LabelledRecords": 1.0}
    findings = Findings(status=Status.ALERT, records=1, checks=checks, counts=counts)
    series = metrics.series(checks, contract(), 100)
    lines = metrics.lines("green_taxi", MODEL, NOON, metrics.values(findings, 1), checks, series)
    lines.append(
        predict_metrics.embedded(Batch([], [], Counter(), 0, 0.0), 0, MODEL, "green_taxi", datetime.now(UTC))
    )
    return {(name, frozenset(dimensions)) for name, dimensions, _ in emitted(lines)}


def test_the_body_has_the_documented_form() -> None:
    assert BODY.keys() == {"start", "periodOverride", "widgets"}
    assert re.fullmatch(r"-P\d+D", BODY["start"])
    assert BODY["periodOverride"] in {"auto", "inherit"}
    assert 0 < len(WIDGETS) <= 500
    for widget in WIDGETS:
        kind, properties = widget["type"], set(widget["properties"])
        assert widget.keys() == {"type", "x", "y", "width", "height", "properties"}
        assert REQUIRED[kind] <= properties <= REQUIRED[kind] | OPTIONAL[kind]


@pytest.mark.parametrize("widget", PLOTS, ids=lambda w: w["properties"]["title"])
def test_a_plot_has_the_documented_form(widget: dict[str, Any]) -> None:
    properties = widget["properties"]
    assert properties["view"] in {"timeSeries", "singleValue", "gauge", "bar", "pie", "table"}
    assert properties["stat"] in {"SampleCount", "Average", "Sum", "Minimum", "Maximum"}
    # "60 or a multiple of 60".
    assert properties["period"] % 60 == 0
    assert properties["yAxis"].keys() <= {"left", "right"}
    for line in properties.get("annotations", {}).get("horizontal", []):
        assert line.keys() <= {"value", "label", "color", "fill", "visible", "yAxis"}
        assert isinstance(line["value"], int | float)
    for entry in properties["metrics"]:
        assert not isinstance(entry[-1], dict) or entry[-1].keys() <= OPTIONS


def test_widgets_fill_the_grid_without_overlap() -> None:
    cells = [
        (x, y)
        for w in WIDGETS
        for x in range(w["x"], w["x"] + w["width"])
        for y in range(w["y"], w["y"] + w["height"])
    ]
    rows = {y for _, y in cells}
    assert len(cells) == len(set(cells)) == 24 * len(rows)
    assert rows == set(range(len(rows)))
    assert {x for x, _ in cells} == set(range(24))


def test_every_metric_is_written_by_the_functions_or_by_aws() -> None:
    own = written()
    for entry in (entry for widget in PLOTS for entry in shown(widget)):
        if entry.namespace == metrics.NAMESPACE == predict_metrics.NAMESPACE:
            assert (entry.name, frozenset(entry.dimensions)) in own
            assert entry.dimensions["UseCase"] == "green_taxi"
        else:
            assert AWS[entry.namespace, entry.name] == set(entry.dimensions)


def test_a_search_finds_at_least_one_check_and_every_check_is_found() -> None:
    starts = {e.dimensions["Check"] for widget in PLOTS for e in shown(widget) if e.search}
    # A search without quotes matches a token; tokens end at characters other than letters and digits.
    named = {one.check for one in metrics.series([check(n) for n in [*CHECKS, "custom.own"]], None, 100)}
    tokens = {name: set(re.split(r"[^a-z]", name)) for name in named}
    assert all(any(start in found for found in tokens.values()) for start in starts)
    assert {name for name, found in tokens.items() if not starts & found} == set()


def test_the_log_widget_reads_the_subjects_that_the_monitor_writes() -> None:
    [query] = [w["properties"]["query"] for w in WIDGETS if w["type"] == "log"]
    [line] = metrics.lines("u", MODEL, NOON, {"AlertMessages": 1.0}, [], messages=["ALERT: u"])
    record = json.loads(line)

    assert "SOURCE '/aws/lambda/scorewatch-green-taxi-monitor'" in query
    assert record["messages"][0] == "ALERT: u"
    assert "messages.0 as message" in query
    assert "filter AlertMessages > 0" in query
    assert record["AlertMessages"] > 0


def test_labels_of_searches_name_check_and_column() -> None:
    labels = {e.label for widget in PLOTS for e in shown(widget) if e.search}
    assert labels == {"${PROP('Dim.Check')} ${PROP('Dim.Column')}"}


def test_the_pictures_are_drawn_from_the_definition_and_a_real_mail(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    drawn: dict[str, Any] = {}
    monkeypatch.setattr(draw, "mail", lambda subject, text, _: drawn.update(subject=subject, text=text))
    monkeypatch.setattr(pictures.os, "environ", dict(pictures.os.environ))

    assert pictures.main(["--hours", "3", "--folder", str(tmp_path)]) == 0

    assert drawn["subject"].startswith("ALERT: green_taxi critical, model harmed: ")
    assert "X-Amz-Signature" in drawn["text"]
    assert (tmp_path / "dashboard.png").read_bytes().startswith(b"\x89PNG")
    assert str(tmp_path) in capsys.readouterr().out
