"""End to end: ordinary and drifted records to the lake, the monitor, an alert subscriber."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import pytest

from contract import layout
from local import traffic
from tests import target

# LocalStack's Kinesis takes seconds for a put once a shard holds some thousand records.
ROWS = 500 if target.LOCALSTACK else 2_000


@pytest.fixture(scope="module")
def subscriber(deployed: Any) -> Iterator[traffic.Subscriber]:
    topic = deployed.outputs["alert_topic_arn"]
    subscriber = traffic.Subscriber(
        deployed.client("sqs"), deployed.client("sns"), topic, "integration-tests"
    )
    yield subscriber
    subscriber.close()


def stream(deployed: Any, phase: str) -> tuple[set[str], dict[str, Any], datetime, datetime]:
    frame, lines = deployed.records(phase, ROWS, seed=1)
    ids = set(frame[deployed.contract.id_field].astype(str))
    start = traffic.now()
    deployed.put(lines)
    reader = deployed.lake(layout.PREDICTIONS)
    landed = traffic.wait_landed(
        reader, deployed.contract.id_field, ids, start, seconds=deployed.deadlines.landed
    )
    return ids, landed, start, traffic.now()


def run_monitor(deployed: Any, start: datetime, end: datetime) -> dict[str, Any]:
    return traffic.monitor(deployed.client("lambda"), deployed.outputs["monitor_function"], start, end)


def read_report(deployed: Any, uri: str) -> bytes:
    place = urlsplit(uri)
    body = deployed.client("s3").get_object(Bucket=place.netloc, Key=place.path.lstrip("/"))["Body"].read()
    assert isinstance(body, bytes)
    return body


def test_ordinary_records_pass_and_drifted_records_alert(
    deployed: Any, subscriber: traffic.Subscriber
) -> None:
    ids, landed, start, end = stream(deployed, "normal")
    ordinary = run_monitor(deployed, start, end)
    assert (ordinary["status"], ordinary["records"], ordinary["notified"]) == ("ok", ROWS, False), ordinary[
        "reason"
    ]

    more_ids, more, start, end = stream(deployed, "drifted")
    drifted = run_monitor(deployed, start, end)
    assert (drifted["status"], drifted["records"], drifted["notified"]) == ("alert", ROWS, True)
    failing = {check["name"] for check in drifted["checks"] if check["status"] == "alert"}
    assert failing & {"drift.feature", "drift.prediction"}

    limit = deployed.deadlines.notified
    (message,) = traffic.wait_for("the alert", lambda: subscriber.messages() or None, seconds=limit)
    assert message["Subject"].startswith("ALERT: ")
    assert "What to do next" in message["Message"]
    assert drifted["report"] in message["Message"]
    assert b"<html" in read_report(deployed, drifted["report"]).lower()
    result = json.loads(read_report(deployed, drifted["report"].replace("report.html", "report.json")))
    assert result["checks"] == drifted["checks"]

    references = {
        (e["record"]["shard"], e["record"]["sequence_number"]) for e in [*landed.values(), *more.values()]
    }
    assert len(landed.keys() | more.keys()) == len(references) == len(ids | more_ids) == 2 * ROWS


def test_empty_window_has_status_no_data(deployed: Any) -> None:
    end = traffic.now() - timedelta(days=30)
    summary = run_monitor(deployed, end - timedelta(hours=1), end)
    assert (summary["status"], summary["records"]) == ("no_data", 0)


def test_predictions_are_stored_in_the_partition_of_their_hour(deployed: Any) -> None:
    start = traffic.now()
    frame, lines = deployed.records("normal", 10, seed=2)
    deployed.put(lines)
    reader = deployed.lake(layout.PREDICTIONS)
    ids = set(frame[deployed.contract.id_field].astype(str))
    traffic.wait_landed(reader, deployed.contract.id_field, ids, start, seconds=deployed.deadlines.landed)
    pages = deployed.client("s3").get_paginator("list_objects_v2")
    objects = pages.paginate(Bucket=deployed.outputs["lake_bucket"], Prefix=layout.PREDICTIONS)
    keys = [entry["Key"] for page in objects for entry in page["Contents"]]
    prefixes = {
        layout.hour_prefix(layout.PREDICTIONS, hour) for hour in layout.hours_between(start, traffic.now())
    }
    assert {key.rpartition("/")[0] + "/" for key in keys} & prefixes
