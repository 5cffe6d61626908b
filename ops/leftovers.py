"""Resources of a stack that still exist after it was destroyed, found by name and by tag."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Client = Callable[[str], Any]


@dataclass(frozen=True)
class Listing:
    """Call that lists all resources of a type, and the field of their names by list; "" for plain names."""

    service: str
    call: str
    names: Mapping[str, str]
    arguments: Mapping[str, Any] = field(default_factory=dict)


# One per Terraform resource type that has a name in its region or account.
LISTINGS = {
    "aws_athena_workgroup": Listing("athena", "list_work_groups", {"WorkGroups": "Name"}),
    "aws_cloudwatch_composite_alarm": Listing(
        "cloudwatch", "describe_alarms", {"CompositeAlarms": "AlarmName"}, {"AlarmTypes": ["CompositeAlarm"]}
    ),
    "aws_cloudwatch_dashboard": Listing(
        "cloudwatch", "list_dashboards", {"DashboardEntries": "DashboardName"}
    ),
    "aws_cloudwatch_event_rule": Listing("events", "list_rules", {"Rules": "Name"}),
    "aws_cloudwatch_log_group": Listing("logs", "describe_log_groups", {"logGroups": "logGroupName"}),
    "aws_cloudwatch_metric_alarm": Listing("cloudwatch", "describe_alarms", {"MetricAlarms": "AlarmName"}),
    "aws_ecr_repository": Listing("ecr", "describe_repositories", {"repositories": "repositoryName"}),
    "aws_glue_catalog_database": Listing("glue", "get_databases", {"DatabaseList": "Name"}),
    "aws_iam_policy": Listing("iam", "list_policies", {"Policies": "PolicyName"}, {"Scope": "Local"}),
    "aws_iam_role": Listing("iam", "list_roles", {"Roles": "RoleName"}),
    # 10,000 is the most per call, and twice the quota of a region.
    "aws_kinesis_firehose_delivery_stream": Listing(
        "firehose", "list_delivery_streams", {"DeliveryStreamNames": ""}, {"Limit": 10_000}
    ),
    "aws_kinesis_stream": Listing("kinesis", "list_streams", {"StreamNames": ""}),
    "aws_kms_alias": Listing("kms", "list_aliases", {"Aliases": "AliasName"}),
    "aws_lambda_event_source_mapping": Listing(
        "lambda", "list_event_source_mappings", {"EventSourceMappings": "EventSourceArn"}
    ),
    "aws_lambda_function": Listing("lambda", "list_functions", {"Functions": "FunctionName"}),
    "aws_s3_bucket": Listing("s3", "list_buckets", {"Buckets": "Name"}),
    "aws_scheduler_schedule": Listing("scheduler", "list_schedules", {"Schedules": "Name"}),
    "aws_secretsmanager_secret": Listing("secretsmanager", "list_secrets", {"SecretList": "Name"}),
    "aws_sns_topic": Listing("sns", "list_topics", {"Topics": "TopicArn"}),
    "aws_sns_topic_subscription": Listing("sns", "list_subscriptions", {"Subscriptions": "TopicArn"}),
    "aws_sqs_queue": Listing("sqs", "list_queues", {"QueueUrls": ""}),
}


def by_name(client: Client, use_case: str) -> list[str]:
    """Return type and name of every resource whose name contains the use case's."""
    wanted = {use_case, use_case.replace("_", "-")}
    return sorted(
        {
            f"{kind} {name}"
            for kind, listing in LISTINGS.items()
            for name in _names(client(listing.service), listing)
            if any(part in name for part in wanted)
        }
    )


def keys(client: Client, use_case: str) -> tuple[list[str], list[str]]:
    """Return the KMS keys tagged with the use case: those that remain, those that wait for deletion."""
    pages = client("resourcegroupstaggingapi").get_paginator("get_resources")
    tags = [{"Key": "UseCase", "Values": [use_case]}]
    remaining, waiting = [], []
    for page in pages.paginate(TagFilters=tags, ResourceTypeFilters=["kms:key"]):
        for arn in (found["ResourceARN"] for found in page["ResourceTagMappingList"]):
            key = client("kms").describe_key(KeyId=arn)["KeyMetadata"]
            if key["KeyState"] == "PendingDeletion":
                waiting.append(f"{arn}, until {key['DeletionDate']:%Y-%m-%d}")
            else:
                remaining.append(f"aws_kms_key {arn}")
    return remaining, waiting


def _names(client: Any, listing: Listing) -> Iterator[str]:
    for page in _pages(client, listing):
        for list_name, field_name in listing.names.items():
            yield from (found[field_name] if field_name else found for found in page.get(list_name) or [])


def _pages(client: Any, listing: Listing) -> Iterator[Mapping[str, Any]]:
    if client.can_paginate(listing.call):
        yield from client.get_paginator(listing.call).paginate(**listing.arguments)
        return
    token: dict[str, str] = {}
    while True:
        page = getattr(client, listing.call)(**listing.arguments, **token)
        yield page
        if not page.get("NextToken"):
            return
        token = {"NextToken": page["NextToken"]}
