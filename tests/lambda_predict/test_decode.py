import json
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.events import Rejection
from contract.schema import ContractError, DType, Feature, Kind
from lambda_predict.decode import Decoded, Decoder
from tests.lambda_predict import synthetic

DECODER = Decoder(synthetic.contract())
STRICT = Decoder(synthetic.rejecting())


def refused(data: bytes, decoder: Decoder = DECODER) -> Rejection:
    result = decoder.decode([data])[0]
    assert isinstance(result, Rejection), result
    return result


def accepted(data: bytes, decoder: Decoder = DECODER) -> Decoded:
    result = decoder.decode([data])[0]
    assert isinstance(result, Decoded), result
    return result


def with_extra(value: bytes) -> bytes:
    return synthetic.ride()[:-2] + b', "x": ' + value + b"}}"


def test_a_valid_record_keeps_its_payload_byte_for_byte() -> None:
    payload = b'{"trip_distance":  30, "PULocationID": 100, "DOLocationID": 102, "tip": [1.50, {"a": null}]}'
    found = accepted(b'{"extra": 1, "ride": ' + payload + b', "ride_id": "XYZ10"}')
    assert found.record_id == "XYZ10"
    assert bytes(found.payload) == payload
    assert msgspec.to_builtins(found.features) == {
        "PULocationID": 100,
        "DOLocationID": 102,
        "trip_distance": 30.0,
    }


def test_newlines_between_tokens_are_removed() -> None:
    data = json.dumps(
        {"ride_id": 7, "ride": {**json.loads(synthetic.ride())["ride"], "note": "a\nb"}}, indent=2
    ).encode()
    found = accepted(data)
    assert b"\n" not in bytes(found.payload)
    assert json.loads(bytes(found.payload)) == json.loads(data)["ride"]


@pytest.mark.parametrize("newline", [b"\n", b"\r", b"\r\n"])
def test_each_kind_of_newline_is_removed(newline: bytes) -> None:
    data = synthetic.ride().replace(b", ", b"," + newline)
    (first, second) = DECODER.decode([data, synthetic.ride()])
    assert isinstance(first, Decoded)
    assert isinstance(second, Decoded)
    assert json.loads(bytes(first.payload)) == json.loads(synthetic.ride())["ride"]
    assert not set(bytes(first.payload)) & {10, 13}


@pytest.mark.parametrize(
    ("data", "reason", "field", "words"),
    [
        (b"", "not_json", "", "not JSON"),
        (b"{", "not_json", "", "send one JSON object"),
        (synthetic.ride() + b"{}", "not_json", "", "Extra data"),
        (b"[]", "wrong_type", "", "got array"),
        (b"null", "wrong_type", "", "got null"),
        (b"\xff\xfe", "not_utf8", "", "byte 0"),
        (synthetic.ride(note="\udcff").replace(b"\\udcff", b"\xff"), "not_utf8", "", "UTF-8"),
        (b'{"ride": {}}', "missing", "ride_id", "'ride'"),
        (b'{"ride_id": 1}', "missing", "ride", "'ride_id'"),
        (b'{"ride_id": true, "ride": {}}', "wrong_type", "ride_id", "boolean true"),
        (b'{"ride_id": null, "ride": {}}', "wrong_type", "ride_id", "null"),
        (b'{"ride_id": 1, "ride": [1]}', "wrong_type", "ride", "array"),
        (b'{"ride_id": 1, "ride": {"PULocationID": 1}}', "missing", "ride.DOLocationID", "'PULocationID'"),
        (synthetic.ride(PULocationID="1"), "wrong_type", "ride.PULocationID", 'string "1"'),
        (synthetic.ride(PULocationID=1.5), "wrong_type", "ride.PULocationID", "an integer"),
        (synthetic.ride(PULocationID=1.0), "wrong_type", "ride.PULocationID", "an integer"),
        (synthetic.ride(PULocationID=None), "wrong_type", "ride.PULocationID", "null"),
        (synthetic.ride(PULocationID=2**63), "out_of_range", "ride.PULocationID", "correct it"),
        (synthetic.ride(trip_distance=False), "wrong_type", "ride.trip_distance", "boolean"),
        (synthetic.ride(trip_distance=float("nan")), "not_finite", "ride.trip_distance", "nan"),
        (synthetic.ride(trip_distance=float("-inf")), "not_finite", "ride.trip_distance", "-inf"),
        (synthetic.ride(trip_distance=1e39), "out_of_range", "ride.trip_distance", "1e+39 miles"),
        (
            synthetic.ride(trip_distance=10**400),
            "out_of_range",
            "ride.trip_distance",
            "beyond the range of float64",
        ),
        (
            synthetic.ride(PULocationID=-(10**400)),
            "out_of_range",
            "ride.PULocationID",
            "beyond the range of float64",
        ),
        (b'{"ride_id": %s, "ride": {}}' % (b"1" * 5000), "out_of_range", "", "thousands of digits"),
        (with_extra(b"1" * 5000), "out_of_range", "", "send it as text"),
        (with_extra(b"1e999"), "not_finite", "ride.x", "inf"),
        (with_extra(b'[1, {"y": -1e999}]'), "not_finite", "ride.x[1].y", "-inf"),
        (with_extra(b"NaN"), "not_finite", "ride.x", "nan"),
        (with_extra(b'"\\ud800"'), "not_utf8", "ride.x", "both halves"),
        (with_extra(b'{"\\udc00": 1}'), "not_utf8", "ride.x", "a key of ride.x has half"),
        (with_extra(b'"\xc3\x28"'), "not_utf8", "", "UTF-8"),
        (with_extra(b'1, "x": 2'), "duplicate_key", "x", "twice"),
        (with_extra(b'":", "x": "\\u003a"'), "duplicate_key", "x", "twice"),
        (with_extra(b'{"y": 1, "y": "\xc3\xa9"}'), "duplicate_key", "y", "twice"),
        (b'{"ride_id": 1, "ride_id": 2, "ride": {}}', "duplicate_key", "ride_id", "twice"),
        (synthetic.ride()[:-2] + b', "trip_distance": 4}}', "duplicate_key", "trip_distance", "twice"),
        (synthetic.ride()[:-2] + b', "trip\\u005fdistance": 4}}', "duplicate_key", "trip_distance", "twice"),
        (synthetic.ride(deep="@").replace(b'"@"', b"[" * 9000 + b"]" * 9000), "nested_too_deep", "", "flat"),
    ],
)
def test_an_invalid_record_is_rejected_with_its_field_and_fix(
    data: bytes, reason: str, field: str, words: str
) -> None:
    found = refused(data)
    assert (found.reason, found.field) == (reason, field)
    assert words in found.message
    assert field in found.message


