import dataclasses
from pathlib import Path

import pandas as pd
import pytest

from training.data import DataError, frame_sha256, load, valid
from training.sources import DataLocation, Synthetic
from training.split import by_content
from training.use_case import UseCase


def rides(**changes: list[object]) -> pd.DataFrame:
    columns: dict[str, list[object]] = {
        "tpep_pickup_datetime": ["2019-03-01 10:00:00"] * 5,
        "tpep_dropoff_datetime": [
            f"2019-03-01 {t}" for t in ("10:10:00", "10:20:00", "10:00:30", "12:00:00", "10:05:00")
        ],
        "PULocationID": [1, 2, 3, 999, 5],
        "DOLocationID": [1, 2, 3, 4, None],
        "trip_distance": [1.0, 2.0, 3.0, 4.0, 5.0],
    }
    return pd.DataFrame({**columns, **changes})


def taxi(frame: pd.DataFrame) -> UseCase:
    return dataclasses.replace(
        UseCase.named("green_taxi"), sources=[Synthetic(lambda _: frame, fitted_to="a test")]
    )


def test_each_rule_counts_the_rows_it_drops() -> None:
    use_case = taxi(rides())
    table = load(use_case, ["2019-03"], use_case.sources[0], DataLocation(environ={}))
    assert table.raw_rows == 5
    assert table.frame["PULocationID"].tolist() == [1, 2]
    assert table.frame["DOLocationID"].dtype == "int64"
    # The ride of 120 minutes started in zone 999: it counts under both rules.
    assert table.dropped["duration: lies between 1 and 60 minutes"] == 2
    assert table.dropped["PULocationID: is a taxi zone, 1 to 265"] == 1
    assert table.dropped["DOLocationID: is present"] == 1


def test_validity_keeps_the_index() -> None:
    use_case = taxi(rides())
    frame = use_case.prepare(rides())
    assert valid(frame, use_case.rules).tolist() == [True, True, False, False, False]


def test_a_missing_column_is_named() -> None:
    use_case = taxi(rides().drop(columns="trip_distance"))
    with pytest.raises(DataError, match="has no column trip_distance"):
        load(use_case, ["2019-03"], use_case.sources[0], DataLocation(environ={}))


def test_without_valid_rows_the_error_names_the_rules() -> None:
    use_case = taxi(rides(PULocationID=[0] * 5))
    with pytest.raises(DataError, match="is a taxi zone"):
        load(use_case, ["2019-03"], use_case.sources[0], DataLocation(environ={}))


@pytest.mark.parametrize(
    "other",
    [
        pd.DataFrame({"a": [1, 3], "b": ["x", "y"]}),
        pd.DataFrame({"a": [1, 2], "b": ["x", "z"]}),
        pd.DataFrame({"a": [2, 1], "b": ["y", "x"]}),
        pd.DataFrame({"a": [1.0, 2.0], "b": ["x", "y"]}),
        pd.DataFrame({"c": [1, 2], "b": ["x", "y"]}),
        pd.DataFrame({"a": [1], "b": ["x"]}),
    ],
)
def test_the_hash_depends_on_values_order_types_and_names(other: pd.DataFrame) -> None:
    frame = pd.DataFrame({"a": [1, 2], "b": ["x", "y"]})
    assert frame_sha256(frame) == frame_sha256(frame.copy())
    assert frame_sha256(frame) != frame_sha256(other)


def test_equal_rows_fall_into_one_part() -> None:
    frame = pd.DataFrame({"a": [n % 500 for n in range(2_000)]})
    train, held_out = by_content(frame, "train"), by_content(frame, "validation")
    assert len(train) + len(held_out) == 2_000
    assert not set(train["a"]) & set(held_out["a"])
    assert 0.75 < len(train) / 2_000 < 0.85


def test_a_green_month_as_the_tlc_publishes_it_is_read(tmp_path: Path) -> None:
    """Green files use the prefix lpep, and old months have float zones."""
    published = rides(VendorID=[1] * 5).rename(columns=lambda name: name.replace("tpep", "lpep"))
    times = ["lpep_pickup_datetime", "lpep_dropoff_datetime"]
    published[times] = published[times].apply(pd.to_datetime)
    published.to_parquet(tmp_path / "green_tripdata_2019-03.parquet")
    use_case = UseCase.named("green_taxi")
    location = DataLocation(environ={"SCOREWATCH_DATA": str(tmp_path)})
    table = load(use_case, ["2019-03"], use_case.sources[0], location)
    assert table.source == "file green_tripdata_2019-03.parquet"
    assert table.frame["duration"].tolist() == [10.0, 20.0]
    assert list(table.frame) == use_case.columns
