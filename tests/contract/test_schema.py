from typing import Any

import pytest

from contract.schema import Contract, ContractError, DType, Feature, Kind, OutOfRange
from tests.lambda_predict import synthetic


def test_a_contract_is_read_back_unchanged() -> None:
    declared = synthetic.rejecting()
    assert Contract.from_json(declared.to_json()) == declared
    assert declared.feature("trip_distance").out_of_range is OutOfRange.REJECT
    with pytest.raises(KeyError):
        declared.feature("tip")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": Kind.NUMERIC, "dtype": DType.STR}, "give it dtype int or float"),
        ({"kind": Kind.CATEGORICAL, "dtype": DType.FLOAT}, "give it dtype int or str"),
        ({"kind": Kind.NUMERIC, "dtype": DType.INT, "categories": [1]}, "remove its categories"),
        ({"kind": Kind.CATEGORICAL, "dtype": DType.INT, "minimum": 0}, "remove its minimum"),
        ({"kind": Kind.NUMERIC, "dtype": DType.INT, "minimum": 2, "maximum": 1}, "minimum 2 above maximum 1"),
    ],
)
def test_an_inconsistent_feature_is_rejected(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ContractError, match=words):
        Feature(name="x", **changes)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"features": []}, "declare at least one"),
        ({"features": [synthetic.contract().features[0]] * 2}, "distinct names"),
        ({"id_field": "prediction"}, "rename the record's field"),
        ({"id_field": "ride"}, "use two names"),
        ({"segments": ["borough"]}, r"segments \['borough'\] are not features"),
        ({"schema_version": 9}, "export the bundle again"),
    ],
)
def test_an_inconsistent_contract_is_rejected(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ContractError, match=words):
        synthetic.contract(**changes)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        synthetic.contract().to_json().replace(b'"task"', b'"tusk"'),
        synthetic.contract().to_json()[:-3],
    ],
)
def test_an_invalid_contract_is_rejected(data: bytes) -> None:
    with pytest.raises(ContractError, match="can't be read"):
        Contract.from_json(data)


@pytest.mark.parametrize(
    ("field", "column"),
    [("ride_id", "ride_id"), ("rideID", "rideid"), ("ride id", None), ("Model", None), ("hour", None)],
)
def test_the_id_is_a_column_if_glue_allows_its_name(field: str, column: str | None) -> None:
    assert synthetic.contract(id_field=field).id_column == column
