"""Column checks at their limits."""

import json
from typing import Any

import pyarrow as pa
import pytest

from contract.schema import DType, Feature, Kind
from lambda_monitor import check_config
from lambda_monitor.checks import columns
from lambda_monitor.findings import CheckResult
from lambda_monitor.model import Model
from lambda_monitor.profiles import thresholds
from lambda_monitor.profiles.profile import Profile, ProfileSpec
from tests.lambda_monitor.synthetic import contract
from training.calibration import thresholds as calibration

CONTRACT = contract(
    features=[
        Feature(name="country", kind=Kind.CATEGORICAL, dtype=DType.STR),
        Feature(name="size", kind=Kind.NUMERIC, dtype=DType.FLOAT),
    ]
)


def rows(count: int, country: str = "NL", *, other: int = 0) -> pa.Table:
    sizes = [float(n % 50) for n in range(count)]
    countries = ["BE"] * other + [country] * (count - other)
    return pa.table({"country": countries, "size": sizes, "prediction": sizes})


def model(chosen: dict[str, Any]) -> Model:
    reference = rows(2_000)
    layout = ProfileSpec.of(CONTRACT, reference)
    made = calibration.compute(
        reference.to_pandas(), CONTRACT, window_rows=1_000, false_alarm_rate=0.001, seed=1
    )
    return Model(
        contract=CONTRACT,
        reference=reference,
        profile_spec=layout,
        baseline=Profile.of(reference, layout),
        thresholds=thresholds.load(made),
        check_config=check_config.load(json.dumps(chosen).encode(), layout.columns),
    )


def drift(watched: Model, table: pa.Table, column: str) -> CheckResult:
    found = columns.check_columns(watched, Profile.of(table, watched.profile_spec))
    [result] = [r for r in found if r.name == "drift.feature" and r.columns == [column]]
    return result


@pytest.mark.parametrize(("other", "status"), [(0, "ok"), (1, "alert")])
def test_a_constant_column_that_varies_is_an_alert_if_every_change_counts(other: int, status: str) -> None:
    found = drift(model({"seasonality": "count"}), rows(1_000, other=other), "country")
    assert (found.status, found.threshold) == (status, 0.0)


def test_a_single_odd_row_is_ok_by_default() -> None:
    assert drift(model({}), rows(1_000, other=1), "country").status == "ok"


@pytest.mark.parametrize(("limit", "status"), [(0.0, "alert"), (0.9, "ok")])
def test_the_users_limit_applies_also_if_it_is_zero(limit: float, status: str) -> None:
    chosen = {"checks": {"drift.feature": {"columns": {"size": {"threshold": limit}}}}}
    found = drift(model(chosen), rows(1_025), "size")
    assert (found.status, found.threshold) == (status, limit)
