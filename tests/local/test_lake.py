"""`lake.read`: predictions joined to labels, by arrival in UTC."""

import gzip
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pandas as pd
import pytest

from local import lake
from local.lake import LakeError
from ops import deployment
from tests.lambda_monitor.conftest import stack  # noqa: F401  # a fixture
from tests.lambda_monitor.synthetic import (
    ARTIFACTS,
    HOUR,
    LAKE,
    MODEL,
    NOON,
    Stack,
    contract,
    predict,
    synthetic_rides,
)


@pytest.fixture
def rides(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> pd.DataFrame:  # noqa: F811
    """Put two hours of 60 rides, some twice; label every second one; return the rides in order."""
    stack.bundle()
    known = {
        "artifact_bucket": ARTIFACTS,
        "lake_bucket": LAKE,
        "model_name": MODEL.name,
        "model_version": "1",
    }
    monkeypatch.setattr(deployment, "running_outputs", lambda _: known)
    found = synthetic_rides(120, seed=3)
    for hour in (0, 1):
        lines = stack.events(found[60 * hour : 60 * (hour + 1)], NOON + hour * HOUR)
        stack.put([*lines, *lines[:5]], NOON + hour * HOUR)
    stack.label({f"R{n + 1 + (n >= 60)}": float(found["duration"][n]) for n in range(0, 120, 2)}, NOON)
    return found


def test_each_record_is_a_row_with_prediction_and_label(rides: pd.DataFrame) -> None:
    found = lake.read("2026-03-02", "2026-03-03")

    assert list(found.columns) == [
        "ride_id",
        "arrived_at",
        "model_version",
        *contract().feature_names,
        "prediction",
        "target",
    ]
    assert len(found) == 120
    assert found["arrived_at"].is_monotonic_increasing
    assert found["arrived_at"].dt.tz is not None
    assert found["trip_distance"].tolist() == rides["trip_distance"].tolist()
    assert found["prediction"].tolist() == pytest.approx(predict(rides["trip_distance"].to_numpy()).tolist())
    assert found["target"].notna().tolist() == [True, False] * 60
    assert found["target"][::2].tolist() == rides["duration"][::2].tolist()


@pytest.mark.parametrize(
    ("start", "end", "rows"),
    [
        ("2026-03-02T12:00", "2026-03-02T13:00", 60),
        ("2026-03-02T12:30", "2026-03-02T13:00:00Z", 30),
        ("2026-03-02T13:30:00+01:00", "2026-03-02T14:00:00+01:00", 30),
        (NOON, NOON + timedelta(minutes=1), 1),
        (datetime(2026, 3, 2, 12), NOON.astimezone(timezone(HOUR)) + HOUR, 60),
        ("2026-03-01", "2026-03-02", 0),
    ],
)
@pytest.mark.usefixtures("rides")
def test_the_range_is_half_open_and_in_utc(start: Any, end: Any, rows: int) -> None:
    assert len(lake.read(start, end)) == rows


@pytest.mark.usefixtures("rides")
def test_an_empty_range_or_a_text_that_is_no_time_is_named() -> None:
    with pytest.raises(LakeError, match="is empty: its end is exclusive"):
        lake.read("2026-03-02", "2026-03-02")
    with pytest.raises(LakeError, match="'March' is no time"):
        lake.read("March", "2026-03-02")


@pytest.mark.usefixtures("rides")
def test_an_unreadable_object_is_named_not_left_out(stack: Stack) -> None:  # noqa: F811
    key = f"predictions/{NOON.astimezone(UTC):year=%Y/month=%m/day=%d/hour=%H}/bad.gz"
    stack.s3.put_object(Bucket=LAKE, Key=key, Body=gzip.compress(b"x" * 5000)[:-10])

    with pytest.raises(LakeError, match=r"1 objects of s3://lake can't be read, for example predictions/"):
        lake.read("2026-03-02", "2026-03-03")
