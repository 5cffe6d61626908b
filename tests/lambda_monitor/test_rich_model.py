"""A model with every kind of field, from its use case to the alert: train, export, score, monitor."""

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contract import bundle, layout, store
from contract.schema import Contract
from lambda_monitor import monitor
from lambda_monitor.hours import athena
from lambda_monitor.hours.athena_sql import countable
from lambda_monitor.lake import events
from lambda_monitor.lake.objects import list_objects
from lambda_monitor.lake.parser import ReadErrors
from lambda_monitor.profiles.profile import Profile, ProfileSpec
from lambda_monitor.run import Clients, Span
from lambda_monitor.settings import Settings
from lambda_predict.model import Model
from lambda_predict.score import Scorer
from tests.lambda_monitor.hours.duck_athena import DuckAthena
from tests.lambda_monitor.synthetic import ARTIFACTS, HOUR, LAKE, NOON, Stack, moment
from tests.lambda_predict.synthetic import kinesis
from training import export, pipeline, records, retrain
from training.calibration import resampling
from training.sources import DataLocation
from training.tracking import Version
from training.use_case import Phase, UseCase

RICH = Path(__file__).parents[1] / "training" / "rich.py"
DERIVED = ["zones", "hour", "weekday", "waited", "tip_per_mile", "log_distance"]


@pytest.fixture(scope="module")
def rich() -> UseCase:
    return UseCase.named(str(RICH))


