"""Values of derived features, as docs/bring-your-own.md states them."""

import math
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contract import times
from contract.derivation import FLOAT_LIMIT, derive
from contract.derived import concatenate, day, difference, hour, log, month, ratio, weekday
from contract.schema import Derived, DType, Feature, Input, Kind, Operation

NEW_YORK = "America/New_York"


def values(derived: Derived, zone: str = "UTC", **columns: Any) -> list[Any]:
    """Return the values of one derived feature; columns t, u are timestamps."""
    inputs = [Input(name=name, dtype=DType.TIMESTAMP, zone=zone) for name in ("t", "u")]
    kind, dtype = Kind.NUMERIC, DType.INT
    if derived.operation is Operation.CONCATENATE:
        kind, dtype = Kind.CATEGORICAL, DType.STR
    elif derived.operation in {Operation.DIFFERENCE, Operation.RATIO, Operation.LOG}:
        dtype = DType.FLOAT
    feature = Feature(name="made", kind=kind, dtype=dtype, derived=derived)
    return list(derive([feature], inputs, columns)["made"])


def parsed(*texts: str | None) -> list[datetime | None]:
    return [None if text is None else times.parse(text) for text in texts]


def test_texts_are_joined_as_json_writes_them() -> None:
    found = values(concatenate("a", "b", "c"), a=[75, -1, 5], b=["x", "", "é_"], c=[True, False, None])
    assert found == ["75_x_true", "-1__false", None]
    assert values(concatenate("a", "b", separator="->"), a=["", None], b=[2**62, 1]) == [f"->{2**62}", None]


@pytest.mark.parametrize(
    ("first", "second", "quotient"),
    [
        (3, 2, 1.5),
        (0, 5, 0.0),
        (1, 0, None),
        (0, 0, None),
        (None, 2, None),
        (2, None, None),
        (3e38, 0.5, None),  # beyond float32
        (1e-45, 1e45, 1e-90),
        (2**62, 2**61, 2.0),
    ],
)
def test_a_ratio_that_is_not_defined_is_missing(first: Any, second: Any, quotient: float | None) -> None:
    assert values(ratio("a", "b"), a=[first], b=[second]) == [quotient]


@pytest.mark.parametrize(
    ("value", "logarithm"), [(1, 0.0), (math.e, 1.0), (0, None), (-0.5, None), (None, None), (-0.0, None)]
)
def test_a_logarithm_is_natural_and_missing_of_zero_or_less(value: Any, logarithm: float | None) -> None:
    assert values(log("a"), a=[value]) == [logarithm]


def test_a_difference_is_the_first_minus_the_second() -> None:
    found = values(difference("a", "b"), a=[5, 1.5, None, -FLOAT_LIMIT], b=[7, 1.5, 1, FLOAT_LIMIT])
    assert found == [-2.0, 0.0, None, None]


def test_a_difference_of_timestamps_is_in_seconds_whatever_their_offsets() -> None:
    t = parsed("2026-03-02T12:00:00.000001Z", "2026-03-02T12:00:00+02:00", None, "2199-12-31T23:59:59Z")
    u = parsed("2026-03-02T12:00:00Z", "2026-03-02T12:00:00-01:00", "2026-03-02", "1900-01-01T00:00:00Z")
    found = values(difference("t", "u"), t=t, u=u)
    assert found[:3] == [1e-06, -10_800.0, None]
    assert found[3] == (datetime(2199, 12, 31, 23, 59, 59) - datetime(1900, 1, 1)).total_seconds()


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2026-03-02T00:30:00Z", "UTC", (0, 0, 2, 3)),
        ("2026-03-02T00:30:00", "UTC", (0, 0, 2, 3)),  # without an offset: of the zone
        ("2026-03-02T00:30:00+01:00", "UTC", (23, 6, 1, 3)),  # an offset is converted
        ("2026-03-02T00:30:00Z", NEW_YORK, (19, 6, 1, 3)),
        ("2026-03-02T00:30:00", NEW_YORK, (0, 0, 2, 3)),
        ("2026-07-04T00:30:00-04:00", NEW_YORK, (0, 5, 4, 7)),
        ("2026-03-08T06:59:59Z", NEW_YORK, (1, 6, 8, 3)),  # a second before summer time
        ("2026-03-08T07:00:00Z", NEW_YORK, (3, 6, 8, 3)),
        ("2026-11-01T05:30:00Z", NEW_YORK, (1, 6, 1, 11)),  # the hour that occurs twice
        ("2026-11-01T06:30:00Z", NEW_YORK, (1, 6, 1, 11)),
        ("2024-02-29", "UTC", (0, 3, 29, 2)),
        ("1969-12-31T23:00:00Z", "UTC", (23, 2, 31, 12)),
        ("20260302T0830+0530", "Asia/Kolkata", (8, 0, 2, 3)),
    ],
)
def test_parts_of_a_timestamp_are_those_of_its_zone(text: str, zone: str, expected: tuple[int, ...]) -> None:
    parts = (hour, weekday, day, month)
    assert tuple(values(part("t"), zone, t=parsed(text))[0] for part in parts) == expected
    assert [values(part("t"), zone, t=[None, *parsed(text)])[0] for part in parts] == [None] * 4


