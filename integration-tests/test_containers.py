"""Both images, run as Lambda would run them, give the same bytes as the environments of this machine."""

import base64
import json
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from contract.timestamps import timestamp
from local import containers, images, traffic
from local.images import UnavailableError
from local.runtime import Runtime

# Building the images takes minutes where nothing is cached.
pytestmark = pytest.mark.timeout(1800)
# Lines of the runtime on stderr, which Docker may write into the middle of a line of stdout.
_RUNTIME = re.compile(
    r"(?:\d\d \w{3} \d{4} [\d:,]+ \[\w+\] \(rapid\) |(?:START|END|REPORT) RequestId: )[^\n]*\n"
)


@pytest.fixture(scope="module")
def built(deployed: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder of both listings of images: run as processes, run as containers."""
    if deployed.work is None:
        pytest.skip("the functions of this endpoint run where it runs them")
    if containers.wanted():
        return Path(deployed.work) / "local/images"
    try:
        return containers.build(print, tmp_path_factory.mktemp("images")).parent
    except UnavailableError as error:
        pytest.skip(f"containers are not compared: {error}")


def invoke(deployed: Any, listing: Path, function: str, event: Any, logs: Path, **variables: str) -> Any:
    """Run a deployed function's configuration on the images of `listing` and return its response."""
    found = deployed.client("lambda").get_function(FunctionName=deployed.outputs[function])
    environment = {"Variables": found["Configuration"]["Environment"]["Variables"] | variables}
    config = found["Configuration"] | {"ImageUri": found["Code"]["ImageUri"], "Environment": environment}
    names = ("AWS_ENDPOINT_URL", "AWS_REGION", "AWS_DEFAULT_REGION")
    credentials = {name: os.environ[name] for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY")}
    runtime = Runtime(
        listing,
        images.emulator_binary(),
        logs,
        {name: os.environ[name] for name in names if name in os.environ},
    )
    try:
        response = runtime.invoke(config, event, credentials)
    finally:
        runtime.close()
    assert "error" not in response, response
    return response["body"]


def kinesis_event(lines: list[bytes]) -> dict[str, Any]:
    records = [
        {
            "kinesis": {
                "sequenceNumber": f"{number + 1:056d}",
                "data": base64.b64encode(line).decode(),
                "approximateArrivalTimestamp": 1_772_452_800.0 + number,
            },
            "eventID": f"shardId-000000000000:{number + 1:056d}",
        }
        for number, line in enumerate(lines)
    ]
    return {"Records": records}


@pytest.mark.parametrize("phase", ["normal", "drifted"])
def test_a_batch_gives_the_same_events(deployed: Any, built: Path, tmp_path: Path, phase: str) -> None:
    _, lines = deployed.records(phase, 200, seed=11)
    event = kinesis_event([*lines, b"not a record"])
    printed = {}
    for listing in ("images.json", "containers.json"):
        logs = tmp_path / listing
        response = invoke(deployed, built / listing, "predict_function", event, logs, TEST_RUN="1")
        assert response == {"batchItemFailures": []}
        text = _RUNTIME.sub("", "".join(path.read_text() for path in logs.iterdir()))
        found = [line for line in text.splitlines() if '"record":' in line]
        printed[listing] = [re.sub(r'"(scored|rejected)_at":"[^"]*"', "", line) for line in found]

    assert len(printed["images.json"]) == 201
    assert printed["containers.json"] == printed["images.json"]


def test_a_window_gives_the_same_report(deployed: Any, built: Path, tmp_path: Path) -> None:
    frame, lines = deployed.records("normal", 300, seed=12)
    start = traffic.now()
    deployed.put(lines)
    id_field = deployed.contract.id_field
    ids = set(frame[id_field].astype(str))
    reader, limit = deployed.lake("predictions"), deployed.deadlines.landed
    traffic.wait_landed(reader, id_field, ids, start, seconds=limit)
    # A window that has not ended yet would end at the time of each run.
    window = {"start": timestamp(start), "end": timestamp(traffic.now())}
    reports = []
    for listing in ("images.json", "containers.json"):
        summary = invoke(deployed, built / listing, "monitor_function", window, tmp_path / listing)
        assert summary["records"] == 300
        place = urlsplit(summary["report"].replace("report.html", "report.json"))
        found = deployed.client("s3").get_object(Bucket=place.netloc, Key=place.path.lstrip("/"))
        reports.append(found["Body"].read())

    process, container = (json.loads(report) for report in reports)
    assert process["status"] == "ok"
    # The first difference is legible in what was parsed.
    assert container == process
    assert reports[1] == reports[0]
