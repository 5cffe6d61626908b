"""Nullable, boolean, timestamp and derived fields in training, as docs/bring-your-own.md states them."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from contract import bundle
from contract.derived import hour, ratio
from contract.schema import Contract, DType, Feature, Input, Kind
from lambda_predict.decode import Decoder
from local import serve
from ops import deploy
from tests.training import rich as rows_of
from training import column_types, export, pipeline, records
from training.calibration import resampling
from training.column_types import ColumnTypeError
from training.contract_change import changes
from training.data import DataError, Table, frame_sha256
from training.onnx_graph import ExportError
from training.sources import DataLocation, Synthetic
from training.store import Data
from training.tracking import Version
from training.use_case import UseCase, UseCaseError

NOWHERE = DataLocation(environ={})
RICH = Path(__file__).with_name("rich.py")


@pytest.fixture(scope="module")
def rich() -> UseCase:
    return UseCase.named(str(RICH))


@pytest.fixture(scope="module")
def data(rich: UseCase) -> Data:
    return loaded(rich)


def loaded(use_case: UseCase, messages: list[str] | None = None) -> Data:
    return pipeline.load_data(use_case, NOWHERE, None, (messages or []).append)


def changed(rich: UseCase, **columns: Any) -> UseCase:
    """Return the use case with other raw columns, made from the rows."""
    source = Synthetic(lambda part: rows_of.rows(part).assign(**columns), fitted_to="a test")
    return dataclasses.replace(rich, sources=[source])


def feature(rich: UseCase, name: str, **more: Any) -> UseCase:
    """Return the use case with one feature declared otherwise."""
    features = [msgspec.structs.replace(f, **more) if f.name == name else f for f in rich.features]
    return dataclasses.replace(rich, features=features)


def test_rows_with_missing_values_are_kept_and_the_model_is_given_nan_or_the_marker(
    rich: UseCase, data: Data
) -> None:
    assert set(data.train.dropped) == {"duration: is above zero"}
    frame = data.train.frame
    given = rich.model_rows(frame)
    assert list(given) == rich.feature_names
    for name, marker in {"dropoff_zone": -1, "payment": "(missing)", "zones": "(missing)"}.items():
        assert (given[name] == marker).tolist() == frame[name].isna().tolist()
    for name in ("tip", "passengers", "airport", "waited"):
        assert given[name].dtype == "float64"
        assert given[name].isna().tolist() == frame[name].isna().tolist()
        assert frame[name].isna().any()
    assert given["shared"].dtype == "int64"
    assert given["shared"].tolist() == [int(value) for value in frame["shared"]]
    assert set(given["airport"].dropna()) == {0.0, 1.0}


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"shared": lambda f: f["shared"].astype(int)}, "'shared' is declared bool, found int such as"),
        ({"shared": lambda f: f["shared"].astype(str)}, r"declared bool, found str .*\.eq\(1\)"),
        ({"tip": None}, "'tip' is declared float, but every value is missing: remove it"),
        ({"payment": "(missing)"}, r"'\(missing\)', which would stand for a missing value, is among"),
        ({"pickup_time": 5}, "input 'pickup_time' is declared timestamp, found int such as 5"),
        ({"pickup_time": "noon"}, "it is not ISO 8601: correct it, as 2026-03-02T08:15:00-05:00"),
        ({"pickup_time": pd.Timestamp("1812-01-01")}, "outside the years 1900 to 2199"),
        ({"passengers": 1.5}, "not whole"),
        ({"tip": np.inf}, "not finite"),
    ],
)
def test_a_column_of_another_type_is_refused_with_its_fix(
    rich: UseCase, columns: dict[str, Any], words: str
) -> None:
    with pytest.raises(DataError, match=words):
        loaded(changed(rich, **columns))


def test_a_declared_marker_may_be_a_category_of_the_data(rich: UseCase) -> None:
    merged = loaded(changed(feature(rich, "payment", missing="cash"))).train.frame
    given = feature(rich, "payment", missing="cash").model_rows(merged)
    assert set(given["payment"]) == {"card", "cash"}
    assert merged["payment"].isna().any()


def test_rows_for_which_a_feature_is_not_defined_are_dropped_and_counted(rich: UseCase) -> None:
    strict = feature(rich, "tip_per_mile", derived=ratio("distance", "pickup_zone"), nullable=False)
    use_case = changed(strict, pickup_zone=lambda f: f["pickup_zone"] - 1)
    train = loaded(use_case).train
    undefined = (rows_of.rows("train").query("duration > 0")["pickup_zone"] == 1).sum()
    assert train.dropped["tip_per_mile: is defined"] == undefined
    assert (train.frame["pickup_zone"] > 0).all()
    assert (use_case.demo("normal", 400)["pickup_zone"] > 0).all()


@pytest.mark.parametrize(
    ("values", "zone", "utc"),
    [
        (["2026-03-02T08:15:00-05:00", "2026-07-02"], "UTC", ["2026-03-02 13:15", "2026-07-02"]),
        (["2026-03-02T08:15", None], "America/New_York", ["2026-03-02 13:15", None]),
        (pd.to_datetime(["2026-03-02 08:15", None]), "UTC", ["2026-03-02 08:15", None]),
        (pd.to_datetime(["2026-03-02 08:15", None]), "America/New_York", ["2026-03-02 13:15", None]),
        (pd.to_datetime(["2026-03-02 08:15"]).tz_localize("Asia/Tokyo"), "UTC", ["2026-03-01 23:15"]),
        ([pd.Timestamp("2026-03-02 08:15Z").to_pydatetime()] * 2, "UTC", ["2026-03-02 08:15"] * 2),
    ],
)
def test_times_of_every_form_are_converted_to_utc(values: Any, zone: str, utc: list[Any]) -> None:
    declared = Input(name="t", dtype=DType.TIMESTAMP, zone=zone, nullable=True)
    found = column_types.field(declared, pd.Series(values))
    assert found.dtype == "datetime64[us]"
    assert found.tolist() == [pd.Timestamp(text) for text in utc]


def test_records_have_the_fields_sent_and_missing_values_as_null(rich: UseCase, data: Data) -> None:
    frame = data.train.frame.assign(ride_id=lambda f: f.index)
    sent = [json.loads(line)["ride"] for line in records.encode(rich.contract(), frame)]
    assert list(sent[0]) == [field.name for field in rich.sent]
    for name in ("tip", "passengers", "payment", "airport", "booked_time"):
        assert [ride[name] is None for ride in sent] == frame[name].isna().tolist()
    assert {type(ride["passengers"]) for ride in sent} == {int, type(None)}
    assert {type(ride["shared"]) for ride in sent} == {bool}
    assert all(ride["pickup_time"].endswith("Z") for ride in sent)


def test_the_hash_of_rows_survives_storage_and_sees_each_missing_value(data: Data, tmp_path: Path) -> None:
    frame = data.train.frame
    frame.to_parquet(tmp_path / "rows.parquet")
    again = pd.read_parquet(tmp_path / "rows.parquet")
    assert frame_sha256(again) == data.train.sha256
    for name in ("tip", "passengers", "payment", "airport", "booked_time"):
        other = frame.copy()
        other.loc[frame[name].notna().idxmax(), name] = None
        assert frame_sha256(other) != data.train.sha256, name


def without_imputer(_: Any) -> Any:
    encode = OneHotEncoder(handle_unknown="ignore")
    categories = ["pickup_zone", "dropoff_zone", "payment", "zones", "weekday"]
    return make_pipeline(ColumnTransformer([("c", encode, categories)], remainder="passthrough"), Ridge())


def test_a_pipeline_that_cannot_score_missing_values_is_refused(rich: UseCase, data: Data) -> None:
    """The training rows have none, so that only the probes with missing values fail."""
    use_case = dataclasses.replace(rich, pipeline=without_imputer)
    tables = [data.train, data.validation]
    complete = [dataclasses.replace(t, frame=t.frame.dropna().reset_index(drop=True)) for t in tables]
    with pytest.raises(ExportError, match="can't score a missing value, which nullable features may have"):
        pipeline.fit(use_case, Data(*complete, data.source), progress=lambda _: None)


def test_a_pipeline_may_be_fitted_without_any_missing_value(rich: UseCase, data: Data) -> None:
    """ONNX and scikit-learn are compared on rows without each nullable feature all the same."""
    tables: list[Table] = [data.train, data.validation]
    complete = [dataclasses.replace(t, frame=t.frame.dropna().reset_index(drop=True)) for t in tables]
    for model in ("ridge", "boosting"):
        fitted = pipeline.fit(rich, Data(*complete, data.source), {"model": model}, lambda _: None)
        nullable = sum(f.nullable for f in rich.features)
        unseen = sum(f.kind is Kind.CATEGORICAL and f.dtype is not DType.BOOL for f in rich.features)
        assert fitted.parity.rows == len(complete[1].frame) + 5 * (nullable + 1 + unseen)


def test_example_records_are_accepted_by_the_scorer(
    rich: UseCase, data: Data, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resampling, "DRAWS", 1_000)
    fitted = pipeline.fit(rich, data, progress=lambda _: None)
    made = export.Exported(
        Version(rich.model_name, "1", "0" * 32, ""), fitted.onnx, data.train, data.validation, {}
    )
    folder = export.write(rich, made, tmp_path)
    contract = Contract.read(folder / bundle.CONTRACT)
    decoder = Decoder(contract)
    examples = [serve.sample(contract).encode(), json.dumps(deploy.sample_record(folder)).encode()]
    assert [type(found).__name__ for found in decoder.decode(examples)] == ["Decoded"] * 2


@pytest.mark.parametrize(
    ("name", "more", "words"),
    [
        ("hour", {"nullable": True}, "hour of pickup_time, is numeric int, may be missing, the hour of"),
        ("shared", {"dtype": DType.INT}, "feature shared was categorical bool, is categorical int"),
        ("hour", {"derived": hour("booked_time"), "nullable": True}, "the hour of booked_time"),
    ],
)
def test_a_changed_field_is_a_changed_contract(
    rich: UseCase, name: str, more: dict[str, Any], words: str
) -> None:
    assert changes(rich.contract(), rich.contract()) == []
    (found,) = changes(rich.contract(), feature(rich, name, **more).contract())
    assert words in found


def test_a_changed_input_is_a_changed_contract(rich: UseCase) -> None:
    inputs = [msgspec.structs.replace(rich.inputs[0], zone="UTC"), rich.inputs[1]]
    after = dataclasses.replace(rich, inputs=inputs).contract()
    assert changes(rich.contract(), after) == ["input pickup_time changed"]


def test_a_declaration_that_cannot_hold_is_refused(rich: UseCase) -> None:
    with pytest.raises(UseCaseError, match="input 'pickup_time' is used by no derived feature"):
        dataclasses.replace(rich, features=[f for f in rich.features if f.name in {"distance", "payment"}])
    with pytest.raises(UseCaseError, match="id_field 'hour' is also a column"):
        dataclasses.replace(rich, id_field="hour")
    extra = Feature(name="x", kind=Kind.NUMERIC, dtype=DType.INT, derived=hour("distance"))
    with pytest.raises(UseCaseError, match="hour takes timestamp, but 'distance' is float"):
        dataclasses.replace(rich, features=[*rich.features, extra])


def test_column_type_errors_are_of_one_class() -> None:
    declared = Feature(name="x", kind=Kind.CATEGORICAL, dtype=DType.BOOL)
    with pytest.raises(ColumnTypeError, match="found mixed"):
        column_types.field(declared, pd.Series([True, 1, "x"], dtype=object))
