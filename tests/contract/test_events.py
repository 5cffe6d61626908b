import base64
import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import numpy as np
import pytest

from contract import events
from contract.events import RecordRef, Rejection
from contract.schema import Contract, Target, Task
from contract.timestamps import timestamp
from tests.lambda_predict import synthetic

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
REF = RecordRef(shard="shardId-000000000000", sequence_number="49", arrived_at=timestamp(NOON))
REASON = Rejection(reason="not_json", field="", message="send one JSON object a record")


def event(contract: Contract, **changes: Any) -> bytes:
    fields = {
        "record_id": "XYZ10",
        "payload": msgspec.Raw(b'{"trip_distance": 30.0, "tip": 1}'),
        "features": {"trip_distance": 30.0},
        "prediction": {"duration": 20.78},
        "model": contract.model,
        "record": REF,
        "scored_at": timestamp(NOON),
    }
    return msgspec.json.encode(events.prediction_type(contract)(**fields | changes))


def test_an_event_has_the_contracts_names_and_no_empty_fields() -> None:
    contract = synthetic.contract(id_field="trip", payload_field="sent")
    found = json.loads(event(contract))
    assert list(found) == ["trip", "sent", "features", "prediction", "model", "record", "scored_at"]
    assert found["trip"] == "XYZ10"
    assert found["record"] == {"shard": REF.shard, "sequence_number": "49", "arrived_at": REF.arrived_at}
    assert set(found["model"]) == {"name", "version", "run_id"}


def test_the_payload_is_copied_unchanged() -> None:
    assert b'"ride":{"trip_distance": 30.0, "tip": 1}' in event(synthetic.contract())


def test_flags_are_written_if_not_empty() -> None:
    assert json.loads(event(synthetic.contract(), flags=["zone: unknown category"]))["flags"] == [
        "zone: unknown category"
    ]


@pytest.mark.parametrize(
    ("size", "parts"),
    [
        (0, 1),
        (1, 1),
        (events.REJECTED_PART_BYTES, 1),
        (events.REJECTED_PART_BYTES + 1, 2),
        (1_048_576, 2),
    ],
)
def test_a_rejected_record_is_kept_whole_in_lines_within_firehoses_limit(size: int, parts: int) -> None:
    data = bytes(n % 251 for n in range(size))
    lines = list(events.rejected_lines(REASON, data, REF, synthetic.contract().model, NOON))
    assert len(lines) == parts
    assert all(line.endswith(b"\n") and line.count(b"\n") == 1 for line in lines)
    assert max(map(len, lines)) <= 1_000 * 1024
    found = [msgspec.json.decode(line, type=events.Rejected) for line in lines]
    assert b"".join(base64.b64decode(part.data) for part in found) == data
    assert [(part.part, part.parts) for part in found] == [(n + 1, parts) for n in range(parts)]
    assert {(part.reason, part.record.sequence_number) for part in found} == {("not_json", "49")}


PROBABILITIES = np.array([[0.123456789, 0.876543211], [0.6, 0.4]])


def test_a_class_is_predicted_with_label_and_probabilities_beside_the_earlier_fields() -> None:
    found = events.class_predictions("paid", np.array(["yes", "no"]), PROBABILITIES, ["no", "yes"])
    assert json.loads(msgspec.json.encode(found)) == [
        {
            "paid": "yes",
            "probability": 0.8765,
            "label": "yes",
            "probabilities": {"no": 0.123457, "yes": 0.876543},
        },
        {"paid": "no", "probability": 0.6, "label": "no", "probabilities": {"no": 0.6, "yes": 0.4}},
    ]


def test_a_target_may_be_called_label() -> None:
    (first, _) = events.class_predictions("label", np.array([1, 0]), PROBABILITIES, [0, 1])
    assert json.loads(msgspec.json.encode(first)) == {
        "label": 1,
        "probability": 0.8765,
        "probabilities": {"0": 0.123457, "1": 0.876543},
    }


def test_without_known_classes_a_prediction_has_the_earlier_fields_only() -> None:
    found = events.class_predictions("paid", np.array(["yes", "no"]), PROBABILITIES, None)
    assert found == [{"paid": "yes", "probability": 0.8765}, {"paid": "no", "probability": 0.6}]


def test_a_class_whose_name_json_escapes_keeps_it() -> None:
    names = ['the "best"', "a\\b"]
    (first, _) = events.class_predictions("grade", np.array(names), PROBABILITIES, names)
    assert json.loads(msgspec.json.encode(first))["probabilities"] == {names[0]: 0.123457, names[1]: 0.876543}


def test_of_many_classes_an_event_has_the_most_probable() -> None:
    classes = list(range(events.MOST_CLASSES + 20))
    weights = np.arange(1.0, len(classes) + 1)
    (found,) = events.class_predictions("kind", np.array([119]), (weights / weights.sum())[None], classes)
    kept = json.loads(msgspec.json.encode(found))["probabilities"]
    assert list(kept) == [str(number) for number in range(119, 19, -1)]
    assert kept["119"] == pytest.approx(120 / weights.sum(), abs=1e-6)


def test_the_monitored_probability_is_the_positive_classs() -> None:
    declared = synthetic.contract(
        task=Task.CLASSIFICATION, target=Target(name="paid", labels=["no", "yes"], positive="no")
    )
    found = events.class_predictions("paid", np.array(["yes", "no"]), PROBABILITIES, ["no", "yes"])
    assert [events.monitored_probability(declared, one) for one in found] == [0.123457, 0.6]
    target = Target(name="paid", labels=["no", "yes"])
    predicted = synthetic.contract(task=Task.CLASSIFICATION, target=target)
    assert [events.monitored_probability(predicted, one) for one in found] == [0.8765, 0.6]
