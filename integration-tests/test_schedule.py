"""Scheduled monitoring runs: with the schedule's role, and kept in a queue if they fail."""

import json
from datetime import timedelta
from typing import Any

import pytest

from contract import layout
from local import traffic

_SECONDS = 120


@pytest.fixture(autouse=True)
def _embedded(deployed: Any) -> None:
    if deployed.work is None:
        pytest.skip("adds a schedule and failed runs to a stack, which is shared elsewhere")


def reports(deployed: Any) -> set[str]:
    bucket, prefix = deployed.outputs["lake_bucket"], f"{layout.REPORTS}/"
    pages = deployed.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return {entry["Key"] for page in pages for entry in page.get("Contents", [])}


def test_schedule_starts_a_run_with_its_own_role(deployed: Any) -> None:
    client, name = deployed.client("scheduler"), deployed.outputs["monitor_function"]
    stored = client.get_schedule(Name=name)
    before = reports(deployed)
    moment = traffic.now() + timedelta(seconds=1)
    client.create_schedule(
        Name=f"{name}-once",
        ScheduleExpression=f"at({moment:%Y-%m-%dT%H:%M:%S})",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={key: stored["Target"][key] for key in ("Arn", "RoleArn", "Input")},
        ActionAfterCompletion="DELETE",
    )
    traffic.wait_for("a report of the run", lambda: reports(deployed) - before or None, seconds=_SECONDS)


def test_failed_run_is_kept_in_the_queue(deployed: Any) -> None:
    sqs, event = deployed.client("sqs"), {"start": "never"}
    url = sqs.get_queue_url(QueueName=deployed.outputs["monitor_failed_queue"])["QueueUrl"]
    function = deployed.outputs["monitor_function"]
    deployed.client("lambda").invoke(
        FunctionName=function, InvocationType="Event", Payload=json.dumps(event).encode()
    )
    found = traffic.wait_for(
        "the failed run in the queue",
        lambda: sqs.receive_message(QueueUrl=url, WaitTimeSeconds=1).get("Messages"),
        seconds=_SECONDS,
    )
    assert json.loads(found[0]["Body"])["requestPayload"] == event
    sqs.delete_message(QueueUrl=url, ReceiptHandle=found[0]["ReceiptHandle"])