def test_local_times_that_are_skipped_or_occur_twice_have_the_first_offset() -> None:
    t = parsed("2026-11-01T01:30:00", "2026-03-08T02:30:00")
    u = parsed("2026-11-01T05:30:00Z", "2026-03-08T07:30:00Z")
    assert values(difference("t", "u"), NEW_YORK, t=t, u=u) == [0.0, 0.0]


@pytest.mark.parametrize("text", ["", "noon", "2026-02-30T00:00:00Z", "2026-03-02T25:00:00Z", "1772452800"])
def test_another_text_is_no_timestamp(text: str) -> None:
    with pytest.raises(ValueError, match="it is not ISO 8601"):
        times.parse(text)


@pytest.mark.parametrize("text", ["1899-12-31T23:59:59Z", "2200-01-01", "0001-01-01T00:00:00+10:00"])
def test_a_year_beyond_the_limits_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="its year is not among 1900 to 2199"):
        times.parse(text)


_MOMENTS = st.datetimes(
    datetime(1971, 1, 1),
    datetime(2100, 1, 1),
    timezones=st.sampled_from([UTC, timezone(timedelta(hours=-5)), ZoneInfo("Asia/Kolkata")]),
)


@given(
    moments=st.lists(st.none() | _MOMENTS, min_size=1, max_size=20),
    zone=st.sampled_from(["UTC", NEW_YORK, "Australia/Lord_Howe", "Asia/Kathmandu"]),
)
def test_records_and_the_columns_of_training_give_the_same_parts(
    moments: list[datetime | None], zone: str
) -> None:
    local = [None if moment is None else moment.astimezone(ZoneInfo(zone)) for moment in moments]
    parts = {hour: "hour", day: "day", month: "month"}
    stored = np.array([None if m is None else m.astimezone(UTC).replace(tzinfo=None) for m in moments])
    for part, attribute in parts.items():
        expected = [None if moment is None else getattr(moment, attribute) for moment in local]
        assert values(part("t"), zone, t=moments) == expected
        assert values(part("t"), zone, t=stored.astype("datetime64[us]")) == expected
    assert values(weekday("t"), zone, t=moments) == [None if m is None else m.weekday() for m in local]


_NUMBERS = st.none() | st.floats(-FLOAT_LIMIT, FLOAT_LIMIT) | st.integers(-(2**63), 2**63 - 1)


@given(rows=st.lists(st.tuples(_NUMBERS, _NUMBERS), min_size=1, max_size=10))
def test_arithmetic_is_that_of_floats_and_never_infinite(rows: list[tuple[Any, Any]]) -> None:
    first, second = ([row[n] for row in rows] for n in (0, 1))

    def expected(a: Any, b: Any, of: Any) -> float | None:
        try:
            found = None if a is None or b is None else of(float(a), float(b))
        except (ZeroDivisionError, ValueError):
            return None
        return found if found is not None and abs(found) <= FLOAT_LIMIT else None

    assert values(ratio("a", "b"), a=first, b=second) == [expected(*row, lambda a, b: a / b) for row in rows]
    assert values(difference("a", "b"), a=first, b=second) == [
        expected(*row, lambda a, b: a - b) for row in rows
    ]
    logs = [expected(a, 1, lambda a, _: math.log(a)) for a in first]
    found = values(log("a"), a=first)
    assert [value is None for value in found] == [value is None for value in logs]
    known = [(a, b) for a, b in zip(found, logs, strict=True) if b is not None]
    assert [a for a, _ in known] == pytest.approx([b for _, b in known], rel=1e-14)


def test_a_feature_is_derived_from_one_before_it() -> None:
    features = [
        Feature(name=name, kind=Kind.NUMERIC, dtype=DType.FLOAT, derived=derived, nullable=True)
        for name, derived in {"speed": ratio("miles", "hours"), "log_speed": log("speed")}.items()
    ]
    found = derive(features, [], {"miles": [4.0, 4.0], "hours": [4.0, 0.0]})
    assert (found["speed"], found["log_speed"]) == ([1.0, None], [0.0, None])


def test_zones_are_found_without_the_systems_database() -> None:
    code = "from contract.times import _zone; print(_zone('America/New_York').key)"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env={"PYTHONTZPATH": ""}, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "America/New_York"
    for image in ("predict", "monitor"):
        assert re.search(r"^tzdata==\S+ \\$", Path(f"requirements/{image}.txt").read_text(), re.MULTILINE)
