import base64
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contract.events import REJECTED_PART_BYTES
from lambda_predict import metrics
from lambda_predict.score import EVENT_LIMIT, Batch, Scorer
from tests.lambda_predict import synthetic


def scored(model: synthetic.Model, data: list[bytes]) -> Batch:
    return Scorer(model).score(synthetic.kinesis(data), synthetic.NOW)


def test_an_event_has_the_documented_bytes(model: synthetic.Model) -> None:
    (line,) = (
        Scorer(model)
        .score(synthetic.kinesis([synthetic.ride("XYZ10", PULocationID=2)]), synthetic.NOW)
        .scored
    )
    duration = json.loads(line.data)["prediction"]["duration"]
    assert line.key == "XYZ10"
    assert line.data == (
        b'{"ride_id":"XYZ10","ride":{"PULocationID": 2, "DOLocationID": 2, "trip_distance": 3.5},'
        b'"features":{"PULocationID":2,"DOLocationID":2,"trip_distance":3.5},'
        b'"prediction":{"duration":%s},'
        b'"model":{"name":"scorewatch-green-taxi","version":"1","run_id":"%s"},'
        b'"record":{"shard":"shardId-000000000000","sequence_number":"1",'
        b'"arrived_at":"2026-03-02T12:00:00.250Z"},"scored_at":"2026-03-02T12:00:01.000Z"}\n'
    ) % (str(duration).encode(), b"0" * 32)
    assert duration == pytest.approx(3 * 3.5 + 2, abs=0.5)
    assert duration == round(duration, 2)


def test_a_classifier_returns_class_and_probability(classifier: synthetic.Model) -> None:
    data = [
        json.dumps({"customer_id": 123, "wine_features": {"alcohol": a, "volatile_acidity": 0.3}}).encode()
        for a in (1, 29)
    ]
    events = [
        json.loads(line.data)
        for line in Scorer(classifier).score(synthetic.kinesis(data), synthetic.NOW).scored
    ]
    assert [e["customer_id"] for e in events] == [123, 123]
    assert [e["prediction"]["quality"] for e in events] == [5, 6]
    assert all(0.5 <= e["prediction"]["probability"] <= 1 for e in events)
    assert [e["prediction"]["label"] for e in events] == [5, 6]
    assert [list(e["prediction"]["probabilities"]) for e in events] == [["5", "6"]] * 2
    assert all(sum(e["prediction"]["probabilities"].values()) == pytest.approx(1) for e in events)


