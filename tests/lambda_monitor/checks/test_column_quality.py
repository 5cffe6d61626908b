"""Constant columns, unknown categories, spread, and disabled checks."""

import dataclasses
from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from contract.schema import DType, Feature, Kind
from lambda_monitor.check_config import CheckConfig, CheckOverride
from lambda_monitor.checks import columns
from lambda_monitor.findings import CheckResult
from lambda_monitor.model import Model
from lambda_monitor.profiles import thresholds
from lambda_monitor.profiles.profile import Profile, ProfileSpec
from tests.lambda_monitor.synthetic import contract
from training.calibration import thresholds as calibration

CONTRACT = contract(
    features=[
        Feature(name="country", kind=Kind.CATEGORICAL, dtype=DType.STR, categories=["NL", "DE"]),
        Feature(name="size", kind=Kind.NUMERIC, dtype=DType.FLOAT),
    ],
    segments=["country"],
)


@dataclasses.dataclass(frozen=True)
class Rows:
    """Rows with `unknown` of each hundred from a country that is not in the training data."""

    count: int = 2_000
    unknown: int = 0
    country: str = ""
    size: float | None = None
    narrow: float = 1.0

    def table(self) -> pa.Table:
        numbers = np.arange(self.count)
        known = np.where(numbers % 2 == 0, "NL", "DE") if not self.country else self.country
        countries = np.where(numbers % 100 < self.unknown, "XX", known).tolist()
        sizes = (
            25 + self.narrow * (numbers % 51 - 25.0) if self.size is None else np.full(self.count, self.size)
        )
        return pa.table({"country": countries, "size": sizes, "prediction": numbers % 51 + 0.0})


@cache
def limits_of(reference: Rows) -> bytes:
    frame = reference.table().to_pandas()
    return calibration.compute(frame, CONTRACT, window_rows=1_000, false_alarm_rate=0.001, seed=1)


def watched(reference: Rows, config: CheckConfig | None = None) -> Model:
    rows = reference.table()
    spec = ProfileSpec.of(CONTRACT, rows)
    return Model(
        contract=CONTRACT,
        reference=rows,
        profile_spec=spec,
        baseline=Profile.of(rows, spec),
        thresholds=thresholds.load(limits_of(reference)),
        check_config=config or CheckConfig(),
    )


def results(model: Model, rows: Rows) -> list[CheckResult]:
    return columns.check_columns(model, Profile.of(rows.table(), model.profile_spec))


def result(model: Model, rows: Rows, name: str, column: str) -> CheckResult:
    [found] = [r for r in results(model, rows) if r.name == name and r.columns == [column]]
    return found


@pytest.mark.parametrize(
    ("before", "now", "column", "status"),
    [
        (Rows(), Rows(country="NL"), "country", "alert"),
        (Rows(), Rows(), "country", "ok"),
        (Rows(country="NL"), Rows(country="NL"), "country", "ok"),
        (Rows(), Rows(size=5.0), "size", "alert"),
        (Rows(size=5.0), Rows(size=5.0), "size", "ok"),
    ],
)
def test_a_column_that_varied_must_not_be_constant(before: Rows, now: Rows, column: str, status: str) -> None:
    assert result(watched(before), now, "quality.constant", column).status == status


@pytest.mark.parametrize(
    ("before", "now", "status"), [(10, 10, "ok"), (0, 10, "alert"), (10, 40, "alert"), (0, 0, "ok")]
)
def test_unknown_categories_are_compared_with_the_reference(before: int, now: int, status: str) -> None:
    found = result(watched(Rows(unknown=before)), Rows(unknown=now), "quality.categories", "country")

    assert (found.status, found.value) == (status, now / 100)
    assert found.detail == {"new": {"XX": 20 * now} if now else {}}


@pytest.mark.parametrize("narrow", [0.5, 2.0])
def test_spread_is_measured_in_both_directions(narrow: float) -> None:
    found = result(watched(Rows()), Rows(narrow=narrow), "drift.feature", "size")

    measured = found.detail["all"]["spread"]
    # Values are clipped to the reference's range, which limits how wide they can become.
    assert measured["value"] > 0.3
    assert measured["value"] > measured["threshold"]


def test_only_a_narrower_spread_is_an_alert_of_the_spread() -> None:
    found = result(
        watched(Rows(), CheckConfig(seasonality="count")), Rows(narrow=0.85), "drift.feature", "size"
    )

    spread = found.detail["all"]["spread"]
    assert spread["value"] == pytest.approx(-np.log(0.85), abs=0.02)
    assert found.status == "alert"


@pytest.mark.parametrize("name", ["outliers", "quality.constant", "drift.feature", "performance.estimate"])
def test_a_disabled_check_of_columns_has_no_result(name: str) -> None:
    config = CheckConfig(checks={name: CheckOverride(enabled=False)})
    before = watched(Rows())

    assert name in {r.name for r in results(before, Rows())}
    assert name not in {r.name for r in results(watched(Rows(), config), Rows())}


def test_a_check_of_segments_has_the_limit_of_the_segments_rows() -> None:
    model = watched(Rows())
    limits: dict[int, Any] = {}
    for count in (200, 2_000):
        limits[count] = result(model, Rows(count=count), "drift.segment", "country").threshold

    assert limits[200] > 1.5 * limits[2_000]