@pytest.fixture(scope="module")
def exported(rich: UseCase, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the bundle of the trained use case; its thresholds are calibrated roughly."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(resampling, "DRAWS", 2_000)
        data = pipeline.load_data(rich, DataLocation(environ={}), None, lambda _: None)
        fitted = pipeline.fit(rich, data, progress=lambda _: None)
        version = Version(rich.model_name, "1", "0" * 32, "")
        made = export.Exported(version, fitted.onnx, data.train, data.validation, {})
        return export.write(rich, made, tmp_path_factory.mktemp("bundles"))


@pytest.fixture(scope="module")
def scorer(exported: Path) -> Scorer:
    contract = Contract.read(exported / bundle.CONTRACT)
    return Scorer(Model(contract, (exported / bundle.MODEL).read_bytes()))


def score(scorer: Scorer, sent: list[bytes]) -> list[bytes]:
    """Return the events of records that arrive within the hour from NOON on."""
    stream = kinesis(sent)
    for number, record in enumerate(stream):
        arrived = NOON + HOUR * (number / len(stream))
        record["kinesis"]["approximateArrivalTimestamp"] = arrived.timestamp()
    batch = scorer.score(stream, NOON + HOUR)
    assert batch.rejected == []
    return [line.data.rstrip(b"\n") for line in batch.scored]


def sent(rich: UseCase, phase: Phase, count: int = 1_200) -> tuple[pd.DataFrame, list[bytes]]:
    """Return rows of a phase and their records; every other missing field is absent instead of null."""
    frame = rich.demo(phase, count, seed=1)
    found = []
    for number, data in enumerate(records.encode(rich.contract(), frame)):
        record = json.loads(data)
        if number % 2:
            record["ride"] = {k: v for k, v in record["ride"].items() if v is not None}
        found.append(json.dumps(record).encode())
    return frame, found


@pytest.fixture
def monitored(stack: Stack, exported: Path, scorer: Scorer, rich: UseCase) -> Callable[..., dict[str, Any]]:
    """Return a function that scores a phase, monitors its hour and returns the report."""
    environment = stack.environment(MODEL_NAME=rich.model_name, USE_CASE="rich")
    clients = Clients(s3=stack.s3, sns=stack.sns, cloudwatch=None, athena=None)
    store.upload(stack.s3, ARTIFACTS, exported)

    def run(phase: Phase) -> dict[str, Any]:
        stack.put(score(scorer, sent(rich, phase)[1]))
        span = Span(start=NOON, end=NOON + HOUR, asked=False)
        monitor.run(clients, Settings.from_environment(environment), span, moment("run", NOON + HOUR * 1.1))
        (key,) = [key for key in stack.keys("reports/") if key.endswith("report.json")]
        return json.loads(stack.read(key))

    return run


def alerts(report: dict[str, Any]) -> list[tuple[str, list[str]]]:
    return [(c["name"], c["columns"]) for c in report["checks"] if c["status"] == "alert"]


def test_ordinary_records_with_missing_values_raise_no_alert(
    monitored: Callable[..., dict[str, Any]], stack: Stack
) -> None:
    report = monitored("normal")
    assert alerts(report) == []
    checked = {c["columns"][0] for c in report["checks"] if c["name"] == "quality.missing"}
    assert {"tip", "payment", "airport", "zones", "waited"} <= checked
    assert stack.notifications() == []


def test_a_rising_share_of_missing_values_alerts(
    monitored: Callable[..., dict[str, Any]], stack: Stack
) -> None:
    report = monitored("drifted")
    assert alerts(report) == [("quality.missing", ["tip"]), ("quality.missing", ["tip_per_mile"])]
    (found,) = [c for c in report["checks"] if c["name"] == "quality.missing" and c["columns"] == ["tip"]]
    assert found["value"] == pytest.approx(0.4, abs=0.05)
    assert "of the values of tip are missing" in found["sentence"]
    (notification,) = stack.notifications()
    assert "tip" in notification["Message"]


def plain(values: Any) -> list[Any]:
    return [None if pd.isna(value) else value for value in values]


def test_training_scorer_monitor_and_athena_have_the_same_values(
    rich: UseCase, exported: Path, scorer: Scorer, stack: Stack, tmp_path: Path
) -> None:
    frame, data = sent(rich, "normal", 400)
    lines = score(scorer, data)
    stack.put(lines)
    contract = Contract.read(exported / bundle.CONTRACT)
    objects = list_objects(stack.s3, LAKE, layout.hour_prefix(layout.PREDICTIONS, NOON))
    rows = pa.concat_tables(events.read(stack.s3, LAKE, objects, contract, ReadErrors()))
    for name in contract.feature_names:
        expected = plain(frame[name])
        assert [json.loads(line)["features"][name] for line in lines] == expected, name
        assert rows.column(name).to_pylist() == expected, name
    reference = pq.read_table(exported / bundle.REFERENCE)
    specs = countable(ProfileSpec.of(contract, reference))
    runner = athena.Runner(DuckAthena(stack, tmp_path), "workgroup", "database", lambda: 60)  # type: ignore[arg-type]
    found, _ = athena.AthenaCounter(runner, "predictions", contract, specs).count([NOON], [NOON])
    (counted,) = found[NOON].values()
    direct = Profile.of(rows, specs)
    assert counted.profile.categorical == direct.categorical
    assert {n: (c.count, c.missing, c.histogram) for n, c in counted.profile.numeric.items()} == {
        n: (c.count, c.missing, c.histogram) for n, c in direct.numeric.items()
    }
    assert counted.profile.segments.keys() == direct.segments.keys() == {"payment", "shared"}
    assert counted.profile.segments["shared"].keys() == {"false", "true"}
    assert set(counted.sample.column("airport").to_pylist()) == {None, False, True}


@pytest.mark.parametrize("model", ["ridge", "boosting"])
def test_the_event_has_the_prediction_of_the_fitted_pipeline(
    rich: UseCase, scorer: Scorer, model: str
) -> None:
    frame, data = sent(rich, "drifted", 300)
    trained = pipeline.load_data(rich, DataLocation(environ={}), None, lambda _: None)
    fitted = pipeline.fit(rich, trained, {"model": model}, lambda _: None)
    served = Scorer(Model(scorer.model.contract, fitted.onnx))
    predictions = [json.loads(line)["prediction"]["duration"] for line in score(served, data)]
    wanted = fitted.pipeline.predict(rich.model_rows(frame))
    assert np.abs(np.array(predictions) - wanted).max() < 0.006  # rounded to two decimals


def test_labelled_records_of_the_lake_train_the_model_again(
    rich: UseCase, exported: Path, scorer: Scorer, stack: Stack
) -> None:
    frame, data = sent(rich, "normal", 1_200)
    stack.put(score(scorer, data))
    contract = Contract.read(exported / bundle.CONTRACT)
    lines = records.ground_truth(contract, frame)
    key = f"{layout.hour_prefix(layout.GROUND_TRUTH, NOON)}labels"
    stack.s3.put_object(Bucket=LAKE, Key=key, Body=b"".join(lines))
    found = retrain.labelled_records(contract, stack.s3, LAKE, NOON, NOON + HOUR)
    table = retrain.split(dataclasses.replace(rich), found, "the lake").train.frame
    expected = frame.dropna(subset=["duration"]).iloc[: len(table)]
    for name in [*contract.feature_names, "pickup_time", "booked_time"]:
        assert plain(table[name]) == plain(expected[name]), name
    assert [str(table[name].dtype) for name in ("passengers", "airport", "hour")] == [
        "Int64",
        "boolean",
        "int64",
    ]


def test_the_reference_has_derived_features_and_inputs(exported: Path) -> None:
    contract = Contract.read(exported / bundle.CONTRACT)
    reference = pq.read_table(exported / bundle.REFERENCE)
    assert {*DERIVED, "@pickup_time", "@booked_time"} <= set(reference.column_names)
    assert contract.feature("payment").categories == ["card", "cash"]
    assert contract.feature("shared").categories is None
    assert contract.feature("zones").categories == sorted(
        {f"{a}_{b}" for a in range(1, 5) for b in range(1, 5)}
    )
    assert msgspec.json.decode(contract.to_json())["inputs"][0]["zone"] == "America/New_York"
