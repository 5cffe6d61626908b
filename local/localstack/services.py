"""Services that a LocalStack endpoint lacks, found by asking it, and Terraform's variables for it."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from botocore.exceptions import ClientError

HEALTH = "/_localstack/health"
_NOT_IMPLEMENTED = 501


class Service(StrEnum):
    """A service, or a part of one, that an edition may lack."""

    ATHENA = "Athena"
    GLUE = "Glue"
    ECR = "ECR"
    DELIVERY_ENCRYPTION = "encryption of deliveries"


_PROBES: dict[Service, Callable[[Callable[[str], Any]], Any]] = {
    Service.ATHENA: lambda client: client("athena").list_work_groups(),
    Service.GLUE: lambda client: client("glue").get_databases(),
    Service.ECR: lambda client: client("ecr").describe_repositories(),
    Service.DELIVERY_ENCRYPTION: lambda client: client("firehose").start_delivery_stream_encryption(
        DeliveryStreamName="scorewatch-probe"
    ),
}


def lacking(client: Callable[[str], Any]) -> set[Service]:
    """Return what an endpoint reports as not implemented; `client` makes a client of a service."""
    return {service for service, probe in _PROBES.items() if not _implemented(client, probe)}


def _implemented(client: Callable[[str], Any], probe: Callable[[Callable[[str], Any]], Any]) -> bool:
    try:
        probe(client)
    except ClientError as error:
        # Any other answer, such as "no such delivery stream", comes from the service.
        return bool(error.response["ResponseMetadata"]["HTTPStatusCode"] != _NOT_IMPLEMENTED)
    return True


def variables(lacks: set[Service]) -> dict[str, Any]:
    """Return Terraform's variables for an endpoint without these services."""
    found: dict[str, Any] = {}
    if Service.ECR in lacks:
        found["image_repositories"] = False
    if lacks & {Service.ATHENA, Service.GLUE}:
        found["athena_enabled"] = False
    if Service.DELIVERY_ENCRYPTION in lacks:
        found["delivery_encryption"] = "none"
    return found
