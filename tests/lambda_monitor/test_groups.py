"""A bundle with groups and labels for few records, from the lake to the report."""

import json
from typing import Any

import numpy as np
import pytest

from lambda_monitor.checks import columns
from lambda_monitor.lake.events import ARRIVED
from tests.lambda_monitor import synthetic
from tests.lambda_monitor.synthetic import HOUR, NOON, Stack, reference, synthetic_rides
from training.calibration import thresholds as calibration

RECORDS, LABELLED = 3_000, 600


@pytest.fixture
def declared(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A contract with a group column."""
    plain = synthetic.contract
    found = plain(segments=["PULocationID"], groups=["PULocationID"])
    monkeypatch.setattr(synthetic, "contract", lambda version="1": plain(version, **changes))
    changes = {"segments": found.segments, "groups": found.groups}
    return found


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The ground truth that the checks were made on."""
    found: list[Any] = []
    made = columns.check_performance
    monkeypatch.setattr(
        columns, "check_performance", lambda model, truth: found.append(truth) or made(model, truth)
    )
    return found


def test_groups_and_few_labels_reach_the_report(
    stack: Stack, declared: Any, judged: list[Any], invoke: Any
) -> None:
    frame = reference().to_pandas()
    limits = calibration.compute(frame, declared, window_rows=1_000, false_alarm_rate=0.001, seed=1)
    stack.bundle_of(reference(), limits)
    rides = synthetic_rides(RECORDS, seed=7)
    lines = stack.events(rides)
    stack.put(lines)
    group = rides["PULocationID"].mode()[0]
    longer = rides["duration"] + np.where(rides["PULocationID"] == group, 6.0, 0.0)
    ids = [json.loads(line)["ride_id"] for line in lines]
    stack.label(dict(zip(ids[:LABELLED], longer[:LABELLED].tolist(), strict=True)))

    report = json.loads(stack.read(invoke(NOON, NOON + HOUR)["report"].replace(".html", ".json")))

    checks = {check["name"]: check for check in report["checks"]}
    for name in ("bias.error", "performance.segment_mean_error"):
        assert (checks[name]["status"], checks[name]["detail"]["segment"]) == ("alert", str(group))
    assert checks["bias.prediction_rate"]["status"] == "ok"
    assert f"on {LABELLED:,} labelled records of {RECORDS:,};" in checks["performance"]["sentence"]
    # Without the arrival of each record its day is unknown.
    assert {time.date() for time in judged[0].rows.column(ARRIVED).to_pylist()} == {NOON.date()}