def test_a_batch_is_one_model_run_with_the_predictions_of_single_records(
    model: synthetic.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = synthetic.kinesis(
        [synthetic.ride(str(i), PULocationID=i % 5, trip_distance=i) for i in range(50)]
    )
    runs = []
    predict = model.predict
    monkeypatch.setattr(model, "predict", lambda columns: runs.append(len(columns[0])) or predict(columns))
    together = Scorer(model).score(records, synthetic.NOW)
    assert runs == [50]
    alone = [Scorer(model).score([record], synthetic.NOW).scored[0] for record in records]
    assert together.scored == alone


def test_unknown_categories_and_values_out_of_range_are_scored_and_flagged(model: synthetic.Model) -> None:
    data = [
        synthetic.ride("a"),
        synthetic.ride("b", DOLocationID=99, trip_distance=-1),
        synthetic.ride("c", trip_distance=100.5),
    ]
    batch = Scorer(model).score(synthetic.kinesis(data), synthetic.NOW)
    flags = {e["ride_id"]: e.get("flags") for e in map(json.loads, (line.data for line in batch.scored))}
    assert flags == {
        "a": None,
        "b": ["DOLocationID: unknown category", "trip_distance: out of range"],
        "c": ["trip_distance: out of range"],
    }
    assert batch.unknown_categories == 1


def test_values_at_the_bounds_of_the_range_are_not_flagged(model: synthetic.Model) -> None:
    distances = [0, 100, -0.001, 100.001]
    data = [synthetic.ride(str(n), trip_distance=value) for n, value in enumerate(distances)]
    for batch in (data, data[:2], data[:3], [*data[:2], data[3]]):
        found = [json.loads(line.data) for line in scored(model, batch).scored]
        assert {e["ride_id"] for e in found if e.get("flags")} <= {"2", "3"}
        assert len([e for e in found if e.get("flags")]) == len(batch) - 2


def test_arrival_times_are_rounded_to_milliseconds(model: synthetic.Model) -> None:
    records = synthetic.kinesis([synthetic.ride()] * 2)
    for record, fraction in zip(records, (0.0006, 0.9996), strict=True):
        record["kinesis"]["approximateArrivalTimestamp"] = 1_772_452_800 + fraction
    found = [json.loads(line.data)["record"] for line in Scorer(model).score(records, synthetic.NOW).scored]
    assert [r["arrived_at"] for r in found] == ["2026-03-02T12:00:00.001Z", "2026-03-02T12:00:01.000Z"]


def test_a_large_rejected_record_is_kept_in_several_lines(model: synthetic.Model) -> None:
    data = b"{" + b"x" * (2 * REJECTED_PART_BYTES)
    batch = Scorer(model).score(synthetic.kinesis([data, synthetic.ride()]), synthetic.NOW)
    parts = [json.loads(line.data) for line in batch.rejected]
    assert [(p.get("part", 1), p["parts"]) for p in parts] == [(1, 3), (2, 3), (3, 3)]
    assert b"".join(base64.b64decode(p["data"]) for p in parts) == data
    assert all(len(line.data) <= 1000 * 1024 for line in batch.rejected)
    assert {p["reason"] for p in parts} == {"not_json"}
    assert len(batch.scored) == 1


def test_an_event_above_the_stream_limit_is_rejected(model: synthetic.Model) -> None:
    fits, too_large = (synthetic.ride(note="x" * size) for size in (EVENT_LIMIT - 1000, EVENT_LIMIT - 100))
    batch = Scorer(model).score(synthetic.kinesis([too_large, fits]), synthetic.NOW)
    assert [line.sequence_number for line in batch.scored] == ["2"]
    assert all(len(line.data) + len(line.key) <= EVENT_LIMIT for line in batch.scored)
    assert batch.reasons == {"too_large": 1}
    assert {line.sequence_number for line in batch.rejected} == {"1"}


def test_a_record_with_an_infinite_prediction_is_rejected(model: synthetic.Model) -> None:
    data = [synthetic.ride("a"), synthetic.ride("b", trip_distance=3e38), synthetic.ride("c")]
    batch = Scorer(model).score(synthetic.kinesis(data), synthetic.NOW)
    assert [json.loads(line.data)["ride_id"] for line in batch.scored] == ["a", "c"]
    (kept,) = (json.loads(line.data) for line in batch.rejected)
    assert (kept["reason"], kept["field"], kept["record"]["sequence_number"]) == (
        "not_finite",
        "duration",
        "2",
    )
    assert base64.b64decode(kept["data"]) == data[1]


@pytest.mark.parametrize("bad", [{0}, {6}, {2, 3}, {0, 1, 2, 3, 4, 5, 6}])
def test_a_record_on_which_the_model_raises_is_rejected_and_the_others_scored(bad: set[int]) -> None:
    data = [synthetic.ride(str(n), PULocationID=9 if n in bad else n % 4) for n in range(7)]
    batch = Scorer(synthetic.lookup([1, 2, 3, 4])).score(synthetic.kinesis([*data, b"?"]), synthetic.NOW)
    events = [json.loads(line.data) for line in batch.scored]
    assert {e["ride_id"]: e["prediction"]["duration"] for e in events} == {
        str(n): float(n % 4 + 1) for n in range(7) if n not in bad
    }
    kept = [json.loads(line.data) for line in batch.rejected]
    assert [int(k["record"]["sequence_number"]) - 1 for k in kept] == [*sorted(bad), 7]
    assert {k["reason"] for k in kept[:-1]} == {"model_failed"}
    assert "the model fails on this record" in kept[0]["message"]


def test_a_batch_of_invalid_records_scores_nothing(model: synthetic.Model) -> None:
    batch = Scorer(model).score(synthetic.kinesis([b"a", b"b"]), synthetic.NOW)
    assert (batch.scored, len(batch.rejected)) == ([], 2)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.binary(max_size=60) | st.integers(0, 9).map(lambda i: synthetic.ride(str(i))), max_size=12)
)
def test_each_record_is_either_scored_or_rejected(data: list[bytes]) -> None:
    batch = Scorer(_MODEL).score(synthetic.kinesis(data), synthetic.NOW)
    scored = [line.sequence_number for line in batch.scored]
    rejected = [line.sequence_number for line in batch.rejected]
    assert sorted(scored + rejected, key=int) == [str(i + 1) for i in range(len(data))]


