import json
import math
from typing import Any

import pytest

from contract.schema import Contract, ContractError, DType, Feature, Kind, OutOfRange, Target, Task
from lambda_predict.decode import Decoded, Decoder
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
        ({"kind": Kind.TEXT, "dtype": DType.INT}, "is text: give it dtype str, not int"),
        ({"kind": Kind.TEXT, "dtype": DType.STR, "categories": ["a"]}, "is text: remove its categories"),
        ({"kind": Kind.TEXT, "dtype": DType.STR, "maximum": 9}, "is text: remove its minimum and maximum"),
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
        ({"id_field": "ride"}, "distinct names"),
        ({"groups": ["borough"]}, r"groups \['borough'\] are not features"),
        ({"groups": ["trip_distance"]}, r"groups \['trip_distance'\] are numeric"),
        ({"groups": ["PULocationID"], "segments": []}, r"groups \['PULocationID'\] are not segments"),
        ({"segments": ["borough"]}, r"segments \['borough'\] are not features"),
        ({"segments": ["trip_distance"]}, r"segments \['trip_distance'\] are numeric"),
        (
            {"features": [Feature(name="note", kind=Kind.TEXT, dtype=DType.STR)], "segments": ["note"]},
            r"segments \['note'\] are text: name categorical",
        ),
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
    [("ride_id", "ride_id"), ("rideID", "rideid"), ("ride id", None), ("hour", None)],
)
def test_the_id_is_a_column_if_glue_allows_its_name(field: str, column: str | None) -> None:
    assert synthetic.contract(id_field=field).id_column == column


INT, FLOAT, STR = DType.INT, DType.FLOAT, DType.STR


@pytest.mark.parametrize(
    ("dtype", "bounds", "words"),
    [
        (INT, {"minimum": 0.5}, "minimum 0.5 but dtype int: give a whole number"),
        (INT, {"maximum": 9.99}, "maximum 9.99 but dtype int"),
        (INT, {"maximum": 2**63}, "maximum 9223372036854775808, beyond 64-bit integers"),
        (INT, {"maximum": 2**63 - 1}, "maximum 9223372036854775807, beyond"),
        (INT, {"minimum": -(2**63)}, "minimum -9223372036854775808, beyond 64-bit integers"),
        (INT, {"minimum": -1e30}, r"minimum -1e\+30, beyond 64-bit integers"),
        (FLOAT, {"minimum": math.nan}, "minimum nan: give a finite number"),
        (INT, {"maximum": math.nan}, "maximum nan: give a finite number"),
        (FLOAT, {"maximum": math.inf}, "maximum inf: give a finite number"),
        (FLOAT, {"minimum": -math.inf}, "minimum -inf: give a finite number"),
        (FLOAT, {"minimum": "0"}, "minimum '0': give a finite number"),
        (FLOAT, {"maximum": True}, "maximum True: give a finite number"),
    ],
)
def test_a_bound_that_cannot_hold_is_rejected(dtype: DType, bounds: dict[str, Any], words: str) -> None:
    with pytest.raises(ContractError, match=f"feature 'x' has {words}"):
        Feature(name="x", kind=Kind.NUMERIC, dtype=dtype, **bounds)


@pytest.mark.parametrize("bound", [0, -5.0, 2**53, 2**62, -(2**62)])
def test_a_whole_bound_is_read_back(bound: float) -> None:
    feature = Feature(
        name="x",
        kind=Kind.NUMERIC,
        dtype=INT,
        minimum=bound,
        maximum=bound,
        out_of_range=OutOfRange.REJECT,
    )
    declared = synthetic.contract(features=[feature])
    assert Contract.from_json(declared.to_json()) == declared
    (found,) = Decoder(declared).decode([json.dumps({"ride_id": "a", "ride": {"x": int(bound)}}).encode()])
    assert isinstance(found, Decoded)


