"""Function URL: one record per request, signed with IAM credentials."""

import json
import os
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session

from contract import layout
from local import traffic

RIDE = {"PULocationID": 100, "DOLocationID": 102, "trip_distance": 30}


@pytest.fixture
def url(deployed: Any) -> str:
    if not deployed.outputs["http_url"]:
        pytest.skip("this stack has no HTTP function: deploy it with http_enabled = true")
    return str(deployed.outputs["http_url"])


def post(url: str, body: bytes, *, signed: bool = True) -> tuple[int, dict[str, Any]]:
    """Send a record to the function URL, or through AWS_ENDPOINT_URL if set."""
    target = f"{os.environ.get('AWS_ENDPOINT_URL', url).rstrip('/')}/predict"
    request = AWSRequest("POST", target, {"Host": urlsplit(url).netloc}, body)
    if signed:
        session = boto3.Session(region_name=os.environ.get("AWS_REGION"))
        SigV4Auth(session.get_credentials(), "lambda", session.region_name).add_auth(request)
    answer = URLLib3Session().send(request.prepare())
    return answer.status_code, json.loads(answer.content)


def test_record_is_scored_and_stored_like_stream_records(deployed: Any, url: str) -> None:
    start = traffic.now()
    status, answer = post(url, json.dumps({"ride_id": "asked-1", "ride": RIDE}).encode())
    assert status == 200
    assert answer["ride_id"] == "asked-1"
    assert 1 < answer["prediction"]["duration"] < 300
    assert answer["model"]["version"] == deployed.outputs["model_version"]
    traffic.wait_landed(deployed.lake(layout.PREDICTIONS), "ride_id", {"asked-1"}, start)


def test_invalid_record_is_refused_with_its_field(url: str) -> None:
    status, answer = post(
        url, json.dumps({"ride_id": "asked-2", "ride": RIDE | {"trip_distance": "far"}}).encode()
    )
    assert (status, answer["field"]) == (400, "ride.trip_distance")


def test_unsigned_request_is_refused(url: str) -> None:
    status, _ = post(url, b"{}", signed=False)
    assert status == 403