_MODEL = synthetic.regression()
_KEYS = st.sampled_from(
    ['"x"', '"ride_id"', '"trip_distance"', '"trip\\u005fdistance"', '"\\ud800"', '"é"', '":"']
)
_NUMBERS = ["1", "2", "-0", "1E5", "3e38", "1e999", "9" * 30, "1" * 400, "1" * 5000, "01", "1.", "NaN"]
_WORDS = [
    '""',
    '"r1"',
    '"é"',
    '"a:b"',
    r'"\u003a"',
    r'"\ud800"',
    r'"\u0000"',
    '"\u2028"',
    '"\n"',
    "null",
    "true",
    "@",
]
_SCALARS = st.sampled_from([*_NUMBERS, *_WORDS])
_TEXTS = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: "[" + ", ".join(items) + "]")
        | st.lists(st.tuples(_KEYS, inner), max_size=3).map(
            lambda pairs: "{" + ",\n".join(f"{key}:{value}" for key, value in pairs) + "}"
        )
    ),
    max_leaves=6,
)


def strict(text: bytes) -> Any:
    """Parse JSON strictly: no repeated keys, lone surrogates or infinities."""

    def distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        assert len({key for key, _ in pairs}) == len(pairs)
        return dict(pairs)

    def refuse(constant: str) -> Any:
        raise AssertionError(constant)

    def finite(number: str) -> float:
        assert abs(float(number)) < float("inf")
        return float(number)

    found = json.loads(text, object_pairs_hook=distinct, parse_constant=refuse, parse_float=finite)
    json.dumps(found, ensure_ascii=False).encode()
    return found


@settings(max_examples=400, deadline=None)
@given(
    record_id=_SCALARS,
    pickup=_SCALARS,
    distance=_SCALARS,
    extra=st.lists(st.tuples(_KEYS, _TEXTS), max_size=3),
)
def test_events_are_readable_by_a_strict_json_parser(
    record_id: str, pickup: str, distance: str, extra: list[tuple[str, str]]
) -> None:
    fields = [('"PULocationID"', pickup), ('"DOLocationID"', "2"), ('"trip_distance"', distance), *extra]
    ride = ", ".join(f"{key}: {value}" for key, value in fields)
    data = f'{{"ride_id": {record_id}, "ride": {{{ride}}}}}'.encode()
    batch = Scorer(_MODEL).score(synthetic.kinesis([data, synthetic.ride("good")]), synthetic.NOW)
    assert json.loads(batch.scored[-1].data)["ride_id"] == "good"
    for line in batch.rejected:
        assert base64.b64decode(strict(line.data)["data"]) == data
    assert len(batch.scored) + len(batch.rejected) == 2
    if batch.rejected:
        return
    event = strict(batch.scored[0].data)
    assert batch.scored[0].data.count(b"\n") == 1
    assert event["ride"] == strict(data)["ride"]
    assert isinstance(event["prediction"]["duration"], float)


def test_the_age_is_that_of_the_newest_record(model: synthetic.Model) -> None:
    records = synthetic.kinesis([synthetic.ride()] * 3)
    now = synthetic.NOW.timestamp()
    for record, age in zip(records, (30, 1.5, 60), strict=True):
        record["kinesis"]["approximateArrivalTimestamp"] = now - age
    batch = Scorer(model).score(records, synthetic.NOW)
    line = json.loads(metrics.embedded(batch, 0, model.contract.model, "green_taxi", synthetic.NOW))
    assert line["Age"] == 1.5
    assert line["_aws"]["Timestamp"] == round(now * 1000)
    units = {m["Name"]: m["Unit"] for m in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]}
    assert units == {**dict.fromkeys(units, "Count"), "Age": "Seconds"}


def test_metrics_count_each_record(model: synthetic.Model) -> None:
    data = [synthetic.ride(), synthetic.ride(PULocationID=9), b"?", synthetic.ride(trip_distance="x")]
    batch = Scorer(model).score(synthetic.kinesis(data), synthetic.NOW)
    line: dict[str, Any] = json.loads(
        metrics.embedded(batch, 1, model.contract.model, "green_taxi", synthetic.NOW)
    )
    assert (line["Records"], line["Scored"], line["Rejected"]) == (4, 2, 2)
    assert (line["Rejected.not_json"], line["Rejected.wrong_type"]) == (1, 1)
    assert (line["UnknownCategories"], line["Unpublished"], line["Age"]) == (1, 1, 0.75)
    (directive,) = line["_aws"]["CloudWatchMetrics"]
    assert directive["Dimensions"] == [["UseCase"]]
    assert {m["Name"] for m in directive["Metrics"]} <= line.keys()