@pytest.mark.parametrize(
    ("dtype", "categories", "words"),
    [
        (INT, [], "has empty categories"),
        (INT, [1, 2, 1], "has 1 twice among its categories"),
        (STR, ["a", "b", "b"], "has 'b' twice"),
        (INT, ["1"], "has '1' among its categories: they must be of dtype int"),
        (STR, ["a", 1], "has 1 among its categories: they must be of dtype str"),
        (INT, [True], "has True among its categories"),
        (INT, [1.0], "has 1.0 among its categories"),
        (STR, [None], "has None among its categories"),
        (INT, [2**63], "beyond 64-bit integers"),
    ],
)
def test_categories_that_cannot_occur_are_rejected(dtype: DType, categories: list[Any], words: str) -> None:
    with pytest.raises(ContractError, match=f"feature 'x' .*{words}"):
        Feature(name="x", kind=Kind.CATEGORICAL, dtype=dtype, categories=categories)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": "numeric"}, "has kind 'numeric': give one of Kind.NUMERIC, Kind.CATEGORICAL"),
        ({"dtype": "float"}, "has dtype 'float': give one of DType.INT"),
        ({"out_of_range": "reject"}, "has out_of_range 'reject': give one of OutOfRange.REJECT"),
    ],
)
def test_text_in_place_of_an_enum_is_rejected(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ContractError, match=words):
        Feature(**{"name": "x", "kind": Kind.NUMERIC, "dtype": FLOAT, **changes})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"decimals": -1}, "target 'y' has decimals -1: give 0 to 15"),
        ({"decimals": 16}, "has decimals 16"),
        ({"decimals": 0.5}, "has decimals 0.5"),
        ({"decimals": True}, "has decimals True"),
        ({"labels": []}, "target 'y' has empty labels"),
        ({"labels": [1]}, "has the only label 1: give two or more"),
        ({"labels": [1, 1]}, "has 1 twice among its labels"),
        ({"labels": [1, "a"]}, "has 'a' among its labels: they must be integers or strings, of one type"),
        ({"labels": [True, False]}, "has True among its labels"),
        ({"labels": [0.5, 1.5]}, "has 0.5 among its labels"),
        ({"labels": [0, 1], "positive": 2}, r"has positive 2, not one of its labels: name one of \[0, 1\]"),
        ({"labels": [0, 1, 2], "positive": 2}, "has 3 labels: remove positive and threshold"),
        ({"labels": [0, 1, 2], "threshold": 0.3}, "has 3 labels: remove positive and threshold"),
        ({"threshold": 0}, "has threshold 0: give a probability between 0 and 1"),
        ({"threshold": 1.0}, "has threshold 1.0: give a probability"),
        ({"threshold": math.nan}, "has threshold nan: give a probability"),
        ({"name": ""}, "target '' can't be a field's name"),
        ({"name": 'a"'}, "can't be a field's name"),
    ],
)
def test_an_inconsistent_target_is_rejected(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ContractError, match=words):
        Target(**{"name": "y", **changes})


@pytest.mark.parametrize(
    ("task", "target", "words"),
    [
        (Task.CLASSIFICATION, Target(name="probability"), "rename it"),
        (Task.CLASSIFICATION, Target(name="Probability"), "rename it"),
        (Task.CLASSIFICATION, Target(name="probabilities"), "clashes with the probabilities"),
        (Task.REGRESSION, Target(name="y", positive="yes"), "task is regression: remove them"),
        (Task.REGRESSION, Target(name="y", threshold=0.3), "task is regression: remove them"),
        (Task.REGRESSION, Target(name="y", labels=[1, 2]), "task is regression: remove them"),
    ],
)
def test_a_target_that_does_not_fit_the_task_is_rejected(task: Task, target: Target, words: str) -> None:
    with pytest.raises(ContractError, match=words):
        synthetic.contract(task=task, target=target)
    assert synthetic.contract(target=Target(name="probability")).target.name == "probability"
