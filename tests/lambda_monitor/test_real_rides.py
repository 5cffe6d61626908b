"""Real months through the whole function: an ordinary one is ok, the lockdown is an alert."""

import importlib
import json
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from contract import bundle
from tests.lambda_monitor.synthetic import HOUR, NOON, Context, Stack, contract, predict
from training.calibration import thresholds as calibration


def real_rides(folder: Path, month: str) -> pd.DataFrame:
    """Return the rides of 1 to 60 minutes of a real month."""
    file = folder / "nyc_yellow_taxi" / f"yellow_{month}.csv.gz"
    if not file.is_file():
        pytest.skip(f"no real rides of {month} in {folder}")
    rides = pd.read_csv(file, parse_dates=["tpep_pickup_datetime", "tpep_dropoff_datetime"])
    seconds = (rides["tpep_dropoff_datetime"] - rides["tpep_pickup_datetime"]).dt.total_seconds()
    rides["duration"] = (seconds / 60).round(2)
    return rides[rides["duration"].between(1, 60)].reset_index(drop=True)


def put_bundle(stack: Stack, folder: Path) -> None:
    rides = real_rides(folder, "2019-02").rename(columns={"duration": bundle.TARGET_COLUMN})
    rides[bundle.PREDICTION_COLUMN] = predict(rides["trip_distance"].to_numpy())
    rides[bundle.TIME_COLUMN] = rides["tpep_pickup_datetime"]
    names = [*contract().feature_names, bundle.PREDICTION_COLUMN, bundle.TARGET_COLUMN, bundle.TIME_COLUMN]
    reference = rides[names]
    limits = calibration.compute(reference, contract(), window_rows=1000, false_alarm_rate=0.001, seed=1)
    stack.bundle_of(pa.Table.from_pandas(reference, preserve_index=False), limits)


@pytest.mark.parametrize(("month", "status"), [("2019-03", "ok"), ("2020-04", "alert")])
def test_an_ordinary_month_is_ok_and_the_lockdown_is_an_alert(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, real_data: Path, month: str, status: str
) -> None:
    put_bundle(stack, real_data)
    lines = stack.events(real_rides(real_data, month).head(2000))
    stack.put(lines, objects=50)
    for name, value in stack.environment().items():
        monkeypatch.setenv(name, value)
    handler = importlib.reload(importlib.import_module("lambda_monitor.handler"))

    event = {"start": NOON.isoformat(), "end": (NOON + HOUR).isoformat()}
    summary: dict[str, Any] = json.loads(json.dumps(handler.handler(event, Context())))

    assert (summary["status"], summary["records"]) == (status, 2000)
    assert [m["MessageAttributes"]["kind"]["Value"] for m in stack.notifications()] == ["alert"] * (
        status == "alert"
    )
