"""From put-record to the output stream: formats, and handling of invalid records."""

import base64
import json
import math
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from contract import layout
from contract.timestamps import parse_timestamp
from local import traffic


def read_output(deployed: Any, wanted: set[Any]) -> list[bytes]:
    """Return the output stream's lines with the wanted ids."""
    lines = [line for data in read_records(deployed, wanted) for line in data.splitlines(keepends=True)]
    return list({key: line for line in lines if (key := identifier(deployed, line)) in wanted}.values())


def read_records(deployed: Any, wanted: set[Any]) -> list[bytes]:
    """Return the data of the output stream's records that have events with the wanted ids, once all came."""
    kinesis, stream = deployed.client("kinesis"), deployed.outputs["output_stream"]
    iterators = [
        kinesis.get_shard_iterator(
            StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        for shard in kinesis.list_shards(StreamName=stream)["Shards"]
    ]
    found: list[bytes] = []
    missing = set(wanted)

    def step() -> list[bytes] | None:
        for number, iterator in enumerate(iterators):
            answer = kinesis.get_records(ShardIterator=iterator)
            iterators[number] = answer["NextShardIterator"]
            for data in (record["Data"] for record in answer["Records"]):
                ids = {identifier(deployed, line) for line in data.splitlines()}
                if ids & wanted:
                    found.append(data)
                    missing.difference_update(ids)
        return None if missing else found

    return traffic.wait_for("the predictions on the output stream", step, seconds=deployed.deadlines.scored)


def identifier(deployed: Any, line: bytes) -> Any:
    return json.loads(line)[deployed.contract.id_field]


def rejected(deployed: Any, start: datetime, keep: Callable[[dict[str, Any]], bool]) -> Callable[[], Any]:
    reader, found = deployed.lake(layout.REJECTED), []

    def step() -> list[dict[str, Any]] | None:
        found.extend(e for e in map(json.loads, reader.new_lines(start, traffic.now())) if keep(e))
        return found or None

    return step


def record(deployed: Any, record_id: str, payload: str) -> bytes:
    """Return a record whose payload is the given text."""
    contract = deployed.contract
    return f'{{"{contract.id_field}": "{record_id}", "{contract.payload_field}": {payload}}}'.encode()


def test_event_has_the_documented_format(deployed: Any) -> None:
    contract, sent = deployed.contract, deployed.payload()
    payload = ",  ".join(f"{json.dumps(name)}: {json.dumps(value)}" for name, value in sent.items())
    payload = f'{{{payload}, "tip": 1.50}}'
    deployed.put([record(deployed, "documented-1", payload)])
    (line,) = read_output(deployed, {"documented-1"})
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    stored = f'{{"{contract.id_field}":"documented-1","{contract.payload_field}":{payload},"features":{{'
    assert line.startswith(stored.encode())
    event = json.loads(line)
    fields = [contract.id_field, contract.payload_field, "features", "prediction"]
    assert list(event)[:7] == [*fields, "model", "record", "scored_at"]
    assert event["features"] == sent
    assert next(iter(event["prediction"])) == contract.target.name
    predicted = event["prediction"][contract.target.name]
    assert predicted in contract.target.labels if contract.target.labels else math.isfinite(predicted)
    model = contract.model
    assert event["model"] == {"name": model.name, "version": model.version, "run_id": model.run_id}
    assert list(event["record"]) == ["shard", "sequence_number", "arrived_at"]
    stamp = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
    assert stamp.fullmatch(event["scored_at"])
    assert stamp.fullmatch(event["record"]["arrived_at"])
    assert parse_timestamp(event["record"]["arrived_at"]) <= parse_timestamp(event["scored_at"])


def bad(deployed: Any, reason: str) -> tuple[bytes, str]:
    """Return a record that breaks the contract, and the field that the rejection names."""
    good = deployed.payload()
    last = deployed.contract.features[-1]
    field = f"{deployed.contract.payload_field}.{last.name}"
    rest = json.dumps({name: value for name, value in good.items() if name != last.name})
    return {
        "not_json": (record(deployed, "bad-json", "")[:-1], ""),
        "missing": (record(deployed, "bad-field", rest), field),
        "wrong_type": (record(deployed, "bad-type", json.dumps(good | {last.name: "3"})), field),
        "not_finite": (record(deployed, "bad-nan", f'{rest[:-1]}, "{last.name}": NaN}}'), field),
        "not_utf8": (b"\xff\xfe bad bytes", ""),
    }[reason]


@pytest.mark.parametrize("reason", ["not_json", "missing", "wrong_type", "not_finite", "not_utf8"])
def test_invalid_record_is_stored_and_scoring_continues(deployed: Any, reason: str) -> None:
    data, field = bad(deployed, reason)
    payload = json.dumps(deployed.payload())
    good = [record(deployed, f"{reason}-{number}", payload) for number in range(3)]
    start = traffic.now()
    deployed.put([good[0], data, *good[1:]])
    assert len(read_output(deployed, {f"{reason}-{number}" for number in range(3)})) == len(good)
    kept = traffic.wait_for(
        "the rejected record",
        rejected(deployed, start, lambda event: base64.b64decode(event["data"]) == data),
        seconds=deployed.deadlines.label,
    )
    assert {(event["reason"], event["field"]) for event in kept} == {(reason, field)}
    assert field in kept[0]["message"]
    assert kept[0]["record"]["sequence_number"]


def test_packed_events_are_lines_of_fewer_records_and_land_as_the_others(deployed: Any) -> None:
    # A seed of its own: ids that other tests put are on the output stream already.
    frame, lines = deployed.records("normal", 200, seed=23)
    id_field, start = deployed.contract.id_field, traffic.now()
    ids = set(frame[id_field].astype(str))
    with deployed.setting("predict_function", "OUTPUT_RECORD_KB", "25"):
        deployed.put(lines)
        data = {found for found in read_records(deployed, ids) if found.count(b"\n") > 1}
    assert data, "no record has several events"
    assert max(map(len, data)) <= 25 * 1024
    landed = traffic.wait_landed(
        deployed.lake(layout.PREDICTIONS), id_field, ids, start, seconds=deployed.deadlines.landed
    )
    assert landed.keys() == ids