def test_values_out_of_range_are_rejected_if_the_contract_declares_it() -> None:
    assert refused(synthetic.ride(trip_distance=101), STRICT).message == (
        "ride.trip_distance is 101, outside 0 to 100: correct it, or widen the range in the use case"
    )
    accepted(synthetic.ride(trip_distance=101))
    accepted(synthetic.ride(trip_distance=100), STRICT)


def test_colons_and_quotes_in_text_are_no_repeated_keys() -> None:
    accepted(synthetic.ride(note='"trip_distance": 3, "ride_id": 4', at="12:00:01"))
    accepted(synthetic.ride(note="\\ \u2713"))


def test_features_may_have_any_name() -> None:
    names = ["volatile acidity", "größe", "record_id", "features", "f1"]
    features = [Feature(name=n, kind=Kind.NUMERIC, dtype=DType.FLOAT) for n in names]
    decoder = Decoder(synthetic.contract(features=features))
    data = json.dumps({"ride_id": 1, "ride": {n: i for i, n in enumerate(names)}}).encode()
    assert msgspec.to_builtins(accepted(data, decoder).features) == {n: float(i) for i, n in enumerate(names)}


def test_the_reason_is_short_and_encodable_for_any_key() -> None:
    for key in (b"k" * 1_000_000, b"\\ud800"):
        found = refused(with_extra(b'{"%s": 1, "%s": 2}' % (key, key)))
        assert found.reason == "duplicate_key"
        assert len(msgspec.json.encode(found)) < 10_000


@pytest.mark.parametrize(
    "value", [b"12345678901234567890123", b"1e308", b'"a:b"', b'"\\ud83d\\ude00"', b'"\\u0000"']
)
def test_unusual_valid_extra_values_are_unchanged(value: bytes) -> None:
    assert bytes(accepted(with_extra(value)).payload).endswith(b', "x": ' + value + b"}")


@pytest.mark.parametrize("name", ['quo"te', "back\\slash", "line\nbreak", ""])
def test_feature_names_that_json_escapes_are_refused_at_declaration(name: str) -> None:
    with pytest.raises(ContractError, match="can't be a field's name"):
        Feature(name=name, kind=Kind.NUMERIC, dtype=DType.FLOAT)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=200) | values.map(lambda v: json.dumps(v).encode()))
def test_any_bytes_give_a_record_or_a_rejection(data: bytes) -> None:
    found = DECODER.decode([data])[0]
    assert isinstance(found, Decoded) or (found.reason and found.message)


@settings(max_examples=300, deadline=None)
@given(record_id=values, pickup=values, dropoff=values, distance=values, extra=values)
def test_the_decoder_agrees_with_python_json(
    record_id: Any, pickup: Any, dropoff: Any, distance: Any, extra: Any
) -> None:
    ride = {"PULocationID": pickup, "DOLocationID": dropoff, "trip_distance": distance, "x": extra}
    found = DECODER.decode([json.dumps({"ride_id": record_id, "ride": ride}).encode()])[0]
    whole = [type(v) is int and abs(v) < 2**63 for v in (pickup, dropoff)]
    number = type(distance) in (int, float) and abs(distance) < 3.4e38
    good = type(record_id) in (int, str) and all(whole) and number
    nan = "NaN" in json.dumps(extra) or "Infinity" in json.dumps(extra)
    if good and not nan:
        assert isinstance(found, Decoded)
    if not good:
        assert isinstance(found, Rejection)
