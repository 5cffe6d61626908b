"""An outage of the output stream: the event source mapping tries again and no record is lost."""

from typing import Any

import pytest

from contract import layout
from contract.timestamps import parse_timestamp
from local import traffic

ROWS = 20


def test_records_put_in_an_outage_are_scored_after_it(deployed: Any) -> None:
    if deployed.work is not None:
        pytest.skip("the embedded AWS keeps no function logs, which show the failed attempt")
    function = deployed.outputs["predict_function"]
    pages = deployed.client("logs").get_paginator("filter_log_events")
    frame, lines = deployed.records("normal", ROWS, seed=5)
    id_field = deployed.contract.id_field
    ids = set(frame[id_field].astype(str))
    start = traffic.now()

    def failed() -> bool | None:
        first = int(start.timestamp() * 1000)
        found = pages.paginate(logGroupName=f"/aws/lambda/{function}", startTime=first)
        messages = (event["message"] for page in found for event in page["events"])
        return True if any("[ERROR]" in message for message in messages) else None

    with deployed.setting("predict_function", "OUTPUT_STREAM", f"{deployed.outputs['output_stream']}-gone"):
        deployed.put(lines)
        traffic.wait_for("a failed attempt in the log", failed, seconds=deployed.deadlines.scored)
        end = traffic.now()

    landed = traffic.wait_landed(
        deployed.lake(layout.PREDICTIONS), id_field, ids, start, seconds=2 * deployed.deadlines.landed
    )
    assert landed.keys() == ids
    assert min(parse_timestamp(event["scored_at"]) for event in landed.values()) >= end
