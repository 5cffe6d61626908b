"""Records with missing values, booleans, timestamps and derived features."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.derived import concatenate, difference, hour, log, ratio
from contract.events import Rejection
from contract.schema import Contract, DType, Feature, Input, Kind, OutOfRange
from lambda_predict.decode import Decoder
from tests.lambda_predict import synthetic

NUMERIC, CATEGORICAL = Kind.NUMERIC, Kind.CATEGORICAL


def feature(name: str, kind: Kind, dtype: DType, **more: Any) -> Feature:
    return Feature(name=name, kind=kind, dtype=dtype, **more)


SENT = [
    feature("zone", CATEGORICAL, DType.INT, nullable=True),
    feature("miles", NUMERIC, DType.FLOAT, minimum=0, maximum=9, out_of_range=OutOfRange.REJECT),
    feature("tip", NUMERIC, DType.FLOAT, minimum=0, maximum=9, out_of_range=OutOfRange.REJECT, nullable=True),
    feature("paid", CATEGORICAL, DType.STR, nullable=True),
    feature("shared", CATEGORICAL, DType.BOOL),
    feature("airport", CATEGORICAL, DType.BOOL, nullable=True),
]
NULLABLE = synthetic.contract(features=SENT)
DERIVED = synthetic.contract(
    features=[
        *SENT[:3],
        feature("where", CATEGORICAL, DType.STR, nullable=True, derived=concatenate("zone", "paid")),
        feature("hour", NUMERIC, DType.INT, derived=hour("at")),
        feature("rate", NUMERIC, DType.FLOAT, derived=ratio("miles", "hours")),
        feature("waited", NUMERIC, DType.FLOAT, nullable=True, derived=difference("at", "booked")),
        feature("log_tip", NUMERIC, DType.FLOAT, nullable=True, derived=log("tip")),
    ],
    inputs=[
        Input(name="paid", dtype=DType.STR, nullable=True),
        Input(name="at", dtype=DType.TIMESTAMP, zone="America/New_York"),
        Input(name="booked", dtype=DType.TIMESTAMP, nullable=True),
        Input(name="hours", dtype=DType.FLOAT),
    ],
)
RIDE = {"zone": 5, "miles": 3.5, "tip": 1, "paid": "card", "shared": True, "airport": False}
TIMED = {
    **{name: RIDE[name] for name in ("zone", "miles", "tip", "paid")},
    "at": "2026-03-02T20:15:00Z",
    "booked": "2026-03-02T15:00:00-05:00",
    "hours": 0.5,
}


def record(fields: dict[str, Any]) -> bytes:
    return json.dumps({"ride_id": "r1", "ride": fields}).encode()


def without(fields: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in names}


def scored(fields: dict[str, Any], declared: Contract = NULLABLE) -> dict[str, Any]:
    """Return the features of the event."""
    (found,) = Decoder(declared).decode([record(fields)])
    assert not isinstance(found, Rejection), found
    assert json.loads(bytes(found.payload)) == fields
    features: dict[str, Any] = json.loads(msgspec.json.encode(found.features))
    return features


def refused(data: bytes, declared: Contract = NULLABLE) -> Rejection:
    (found,) = Decoder(declared).decode([data])
    assert isinstance(found, Rejection), found
    return found


def test_a_nullable_feature_may_be_null_or_absent_and_is_null_in_the_event() -> None:
    missing = dict.fromkeys(("zone", "tip", "paid", "airport"))
    assert scored(RIDE) == RIDE
    assert scored({**RIDE, **missing}) == {**RIDE, **missing}
    assert scored(without(RIDE, *missing)) == {**RIDE, **missing}
    assert scored(without(RIDE, "tip")) == {**RIDE, "tip": None}


@pytest.mark.parametrize(
    ("fields", "reason", "field", "words"),
    [
        ({**RIDE, "miles": None}, "wrong_type", "ride.miles", "must be a number, got null"),
        (without(RIDE, "miles"), "missing", "ride.miles", "is missing"),
        (without(RIDE, "shared"), "missing", "ride.shared", "is missing"),
        ({**RIDE, "shared": 1}, "wrong_type", "ride.shared", "number 1: send true or false"),
        ({**RIDE, "shared": "true"}, "wrong_type", "ride.shared", "send true or false"),
        ({**RIDE, "shared": None}, "wrong_type", "ride.shared", "must be true or false, got null"),
        ({**RIDE, "airport": 0}, "wrong_type", "ride.airport", "must be true or false, got number 0"),
        ({**RIDE, "zone": 1.5}, "wrong_type", "ride.zone", "must be an integer"),
        ({**RIDE, "zone": True}, "wrong_type", "ride.zone", "must be an integer, got boolean"),
        ({**RIDE, "tip": "1"}, "wrong_type", "ride.tip", "must be a number"),
        ({**RIDE, "tip": 10}, "out_of_range", "ride.tip", "outside 0 to 9"),
        ({**RIDE, "tip": float("nan")}, "not_finite", "ride.tip", "nan"),
        ({**RIDE, "paid": 3}, "wrong_type", "ride.paid", "must be a string"),
    ],
)
def test_a_value_of_another_type_is_rejected_with_its_field_and_fix(
    fields: dict[str, Any], reason: str, field: str, words: str
) -> None:
    found = refused(record(fields))
    assert (found.reason, found.field) == (reason, field)
    assert words in found.message


def test_features_are_derived_and_inputs_stay_in_the_payload() -> None:
    features = scored(TIMED, DERIVED)
    assert features == {
        "zone": 5,
        "miles": 3.5,
        "tip": 1.0,
        "where": "5_card",
        "hour": 15,
        "rate": 7.0,
        "waited": 900.0,
        "log_tip": 0.0,
    }
    assert list(features) == DERIVED.feature_names


def test_what_is_derived_from_a_missing_field_is_null() -> None:
    features = scored({**without(TIMED, "zone", "booked"), "tip": 0}, DERIVED)
    assert (features["where"], features["waited"], features["log_tip"]) == (None, None, None)


@pytest.mark.parametrize(
    ("changes", "reason", "field", "words"),
    [
        ({"hours": 0}, "undefined", "ride.rate", "the ratio of miles 3.5 and hours 0.0; correct the record"),
        ({"hours": 1e-40}, "undefined", "ride.rate", "or declare the feature nullable"),
        ({"at": None}, "wrong_type", "ride.at", "must be a timestamp in a string, got null"),
        ({"at": 1772452800}, "wrong_type", "ride.at", "must be a timestamp in a string, got number"),
        ({"at": "noon"}, "not_a_time", "ride.at", '"noon", no timestamp (it is not ISO 8601): send one'),
        ({"at": "1812-03-02T00:00:00Z"}, "not_a_time", "ride.at", "its year is not among 1900 to 2199"),
        ({"booked": "soon"}, "not_a_time", "ride.booked", "as 2026-03-02T08:15:00-05:00"),
        ({"at": "x" * 100_000}, "not_a_time", "ride.at", "it is not ISO 8601"),
        ({"hours": True}, "wrong_type", "ride.hours", "must be a number"),
        ({"paid": 1}, "wrong_type", "ride.paid", "must be a string"),
    ],
)
def test_a_record_from_which_a_feature_cannot_be_derived_is_rejected_alone(
    changes: dict[str, Any], reason: str, field: str, words: str
) -> None:
    data = record({**TIMED, **changes})
    first, found, last = Decoder(DERIVED).decode([record(TIMED), data, record(TIMED)])
    assert isinstance(found, Rejection)
    assert (found.reason, found.field) == (reason, field)
    assert words in found.message
    assert len(found.message) <= 1_000
    assert not isinstance(first, Rejection)
    assert first == last


@pytest.mark.parametrize(
    ("declared", "text"),
    [
        (NULLABLE, '"miles": 1, "shared": true, "tip": 1, "tip": 2'),  # as many colons as fields
        (NULLABLE, '"miles": 1, "shared": true, "tip": null, "tip": 2'),
        (NULLABLE, '"miles": 1, "shared": true, "zone": 1, "zone": 2, "tip": null, "paid": null'),
        (NULLABLE, '"miles": 1, "shared": true, "x": 1, "x": 2'),
        (NULLABLE, '"miles": 1, "shared": true, "airport": null, "airport": null'),
        (DERIVED, '"miles": 1, "hours": 1, "hours": 2, "at": "2026-03-02T08:15:00Z"'),
        (DERIVED, '"miles": 1, "hours": 1, "x": 1, "x": 2, "at": "2026-03-02T08\\u003a15\\u003a00Z"'),
        (DERIVED, '"miles": 1, "hours": 1, "at": "2026-03-02", "at": "2026-03-02T08:15:00Z"'),
    ],
)
def test_a_repeated_field_is_rejected_although_fields_are_absent(declared: Contract, text: str) -> None:
    found = refused(f'{{"ride_id": "r1", "ride": {{{text}}}}}'.encode(), declared)
    assert found.reason == "duplicate_key"


def test_extra_fields_are_free_and_unread() -> None:
    for declared, fields in ((NULLABLE, RIDE), (DERIVED, TIMED)):
        extra = {**without(fields, "tip"), "note": "a:b", "deep": {"x": [None, 1]}}
        assert scored(extra, declared)["tip"] is None
        assert refused(record({**extra, "note": float("inf")}), declared).reason == "not_finite"


def test_a_flag_is_raised_for_values_never_for_a_missing_one() -> None:
    features = [
        feature("PULocationID", CATEGORICAL, DType.INT, nullable=True, categories=[1, 2, 3]),
        synthetic.contract().features[1],
        feature("trip_distance", NUMERIC, DType.FLOAT, nullable=True, minimum=0, maximum=100),
    ]
    model = synthetic.regression(features=features)
    rows = [
        {"trip_distance": None},
        {"PULocationID": None},
        {"PULocationID": 9, "trip_distance": 101},
        {"trip_distance": -1},
    ]
    flags = synthetic.Scorer(model)._flags(
        [[row.get(f.name, 1) for row in rows] for f in features]  # type: ignore[misc]
    )
    assert flags == (
        {2: ["PULocationID: unknown category", "trip_distance: out of range"], 3: flags[0][3]},
        1,
    )
    assert synthetic.Scorer(model)._flags([[None], [1], [None]]) == ({}, 0)


_VALUES = st.sampled_from(
    ["null", "1", "2.5", '"a"', "true", "0", '"2026-03-02T08:15:00Z"', '"a:b"', "NaN", "1e999", "[1]"]
)


@settings(max_examples=400, deadline=None)
@given(
    fields=st.lists(st.tuples(st.sampled_from([*TIMED, "shared", "note"]), _VALUES), min_size=3, max_size=12),
    derives=st.booleans(),
)
def test_a_record_is_accepted_only_if_each_key_occurs_once(
    fields: list[tuple[str, str]], *, derives: bool
) -> None:
    declared, whole = (DERIVED, TIMED) if derives else (NULLABLE, RIDE)
    names = [name for name, _ in fields]
    required = [f.name for f in declared.sent if not f.nullable and f.name not in names]
    fields += [(name, json.dumps(whole[name])) for name in required]
    text = ", ".join(f'"{name}": {value}' for name, value in fields)
    (found,) = Decoder(declared).decode([f'{{"ride_id": "r1", "ride": {{{text}}}}}'.encode()])
    if len(names) != len(set(names)):
        assert isinstance(found, Rejection)
    if not isinstance(found, Rejection):
        features = json.loads(msgspec.json.encode(found.features))
        sent = dict(fields)
        for name in features.keys() & {f.name for f in declared.sent}:
            assert features[name] == json.loads(sent.get(name, "null"))


def test_a_record_without_extra_fields_is_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def again(*_: Any) -> bool:
        raise AssertionError("decoded again, in search of repeated fields")

    monkeypatch.setattr(Decoder, "_readable", again)
    assert scored(without(RIDE, "tip", "paid"))["tip"] is None
    assert scored({**RIDE, "zone": None})["zone"] is None
    assert scored(TIMED, DERIVED)["hour"] == 15
    assert scored(without(TIMED, "booked", "zone"), DERIVED)["waited"] is None
    absent = [record(without(RIDE, "tip")), record(without(RIDE, "tip", "paid")), record(RIDE)]
    assert not any(isinstance(found, Rejection) for found in Decoder(NULLABLE).decode(absent))
    with pytest.raises(AssertionError, match="decoded again"):
        scored({**TIMED, "note": 1}, DERIVED)
