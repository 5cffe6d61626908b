from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import ks_2samp

from training.data import load
from training.sources import DataLocation
from training.synthetic import fit_taxi, taxi, wine
from training.use_case import UseCase

ORDINARY = ("2018-01", "2018-07", "2019-03", "2019-04", "2019-05")
MONTHS = (*ORDINARY, taxi.LOCKDOWN)


def zones(rides: pd.DataFrame) -> np.ndarray:
    return np.bincount(rides["PULocationID"], minlength=266) / len(rides)


def apart(left: pd.DataFrame, right: pd.DataFrame) -> float:
    """Return the total variation distance between the months' pickup zones."""
    return float(np.abs(zones(left) - zones(right)).sum() / 2)


def taxi_months(source: str, environ: dict[str, str]) -> dict[str, pd.DataFrame]:
    use_case, location = UseCase.named("green_taxi"), DataLocation(environ=environ)
    chosen = use_case.source(location, source)
    return {m: load(use_case, [m], chosen, location).frame for m in MONTHS}


@pytest.fixture(scope="module")
def synthetic() -> dict[str, pd.DataFrame]:
    return taxi_months("synthetic", {})


@pytest.fixture(scope="module")
def real(real_data: Path) -> dict[str, pd.DataFrame]:
    return taxi_months("folder", {"SCOREWATCH_DATA": str(real_data)})


def test_a_month_is_reproducible_and_differs_from_others() -> None:
    assert taxi.month("2019-05").equals(taxi.month("2019-05"))
    assert not taxi.month("2019-05").equals(taxi.month("2019-06"))


def test_a_month_has_the_columns_and_values_of_the_file() -> None:
    rides = taxi.month("2019-02")
    assert len(rides) == 10_000
    assert rides["tpep_pickup_datetime"].dt.strftime("%Y-%m").eq("2019-02").all()
    assert rides[["PULocationID", "DOLocationID"]].isin(range(1, 266)).all(axis=None)


def test_months_that_were_not_fitted_are_generated_too() -> None:
    assert len(taxi.month("2021-02", rows=100)) == 100


def test_a_month_has_odd_rows() -> None:
    rides = taxi.month("2019-05")
    minutes = (rides["tpep_dropoff_datetime"] - rides["tpep_pickup_datetime"]).dt.total_seconds() / 60
    assert 20 <= (rides["trip_distance"] == 0).sum() <= 150
    assert 5 <= (minutes > 1_000).sum() <= 80


def test_only_the_lockdown_month_differs(synthetic: dict[str, pd.DataFrame]) -> None:
    ordinary = [apart(synthetic["2019-04"], synthetic[m]) for m in ORDINARY if m != "2019-04"]
    assert max(ordinary) < 0.1
    assert apart(synthetic["2019-04"], synthetic[taxi.LOCKDOWN]) > 0.25
    assert synthetic[taxi.LOCKDOWN]["duration"].median() < 0.8 * synthetic["2019-04"]["duration"].median()


@pytest.mark.parametrize("month", MONTHS)
def test_months_are_distributed_as_the_real_ones(
    month: str, synthetic: dict[str, pd.DataFrame], real: dict[str, pd.DataFrame]
) -> None:
    ours, theirs = synthetic[month], real[month]
    assert abs(len(ours) - len(theirs)) < 150, "as many rides break the rules"
    for column in ("trip_distance", "duration"):
        assert ks_2samp(ours[column], theirs[column]).statistic < 0.05, column
        assert ours[column].mean() == pytest.approx(theirs[column].mean(), rel=0.08)
    hours = [f["pickup_datetime"].dt.hour for f in (ours, theirs)]
    assert ks_2samp(*hours).statistic < 0.04
    assert apart(ours, theirs) < 0.07
    correlations = [
        np.corrcoef(np.log(f["duration"]), np.log1p(f["trip_distance"]))[0, 1] for f in (ours, theirs)
    ]
    assert correlations[0] == pytest.approx(correlations[1], abs=0.04)


def test_a_model_of_synthetic_rides_is_as_good_on_real_ones(
    synthetic: dict[str, pd.DataFrame], real: dict[str, pd.DataFrame]
) -> None:
    use_case = UseCase.named("green_taxi")
    errors = {}
    for name, months in {"synthetic": synthetic, "real": real}.items():
        model = use_case.pipeline(use_case.params).fit(
            months["2019-03"][use_case.feature_names], months["2019-03"]["duration"]
        )
        held_out = real["2019-04"]
        residuals = model.predict(held_out[use_case.feature_names]) - held_out["duration"]
        errors[name] = float(np.sqrt(np.square(residuals).mean()))
    assert errors["synthetic"] < 1.06 * errors["real"], errors


def test_the_committed_parameters_are_those_of_the_script(real_data: Path) -> None:
    fitted = fit_taxi.fit(fit_taxi.read(real_data / "nyc_yellow_taxi"))
    for regime in ("ordinary", "lockdown", "seasons"):
        for name, stored in taxi.parameters(regime).items():
            again = fitted[f"{regime}.{name}"]
            if stored.dtype.kind == "f":
                np.testing.assert_allclose(stored, again, rtol=1e-4, atol=1e-4, err_msg=name)
            else:
                np.testing.assert_array_equal(stored, again, err_msg=name)


def test_synthetic_wines_are_distributed_as_the_real_ones(real_data: Path) -> None:
    ours, theirs = wine.wines("all"), pd.read_csv(real_data / "winequality-white.csv")
    for column in [*wine.COLUMNS, "quality"]:
        assert ks_2samp(ours[column], theirs[column]).statistic < 0.05, column
    columns = [*wine.COLUMNS, "quality"]
    assert (ours[columns].corr() - theirs[columns].corr()).abs().max(axis=None) < 0.06


def test_the_parameters_identify_no_ride(real_data: Path) -> None:
    """Zone pairs with fewer than three rides would identify a ride."""
    del real_data
    for regime in ("ordinary", "lockdown"):
        assert taxi.parameters(regime)["pair_count"].min() >= fit_taxi.PAIR_RIDES
