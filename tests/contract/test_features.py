"""Declarations of missing values, booleans, inputs and derived features."""

import json
from typing import Any

import msgspec
import pytest

from contract.derived import concatenate, difference, hour, log, month, ratio, weekday
from contract.schema import (
    Contract,
    ContractError,
    Derived,
    DType,
    Feature,
    Input,
    Kind,
    Operation,
    OutOfRange,
    Tensor,
)
from tests.lambda_predict import synthetic

NUMERIC, CATEGORICAL, TEXT = Kind.NUMERIC, Kind.CATEGORICAL, Kind.TEXT
INT, FLOAT, STR, BOOL, TIMESTAMP = DType.INT, DType.FLOAT, DType.STR, DType.BOOL, DType.TIMESTAMP


def feature(kind: Kind, dtype: DType, name: str = "x", **more: Any) -> Feature:
    return Feature(name=name, kind=kind, dtype=dtype, **more)


def derived(result: Derived, **more: Any) -> Feature:
    kind, dtype = (CATEGORICAL, STR) if result.operation is Operation.CONCATENATE else (NUMERIC, FLOAT)
    return feature(kind, INT if result.operation in {"hour", "month"} else dtype, derived=result, **more)


FIELDS = [
    feature(CATEGORICAL, INT, "zone"),
    feature(CATEGORICAL, STR, "shop", nullable=True),
    feature(CATEGORICAL, BOOL, "member"),
    feature(NUMERIC, FLOAT, "size"),
]
SEEN = Input(name="seen", dtype=TIMESTAMP)
LEFT = Input(name="left", dtype=TIMESTAMP, nullable=True, zone="America/New_York")


def contract(*features: Feature, inputs: list[Input] | None = None) -> Contract:
    return synthetic.contract(features=[*FIELDS, *features], inputs=inputs or [])


@pytest.mark.parametrize(
    ("declared", "tensor", "marker"),
    [
        (feature(NUMERIC, FLOAT), Tensor.FLOAT32, None),
        (feature(NUMERIC, INT), Tensor.INT64, None),
        (feature(CATEGORICAL, INT), Tensor.INT64, None),
        (feature(CATEGORICAL, STR), Tensor.STRING, None),
        (feature(CATEGORICAL, BOOL), Tensor.INT64, None),
        (feature(NUMERIC, FLOAT, nullable=True), Tensor.FLOAT32, None),
        (feature(NUMERIC, INT, nullable=True), Tensor.FLOAT32, None),
        (feature(CATEGORICAL, BOOL, nullable=True), Tensor.FLOAT32, None),
        (feature(CATEGORICAL, INT, nullable=True), Tensor.INT64, -1),
        (feature(CATEGORICAL, STR, nullable=True), Tensor.STRING, "(missing)"),
        (feature(TEXT, STR, nullable=True), Tensor.STRING, ""),
        (feature(CATEGORICAL, INT, nullable=True, missing=0), Tensor.INT64, 0),
        (feature(CATEGORICAL, STR, nullable=True, missing=""), Tensor.STRING, ""),
    ],
)
def test_a_model_is_given_nan_or_a_marker_for_a_missing_value(
    declared: Feature, tensor: Tensor, marker: int | str | None
) -> None:
    assert (declared.tensor, declared.marker) == (tensor, marker)


