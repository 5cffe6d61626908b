"""Function URL: one record per request, signed with IAM credentials."""

import json
from typing import Any

import pytest

from contract import layout
from local import traffic
from tests import sessions


@pytest.fixture
def url(deployed: Any) -> str:
    if not deployed.outputs["http_url"]:
        pytest.skip("this stack has no HTTP function: deploy it with http_enabled = true")
    return str(deployed.outputs["http_url"])


def test_record_is_scored_and_stored_like_stream_records(deployed: Any, url: str) -> None:
    start = traffic.now()
    id_field, payload_field = deployed.contract.id_field, deployed.contract.payload_field
    record = {id_field: "asked-1", payload_field: deployed.payload()}
    status, answer = sessions.post(url, json.dumps(record).encode(), sessions.session())
    assert status == 200
    assert answer[id_field] == "asked-1"
    assert deployed.contract.target.name in answer["prediction"]
    assert answer["model"]["version"] == deployed.outputs["model_version"]
    reader, limit = deployed.lake(layout.PREDICTIONS), deployed.deadlines.landed
    traffic.wait_landed(reader, id_field, {"asked-1"}, start, seconds=limit)


def test_invalid_record_is_refused_with_its_field(deployed: Any, url: str) -> None:
    contract = deployed.contract
    name = contract.features[-1].name
    payload = deployed.payload() | {name: ["far"]}
    record = {contract.id_field: "asked-2", contract.payload_field: payload}
    status, answer = sessions.post(url, json.dumps(record).encode(), sessions.session())
    assert (status, answer["field"]) == (400, f"{contract.payload_field}.{name}")


def test_unsigned_request_is_refused(url: str) -> None:
    status, _ = sessions.post(url, b"{}")
    assert status == 403
