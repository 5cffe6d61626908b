"""Counts by Athena give the same results as reading the objects."""

from collections.abc import Callable
from typing import Any

import pytest

from contract import layout
from lambda_monitor import model as watched
from local import traffic
from training import records

ROWS = 1_000


@pytest.fixture
def forget(deployed: Any) -> Callable[[], int]:
    """Return a function that deletes the monitor's cached hours."""
    s3, outputs = deployed.client("s3"), deployed.outputs
    model = watched.load(s3, outputs["artifact_bucket"], outputs["model_name"], outputs["model_version"])

    def remove() -> int:
        pages = s3.get_paginator("list_objects_v2").paginate(
            Bucket=outputs["lake_bucket"], Prefix=model.cache_prefix
        )
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", [])]
        for key in keys:
            s3.delete_object(Bucket=outputs["lake_bucket"], Key=key)
        return len(keys)

    return remove


def unlabelled(summary: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the checks that need no ground truth."""
    return [
        check
        for check in summary["checks"]
        if not check["name"].startswith(("performance", "labels")) and check["name"] != "drift.target"
    ]


def test_athena_and_reading_give_the_same_results(deployed: Any, forget: Callable[[], int]) -> None:
    start = traffic.now()
    frame, lines = deployed.records("normal", ROWS, seed=9)
    deployed.put(lines)
    ids = set(frame[deployed.contract.id_field].astype(str))
    reader, limits = deployed.lake(layout.PREDICTIONS), deployed.deadlines
    traffic.wait_landed(reader, deployed.contract.id_field, ids, start, seconds=limits.landed)
    traffic.put_labels(
        deployed.client("firehose"),
        deployed.outputs["ground_truth_delivery_stream"],
        deployed.lake(layout.GROUND_TRUTH),
        records.ground_truth(deployed.contract, frame),
        seconds=limits.label,
    )
    end = traffic.now()

    def run() -> dict[str, Any]:
        return traffic.monitor(deployed.client("lambda"), deployed.outputs["monitor_function"], start, end)

    def queries() -> set[str]:
        workgroup = deployed.outputs["athena_workgroup"]
        return set(deployed.client("athena").list_query_executions(WorkGroup=workgroup)["QueryExecutionIds"])

    read, before = run(), queries()
    assert forget() > 0
    with deployed.setting("monitor_function", "ATHENA_MIN_BYTES", "1"):
        counted = run()
    assert queries() - before
    assert (counted["records"], read["records"]) == (ROWS, ROWS)
    assert (counted["status"], counted["reason"]) == (read["status"], read["reason"])
    # With Athena, labels are joined to the hour's sample, which includes other tests' records.
    assert unlabelled(counted) == unlabelled(read)
    assert [c["value"] is not None for c in counted["checks"] if c["name"] == "performance"] == [True]
