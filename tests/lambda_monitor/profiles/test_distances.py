"""Profiles, distances and thresholds: exact counts, false-alarm rate and power."""

import itertools
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.schema import DType, Feature, Kind
from lambda_monitor.profiles import thresholds
from lambda_monitor.profiles.distances import LEVEL, MIX, SHAPE, SHIFT, SPREAD, distances
from lambda_monitor.profiles.profile import Profile, ProfileSpec
from lambda_monitor.profiles.thresholds import Thresholds
from tests.lambda_monitor import synthetic
from tests.lambda_monitor.test_real_rides import real_rides
from training.calibration import thresholds as calibration

CONTRACT = synthetic.contract(
    features=[
        Feature(name="zone", kind=Kind.CATEGORICAL, dtype=DType.INT, categories=list(range(1, 41))),
        Feature(name="distance", kind=Kind.NUMERIC, dtype=DType.FLOAT, minimum=0, maximum=100),
    ]
)
WEIGHTS = 1 / np.arange(1, 41)
WEIGHTS /= WEIGHTS.sum()


def rows(count: int, seed: int, *, shift: float = 0.0, stretch: float = 1.0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    distance = rng.gamma(2.0, 1.5, count) * stretch + shift
    return pd.DataFrame(
        {
            "zone": rng.choice(np.arange(1, 41), count, p=WEIGHTS),
            "distance": distance,
            "prediction": 4 + 4.2 * distance,
        }
    )


def table(frame: pd.DataFrame) -> pa.Table:
    return pa.Table.from_pandas(frame, preserve_index=False)


REFERENCE = rows(10_000, 0)
LAYOUT = ProfileSpec.of(CONTRACT, table(REFERENCE))
BASELINE = Profile.of(table(REFERENCE), LAYOUT)
COMPUTED = calibration.compute(REFERENCE, CONTRACT, window_rows=1_000, false_alarm_rate=0.001, seed=3)
LIMITS = thresholds.load(COMPUTED)


def alarms(frame: pd.DataFrame) -> set[tuple[str, str]]:
    current = Profile.of(table(frame), LAYOUT)
    return {
        (column, statistic)
        for column in LAYOUT.columns
        for statistic, found in distances(BASELINE, current, column, LAYOUT).items()
        if found.value > LIMITS.limits[column][statistic].at(len(frame), len(REFERENCE))
    }


def test_the_merged_profile_of_parts_equals_that_of_the_whole() -> None:
    whole = Profile.of(table(REFERENCE), LAYOUT)
    parts = [Profile.of(table(REFERENCE[i::3]), LAYOUT) for i in range(3)]
    for order in itertools.permutations(parts):
        merged = order[0].merge(order[1]).merge(order[2])
        assert merged.categorical == whole.categorical
        for name, column in whole.numeric.items():
            other = merged.numeric[name]
            assert (other.histogram, other.count, other.low, other.high) == (
                column.histogram,
                column.count,
                column.low,
                column.high,
            )
            assert other.total == pytest.approx(column.total)
    assert Profile.from_json(whole.to_json()) == whole


@settings(max_examples=100, deadline=None)
@given(
    st.lists(
        st.tuples(st.none() | st.integers(0, 60), st.none() | st.floats(-1e6, 1e6) | st.just(float("nan"))),
        max_size=30,
    )
)
def test_counts_add_up_for_any_rows(values: list[tuple[Any, Any]]) -> None:
    zones, distances_ = [v[0] for v in values], [v[1] for v in values]
    found = Profile.of(
        pa.table({"zone": pa.array(zones, pa.int64()), "distance": pa.array(distances_, pa.float64())}),
        LAYOUT,
    )
    zone, distance = found.categorical["zone"], found.numeric["distance"]
    assert zone.count + zone.missing == distance.count + distance.missing == len(values)
    assert sum(zone.levels.values()) + zone.other == zone.count
    assert sum(distance.histogram) == distance.count
    assert zone.unknown == sum(1 for z in zones if z is not None and not 1 <= z <= 40)
    assert distance.missing == sum(1 for d in distances_ if d is None or np.isnan(d))


def test_the_same_rows_have_distance_zero() -> None:
    for column in LAYOUT.columns:
        assert all(d.value == 0 for d in distances(BASELINE, BASELINE, column, LAYOUT).values())


def test_a_shift_is_in_standard_deviations_of_the_reference() -> None:
    current = Profile.of(table(rows(10_000, 0, shift=0.5)), LAYOUT)
    found = distances(BASELINE, current, "distance", LAYOUT)[SHIFT]
    assert found.value == pytest.approx(0.5 / REFERENCE["distance"].std(), rel=0.1)
    assert "higher" in found.words


def test_thresholds_are_the_same_for_the_same_seed_and_read_back() -> None:
    again = calibration.compute(REFERENCE, CONTRACT, window_rows=1_000, false_alarm_rate=0.001, seed=3)
    assert again == COMPUTED
    assert thresholds.load(LIMITS.to_json()) == LIMITS
    assert set(LIMITS.limits) == {"zone", "distance", "prediction"}
    with pytest.raises(msgspec.DecodeError, match="unknown field `sead`"):
        thresholds.load(COMPUTED.replace(b'"seed"', b'"sead"'))


@pytest.mark.parametrize("size", [200, 1_000, 5_000])
def test_windows_without_drift_raise_no_alarm(size: int) -> None:
    raised = [found for seed in range(200) if (found := alarms(rows(size, 1_000 + seed)))]
    assert raised == []


def test_a_shift_of_a_fifth_of_a_deviation_is_found_within_two_windows() -> None:
    shift = 0.2 * REFERENCE["distance"].std()
    seen = [
        bool(alarms(rows(1_000, 2 * seed, shift=shift)) or alarms(rows(1_000, 2 * seed + 1, shift=shift)))
        for seed in range(100, 200)
    ]
    assert sum(seen) >= 95


def test_each_kind_of_change_is_found_by_its_statistic() -> None:
    mixed = rows(2_000, 5)
    mixed.loc[:400, "zone"] = 7
    assert ("zone", MIX) in alarms(mixed)
    assert ("distance", SPREAD) in alarms(rows(2_000, 6, stretch=1.5))
    split = rows(2_000, 7)
    split["distance"] = np.where(
        np.arange(2_000) % 2, split["distance"].mean() + 2, split["distance"].mean() - 2
    )
    assert ("distance", SHAPE) in alarms(split)


def test_limits_follow_window_size_and_false_alarm_rate() -> None:
    limit = LIMITS.limits["distance"][SHIFT]
    assert limit.at(100, 10_000) > limit.at(1_000, 10_000) > limit.at(100_000, 10_000) > limit.tolerance
    unit = np.sqrt(1 / 1_000 + 1 / 10_000)
    assert limit.at(1_000, 10_000, "count") == pytest.approx(limit.noise * unit)
    assert limit.at(1_000, 10_000) == pytest.approx(limit.tolerance + limit.chance * unit)
    assert limit.at(100, 10_000, "count") == pytest.approx(limit.few * limit.noise * np.sqrt(0.0101))
    lax = calibration.compute(REFERENCE, CONTRACT, window_rows=1_000, false_alarm_rate=0.05, seed=3)
    looser: Thresholds = thresholds.load(lax)
    assert all(
        looser.limits[c][s].noise < limit.noise
        for c, found in LIMITS.limits.items()
        for s, limit in found.items()
    )


def test_differing_weeks_widen_the_tolerance() -> None:
    times = pd.date_range("2026-03-01", periods=len(REFERENCE), freq="4min")
    wavy = REFERENCE.assign(time=times)
    wavy["distance"] += np.sin(np.arange(len(wavy)) / len(wavy) * 2 * np.pi)
    found = thresholds.load(
        calibration.compute(wavy, CONTRACT, window_rows=1_000, false_alarm_rate=0.001, seed=3)
    )
    assert found.limits["distance"][SHIFT].tolerance > 3 * LIMITS.limits["distance"][SHIFT].tolerance
    assert found.limits["zone"][LEVEL].tolerance == calibration.TOLERANCE[LEVEL]


def test_differing_days_widen_the_tolerance() -> None:
    times = pd.date_range("2026-03-01", periods=len(REFERENCE), freq="4min")
    days = np.random.default_rng(4).normal(0, 0.25, 31)[(times - times[0]).days]
    found = thresholds.load(
        calibration.compute(
            REFERENCE.assign(time=times, distance=REFERENCE["distance"] + days * REFERENCE["distance"].std()),
            CONTRACT,
            window_rows=1_000,
            false_alarm_rate=0.001,
            seed=3,
        )
    )
    assert 0.3 < found.limits["distance"][SHIFT].tolerance < 0.7


def test_differing_hours_are_tolerated_only_with_ignore_hours() -> None:
    times = pd.date_range("2026-03-01", periods=len(REFERENCE), freq="4min")
    night = REFERENCE.assign(time=times)
    night["distance"] += 3 * (times.hour < 5)
    night_limits = calibration.compute(night, CONTRACT, window_rows=1_000, false_alarm_rate=0.001, seed=3)
    limit = thresholds.load(night_limits).limits["distance"][SHIFT]
    deviations = (
        abs(night["distance"][times.hour < 5].mean() - night["distance"].mean()) / night["distance"].std()
    )
    assert limit.at(1_000, 10_000) < deviations < limit.at(1_000, 10_000, "ignore_hours")


def test_a_change_of_mix_of_two_levels_is_found() -> None:
    contract = synthetic.contract(features=[Feature(name="side", kind=Kind.CATEGORICAL, dtype=DType.STR)])
    reference = pd.DataFrame({"side": ["left", "right"] * 2_000, "prediction": np.linspace(0, 9, 4_000)})
    layout = ProfileSpec.of(contract, table(reference))
    limits = thresholds.load(
        calibration.compute(reference, contract, window_rows=1_000, false_alarm_rate=0.001, seed=3)
    )
    current = pd.DataFrame({"side": ["left"] * 600 + ["right"] * 400, "prediction": np.linspace(0, 9, 1_000)})
    profiles = [Profile.of(table(frame), layout) for frame in (reference, current)]
    found = distances(*profiles, "side", layout)[LEVEL]
    assert found.value == pytest.approx(0.1)
    assert found.value > limits.limits["side"][LEVEL].at(1_000, 4_000)


@pytest.mark.parametrize(("expected", "rows_"), [(0.0, 100), (0.0, 10_000), (0.02, 1_000), (1.0, 1_000)])
def test_the_limit_of_a_share_is_not_exceeded_by_chance(expected: float, rows_: int) -> None:
    limit = thresholds.share_limit(expected, rows_)
    hits = np.random.default_rng(1).binomial(rows_, expected, 2_000) / rows_
    assert (hits <= limit).all()
    assert limit <= max(0.05, expected * 2.5 + 0.02)


def test_real_months_raise_no_alarm_and_the_lockdown_does(real_data: Any) -> None:
    contract = synthetic.contract()
    names = contract.feature_names

    def month(name: str) -> pd.DataFrame:
        rides = real_rides(real_data, name).sort_values("tpep_pickup_datetime")
        return rides.assign(prediction=synthetic.predict(rides["trip_distance"].to_numpy().clip(0)))[
            [*names, "prediction"]
        ]

    reference = month("2019-04")
    layout = ProfileSpec.of(contract, table(reference))
    baseline = Profile.of(table(reference), layout)
    limits = thresholds.load(
        calibration.compute(reference, contract, window_rows=2_000, false_alarm_rate=0.001, seed=7)
    )

    def raised(name: str) -> list[bool]:
        rides = month(name)
        windows = [rides.iloc[i : i + 1_500] for i in range(0, len(rides) - 1_500, 1_500)]
        return [
            any(
                found.value > limits.limits[column][statistic].at(len(window), len(reference))
                for column in layout.columns
                for statistic, found in distances(
                    baseline, Profile.of(table(window), layout), column, layout
                ).items()
            )
            for window in windows
        ]

    ordinary = [f"2018-{m:02d}" for m in range(1, 13)] + ["2019-01", "2019-02", "2019-05", "2019-06"]
    assert sum(sum(raised(name)) for name in ordinary) == 0
    assert all(raised("2020-04"))