@pytest.mark.parametrize(
    ("declare", "words"),
    [
        (lambda: feature(NUMERIC, BOOL), "'x' is numeric: give it dtype int or float, or kind categorical"),
        (lambda: feature(CATEGORICAL, BOOL, categories=[0, 1]), "'x' is bool: remove its categories"),
        (lambda: feature(NUMERIC, TIMESTAMP), "declare it among the inputs, and derive features from it"),
        (lambda: feature(NUMERIC, FLOAT, nullable=1), "has nullable 1: give True or False"),
        (lambda: feature(CATEGORICAL, STR, missing="?"), "has missing '\\?': declare nullable=True too"),
        (lambda: feature(NUMERIC, INT, nullable=True, missing=-1), "let the pipeline impute"),
        (lambda: feature(CATEGORICAL, BOOL, nullable=True, missing=-1), "let the pipeline impute"),
        (lambda: feature(CATEGORICAL, STR, nullable=True, missing=-1), "must be of dtype str"),
        (lambda: feature(CATEGORICAL, INT, nullable=True, categories=[-1, 2]), "-1 among its categories"),
        (lambda: derived(ratio("a", "b"), out_of_range=OutOfRange.REJECT), "can reject sent fields only"),
        (lambda: feature(NUMERIC, INT, derived=ratio("a", "b")), "ratio makes numeric values of dtype float"),
        (lambda: feature(CATEGORICAL, STR, derived=hour("a")), "hour makes categorical values of dtype int"),
        (lambda: feature(TEXT, STR, derived=concatenate("a", "b")), "makes categorical values of dtype str"),
        (lambda: derived(concatenate("a")), "concatenate is of 2 to 8 fields by name, not \\['a'\\]"),
        (lambda: derived(Derived(operation=Operation.LOG, of=["a", "b"])), "log is of 1 fields"),
        (lambda: derived(Derived(operation="cube", of=["a"])), "derived by 'cube': give one of concatenate"),  # type: ignore[arg-type]
        (lambda: derived(Derived(operation=Operation.LOG, of=["a"], separator="-")), "has no separator"),
        (lambda: Input(name="x", dtype="timestamp"), "give one of DType.INT"),  # type: ignore[arg-type]
        (lambda: Input(name="x", dtype=INT, zone="Europe/Berlin"), "input 'x' is no timestamp: remove its"),
        (lambda: Input(name="x", dtype=TIMESTAMP, zone="Mars"), "has zone 'Mars': give a name of the IANA"),
        (lambda: Input(name="x", dtype=TIMESTAMP, zone="../etc"), "give a name of the IANA"),
        (lambda: Input(name='x"', dtype=TIMESTAMP), "can't be a field's name"),
    ],
)
def test_an_inconsistent_declaration_is_rejected_with_its_fix(declare: Any, words: str) -> None:
    with pytest.raises((ContractError, TypeError), match=words):
        declare()


@pytest.mark.parametrize(
    ("features", "inputs", "words"),
    [
        ([derived(ratio("size", "weight"))], [], "derived from 'weight', which is no input, sent feature"),
        ([derived(hour("size"))], [], "hour takes timestamp, but 'size' is float"),
        ([derived(log("shop"), nullable=True)], [], "log takes float or int, but 'shop' is str"),
        ([derived(concatenate("zone", "size"))], [], "concatenate takes bool or int or str, but 'size'"),
        ([derived(difference("seen", "size"))], [SEEN], "difference takes timestamp, but 'size' is float"),
        ([derived(ratio("seen", "size"))], [SEEN], "ratio takes float or int, but 'seen' is timestamp"),
        ([derived(concatenate("zone", "shop"))], [], "'shop', which may be missing: declare it nullable too"),
        ([derived(month("left"))], [LEFT], "'left', which may be missing: declare it nullable too"),
        ([], [SEEN], "input 'seen' is used by no derived feature: remove it"),
        ([derived(hour("Zone"))], [Input(name="Zone", dtype=TIMESTAMP)], "need distinct names"),
        ([derived(log("y"), name="z"), derived(log("size"), name="y")], [], "declared before it"),
    ],
)
def test_a_feature_that_cannot_be_derived_is_rejected_with_its_fix(
    features: list[Feature], inputs: list[Input], words: str
) -> None:
    with pytest.raises(ContractError, match=words):
        contract(*features, inputs=inputs)


def test_a_derived_feature_may_be_derived_from_one_before_it() -> None:
    found = contract(derived(ratio("size", "size"), name="one"), derived(log("one"), name="zero"))
    assert [f.name for f in found.sent] == ["zone", "shop", "member", "size"]
    assert found.derives


def test_a_contract_with_every_kind_of_field_is_read_back() -> None:
    parts = feature(CATEGORICAL, INT, "day", derived=weekday("left"), nullable=True)
    found = contract(derived(concatenate("zone", "member", separator="-"), name="both"), parts, inputs=[LEFT])
    assert Contract.from_json(found.to_json()) == found
    written = json.loads(found.to_json())
    assert written["inputs"] == [
        {"name": "left", "dtype": "timestamp", "nullable": True, "zone": "America/New_York"}
    ]
    assert written["features"][-2]["derived"] == {
        "operation": "concatenate",
        "of": ["zone", "member"],
        "separator": "-",
    }
    assert [f.name for f in found.sent] == ["zone", "shop", "member", "size", "left"]


def test_a_contract_of_0_1_is_read_and_a_plain_one_has_no_field_that_0_1_refuses() -> None:
    plain = synthetic.contract()
    old = json.loads(plain.to_json())
    for entry in old["features"]:
        for name, value in {"minimum": None, "out_of_range": "flag", "categories": None, "unit": ""}.items():
            entry.setdefault(name, value)
    assert Contract.from_json(msgspec.json.encode(old)) == plain
    known = {"name", "kind", "dtype", "minimum", "maximum", "out_of_range", "categories", "unit"}
    assert all(entry.keys() <= known for entry in json.loads(plain.to_json())["features"])
    assert "inputs" not in json.loads(plain.to_json())
