"""Where the integration tests run, by TARGET and AWS_ENDPOINT_URL, and what cannot run there."""

import os
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from local import containers, images, stack
from local.localstack import server, services
from local.localstack.services import Service
from ops import embedded

# Set before any fixture sets it.
GIVEN = os.environ.get("AWS_ENDPOINT_URL")
NAME = os.environ.get("SCOREWATCH_TARGET", "")
LOCALSTACK = NAME == "localstack"
COMMUNITY = frozenset(Service)

_OWN = "starts an embedded AWS of its own"
# Files and tests that LocalStack can't run, whatever its edition.
NOT_ON_LOCALSTACK = {
    "test_demo": _OWN,
    "test_tutorial": _OWN,
    "test_adoption": _OWN,
    "test_smoke": "the smoke test pushes images to ECR",
    "test_release": "LocalStack counts nothing by version, so that a canary has nothing to compare",
    "test_plan": "LocalStack's answers for alarms and streams lack fields, so that no second plan is empty",
    "test_documents": "the documents describe the embedded AWS and AWS",
    "test_http::test_unsigned_request_is_refused": "LocalStack answers unsigned requests to a function URL",
}
# Tests that need a service which an edition may lack.
NEEDS = {"test_athena": {Service.ATHENA, Service.GLUE}}


def check() -> None:
    """Raise pytest.UsageError if TARGET can't be what it is."""
    if NAME not in {"", "localstack"}:
        raise pytest.UsageError(f"TARGET is {NAME!r}: set it to localstack, or leave it out")
    if LOCALSTACK and containers.wanted():
        raise pytest.UsageError("IMAGES=docker runs on the embedded AWS only: leave TARGET or IMAGES out")


def skip_reason(file: str, test: str, lacks: frozenset[Service]) -> str | None:
    """Return why LocalStack can't run a test, None if it can."""
    if reason := NOT_ON_LOCALSTACK.get(file) or NOT_ON_LOCALSTACK.get(f"{file}::{test}"):
        return reason
    missing = NEEDS.get(file, set()) & lacks
    return f"this LocalStack has no {' and no '.join(sorted(missing))}" if missing else None


def mark(items: list[pytest.Item]) -> None:
    """Mark the tests that can't run on the target."""
    if not LOCALSTACK:
        return
    lacks = frozenset(services.lacking(given(Path()).client)) if GIVEN else COMMUNITY
    for item in items:
        function = getattr(item, "originalname", item.name)
        if reason := skip_reason(item.path.stem, function, lacks):
            item.add_marker(pytest.mark.skip(reason=reason))


def deploys_itself() -> bool:
    """Return whether the tests apply the stack to the given LocalStack: `make deploy` needs ECR."""
    return LOCALSTACK and Service.ECR in services.lacking(given(Path()).client)


def given(folder: Path) -> stack.Endpoint:
    """Return the endpoint of AWS_ENDPOINT_URL; `folder` takes its Terraform state."""
    return stack.Endpoint(str(GIVEN), folder, uuid.uuid4().hex, embedded.environment_region())


@contextmanager
def endpoint(folder: Path) -> Iterator[stack.Endpoint]:
    """Run the target for the duration of the block, or use the given LocalStack."""
    if LOCALSTACK and GIVEN:
        images.prepare(print, folder / "images")
        yield given(folder)
    else:
        with (server.localstack if LOCALSTACK else stack.embedded_aws)(folder) as found:
            yield found


def variables(endpoint: stack.Endpoint) -> dict[str, Any]:
    """Return Terraform's variables for what the target lacks."""
    return services.variables(services.lacking(endpoint.client)) if LOCALSTACK else {}
