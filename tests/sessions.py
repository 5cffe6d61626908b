"""Sessions of the integration tests: boto3's on an account, localstack-client's on an emulator."""

import json
import os
from typing import Any
from urllib.parse import urlsplit

import boto3
import localstack_client.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session

from contract import session as people
from local.traffic import INVOKING


def session() -> Any:
    """Return a session with the environment's region and credentials.

    With AWS_ENDPOINT_URL, settings that the environment lacks are localstack-client's. Raises
    RegionError if there is neither an endpoint nor a region.
    """
    if not os.environ.get("AWS_ENDPOINT_URL"):
        return people.session()
    own = boto3.Session(region_name=os.environ.get("AWS_REGION"))
    given: dict[str, Any] = {"region_name": own.region_name} if own.region_name else {}
    if keys := own.get_credentials():
        found = keys.get_frozen_credentials()
        given["aws_access_key_id"], given["aws_secret_access_key"] = found.access_key, found.secret_key
        given["aws_session_token"] = found.token
    else:
        given["aws_session_token"] = None
    return localstack_client.session.Session(**given)


def client(service: str) -> Any:
    """Return a client of `session`."""
    settings: dict[str, Any] = {"config": INVOKING} if service == "lambda" else {}
    current = session()
    if isinstance(current, localstack_client.session.Session):
        # Its own clients have no session token.
        settings["aws_session_token"] = current.aws_session_token
    return current.client(service, **settings)


def post(url: str, body: bytes, signer: Any = None) -> tuple[int, dict[str, Any]]:
    """Send a record to a function URL, or through AWS_ENDPOINT_URL if set; unsigned without a session."""
    target = f"{os.environ.get('AWS_ENDPOINT_URL', url).rstrip('/')}/predict"
    request = AWSRequest("POST", target, {"Host": urlsplit(url).netloc}, body)
    if signer is not None:
        SigV4Auth(signer.get_credentials(), "lambda", signer.region_name).add_auth(request)
    answer = URLLib3Session().send(request.prepare())
    return answer.status_code, json.loads(answer.content)
