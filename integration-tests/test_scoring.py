"""From put-record to the output stream: formats, and handling of invalid records."""

import base64
import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from contract import events, layout
from local import traffic

_SECONDS = 60


def read_output(deployed: Any, wanted: set[Any]) -> list[bytes]:
    """Return the output stream's lines with the wanted ids."""
    kinesis, stream = deployed.client("kinesis"), deployed.outputs["output_stream"]
    iterators = [
        kinesis.get_shard_iterator(
            StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
        )["ShardIterator"]
        for shard in kinesis.list_shards(StreamName=stream)["Shards"]
    ]
    found: dict[Any, bytes] = {}

    def step() -> list[bytes] | None:
        for number, iterator in enumerate(iterators):
            answer = kinesis.get_records(ShardIterator=iterator)
            iterators[number] = answer["NextShardIterator"]
            for record in answer["Records"]:
                key = json.loads(record["Data"])[deployed.contract.id_field]
                if key in wanted:
                    found[key] = record["Data"]
        return list(found.values()) if len(found) == len(wanted) else None

    return traffic.wait_for("the predictions on the output stream", step, seconds=_SECONDS)


def rejected(deployed: Any, start: datetime, keep: Callable[[dict[str, Any]], bool]) -> Callable[[], Any]:
    reader, found = deployed.lake(layout.REJECTED), []

    def step() -> list[dict[str, Any]] | None:
        found.extend(e for e in map(json.loads, reader.new_lines(start, traffic.now())) if keep(e))
        return found or None

    return step


def test_event_has_the_documented_format(deployed: Any) -> None:
    ride = b'{"PULocationID": 100,  "DOLocationID": 102, "trip_distance": 30, "tip": 1.50}'
    deployed.put([b'{"ride_id": "documented-1", "ride": ' + ride + b"}"])
    (line,) = read_output(deployed, {"documented-1"})
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert b'{"ride_id":"documented-1","ride":' + ride + b',"features":{"PULocationID":100,' in line
    event = json.loads(line)
    assert list(event)[:7] == ["ride_id", "ride", "features", "prediction", "model", "record", "scored_at"]
    assert event["features"] == {"PULocationID": 100, "DOLocationID": 102, "trip_distance": 30.0}
    assert list(event["prediction"]) == ["duration"]
    assert 1 < event["prediction"]["duration"] < 300
    model = deployed.contract.model
    assert event["model"] == {"name": model.name, "version": model.version, "run_id": model.run_id}
    assert list(event["record"]) == ["shard", "sequence_number", "arrived_at"]
    stamp = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
    assert stamp.fullmatch(event["scored_at"])
    assert stamp.fullmatch(event["record"]["arrived_at"])
    assert events.parse_timestamp(event["record"]["arrived_at"]) <= events.parse_timestamp(event["scored_at"])


BAD = {
    "not_json": (b'{"ride_id": "bad-json", "ride": ', ""),
    "missing": (
        b'{"ride_id": "bad-field", "ride": {"PULocationID": 1, "DOLocationID": 2}}',
        "ride.trip_distance",
    ),
    "wrong_type": (
        b'{"ride_id": "bad-type", "ride": {"PULocationID": "1", "DOLocationID": 2, "trip_distance": 3}}',
        "ride.PULocationID",
    ),
    "not_finite": (
        b'{"ride_id": "bad-nan", "ride": {"PULocationID": 1, "DOLocationID": 2, "trip_distance": NaN}}',
        "ride.trip_distance",
    ),
    "not_utf8": (b"\xff\xfe bad bytes", ""),
}


@pytest.mark.parametrize("reason", BAD)
def test_invalid_record_is_stored_and_scoring_continues(deployed: Any, reason: str) -> None:
    data, field = BAD[reason]
    good = [
        b'{"ride_id": "%s-%d", "ride": {"PULocationID": 1, "DOLocationID": 2, "trip_distance": 3}}'
        % (reason.encode(), i)
        for i in range(3)
    ]
    start = traffic.now()
    deployed.put([good[0], data, *good[1:]])
    assert len(read_output(deployed, {f"{reason}-{i}" for i in range(3)})) == len(good)
    kept = traffic.wait_for(
        "the rejected record",
        rejected(deployed, start, lambda event: base64.b64decode(event["data"]) == data),
        seconds=_SECONDS,
    )
    assert {(event["reason"], event["field"]) for event in kept} == {(reason, field)}
    assert field in kept[0]["message"]
    assert kept[0]["record"]["sequence_number"]
