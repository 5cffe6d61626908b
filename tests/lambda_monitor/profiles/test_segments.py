"""Sums per segment: exact, and drift of one segment that the whole column hides."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from lambda_monitor.check_config import CheckConfig
from lambda_monitor.checks import columns
from lambda_monitor.findings import CheckResult
from lambda_monitor.model import Model
from lambda_monitor.profiles import thresholds
from lambda_monitor.profiles.profile import Profile, ProfileSpec
from lambda_monitor.profiles.segments import LEAST_ROWS
from tests.lambda_monitor.synthetic import contract, predict, synthetic_rides
from training.calibration import thresholds as calibration

CONTRACT = contract(segments=["PULocationID"])


def rides(count: int, seed: int, *, zone: int = 0, factor: float = 1.0) -> pa.Table:
    """Return rides with predictions, those of one zone stretched."""
    frame = synthetic_rides(count, seed=seed).drop(columns="duration")
    frame["trip_distance"] *= np.where(frame["PULocationID"] == zone, factor, 1.0)
    return pa.Table.from_pandas(frame.assign(prediction=predict(frame["trip_distance"].to_numpy())))


REFERENCE = rides(8_000, 1)
LAYOUT = ProfileSpec.of(CONTRACT, REFERENCE)
MODEL = Model(
    contract=CONTRACT,
    reference=REFERENCE,
    profile_spec=LAYOUT,
    baseline=Profile.of(REFERENCE, LAYOUT),
    thresholds=thresholds.load(
        calibration.compute(
            REFERENCE.to_pandas(), CONTRACT, window_rows=1_000, false_alarm_rate=0.001, seed=3
        )
    ),
    check_config=CheckConfig(),
)


def segment(table: pa.Table) -> CheckResult:
    [found] = [
        r for r in columns.check_columns(MODEL, Profile.of(table, LAYOUT)) if r.name == "drift.segment"
    ]
    return found


def test_sums_per_segment_are_exact_and_mergeable() -> None:
    frame = REFERENCE.to_pandas()
    parts = [Profile.of(REFERENCE.slice(0, 3_000), LAYOUT), Profile.of(REFERENCE.slice(3_000), LAYOUT)]
    whole = parts[0].merge(parts[1])
    clipped = frame["prediction"].clip(*LAYOUT.numeric["prediction"].clip)
    commonest = frame["PULocationID"].value_counts().index[:20]
    for zone in commonest:
        own = clipped[frame["PULocationID"] == zone]
        sums = whole.segments["PULocationID"][str(zone)]
        assert sums.count == len(own)
        assert (sums.mean, sums.deviation) == pytest.approx((own.mean(), own.std(ddof=0)))
    assert len(whole.segments["PULocationID"]) == len(commonest)
    assert Profile.from_json(whole.to_json()) == whole


def test_missing_values_belong_to_no_segment() -> None:
    table = pa.table(
        {
            "PULocationID": pa.array([1, None, 1, 2], pa.int64()),
            "prediction": pa.array([5.0, 6.0, None, float("nan")], pa.float64()),
        }
    )
    found = Profile.of(table, LAYOUT).segments["PULocationID"]
    assert {level: sums.count for level, sums in found.items()} == {"1": 1}


def test_drift_of_one_segment_is_found() -> None:
    zone = 5
    drifted = rides(2_000, 7, zone=zone, factor=2.0)
    assert 0.03 < np.mean(drifted.column("PULocationID").to_numpy() == zone) < 0.07
    found = segment(drifted)
    assert (found.status, found.detail["segment"]) == ("alert", str(zone))
    assert 'For PULocationID = "5" the mean predicted duration is' in found.sentence
    others = {s: one for s, one in found.detail["segments"].items() if s != str(zone)}
    assert all(one["value"] < one["threshold"] for one in others.values())


@pytest.mark.parametrize("size", [500, 1_000, 4_000])
def test_windows_without_drift_raise_no_alarm(size: int) -> None:
    assert {segment(rides(size, 100 + seed)).status for seed in range(100)} == {"ok"}


def test_too_few_records_skip_the_check() -> None:
    few = segment(rides(LEAST_ROWS - 1, 3))
    assert (few.status, few.value) == ("skipped", None)


def test_a_contract_without_segments_has_no_segment_check() -> None:
    plain = contract()
    layout = ProfileSpec.of(plain, REFERENCE)
    assert layout.segments is None
    assert Profile.of(REFERENCE, layout).segments == {}
    frame = pd.DataFrame(REFERENCE.to_pandas())
    computed = calibration.compute(frame, plain, window_rows=1_000, false_alarm_rate=0.001, seed=3)
    assert thresholds.load(computed).segments == {}
