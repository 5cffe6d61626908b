"""What a LocalStack endpoint lacks, and Terraform's variables for it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.stub import Stubber

from local import stack
from local.localstack import services
from local.localstack.services import Service

OPERATIONS = {
    "athena": ("list_work_groups", Service.ATHENA),
    "glue": ("get_databases", Service.GLUE),
    "ecr": ("describe_repositories", Service.ECR),
    "firehose": ("start_delivery_stream_encryption", Service.DELIVERY_ENCRYPTION),
}
# LocalStack 4.9.2's answer for a service or action outside the edition.
MISSING = {"service_error_code": "InternalFailure", "http_status_code": 501}


def clients(answers: dict[str, dict[str, Any] | None]) -> Callable[[str], Any]:
    """Return a client factory; a service's answer is an error, or None for success."""

    def client(service: str) -> Any:
        found = stack.Endpoint("http://127.0.0.1:1", Path()).client(service)
        stub = Stubber(found)
        operation = OPERATIONS[service][0]
        if (error := answers.get(service)) is None:
            response = {"WorkGroups": []} if service == "athena" else {}
            stub.add_response(operation, {"DatabaseList": []} if service == "glue" else response)
        else:
            stub.add_client_error(operation, **error)
        stub.activate()
        return found

    return client


@pytest.mark.parametrize("service", OPERATIONS)
def test_a_service_that_is_not_implemented_is_lacking(service: str) -> None:
    assert services.lacking(clients({service: MISSING})) == {OPERATIONS[service][1]}


def test_another_error_of_a_service_shows_that_it_is_there() -> None:
    absent = {"service_error_code": "ResourceNotFoundException", "http_status_code": 400}
    assert services.lacking(clients({"firehose": absent})) == set()


def test_an_endpoint_that_does_not_answer_is_an_error() -> None:
    def refuse(_: str) -> Any:
        raise ConnectionError

    with pytest.raises(ConnectionError):
        services.lacking(refuse)


def test_nothing_changes_where_nothing_is_lacking() -> None:
    assert services.variables(set()) == {}


@pytest.mark.parametrize(
    ("lacks", "expected"),
    [
        ({Service.ECR}, {"image_repositories": False}),
        ({Service.ATHENA}, {"athena_enabled": False}),
        ({Service.GLUE}, {"athena_enabled": False}),
        ({Service.DELIVERY_ENCRYPTION}, {"delivery_encryption": "none"}),
    ],
)
def test_each_service_has_its_variable(lacks: set[Service], expected: dict[str, Any]) -> None:
    assert services.variables(lacks) == expected
