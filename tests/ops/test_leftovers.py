"""Leftovers of a destroyed stack, against moto and the Terraform files."""

import io
import json
import re
import zipfile
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws

from ops import leftovers
from ops.terraform import ROOT

NAME = "smoke_1a2b3c4d"
DASHED = "scorewatch-smoke-1a2b3c4d"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "kinesis:PutRecord", "Resource": "*"}],
}
# Settings of other resources, removed with them; a key has no name of its own.
PARTS = {
    "aws_cloudwatch_event_target",
    "aws_cloudwatch_log_stream",
    "aws_ecr_lifecycle_policy",
    "aws_ecr_repository_policy",
    "aws_glue_catalog_table",
    "aws_iam_role_policy",
    "aws_kinesis_stream_consumer",
    "aws_kms_key",
    "aws_lambda_alias",
    "aws_lambda_function_event_invoke_config",
    "aws_lambda_function_url",
    "aws_lambda_permission",
    "aws_s3_bucket_lifecycle_configuration",
    "aws_s3_bucket_logging",
    "aws_s3_bucket_policy",
    "aws_s3_bucket_public_access_block",
    "aws_s3_bucket_server_side_encryption_configuration",
    "aws_s3_bucket_versioning",
    "aws_sns_topic_policy",
    "aws_sqs_queue_policy",
}


def client(service: str) -> Any:
    create: Any = boto3.client
    return create(service)


@pytest.fixture(autouse=True)
def _account() -> Iterator[None]:
    with mock_aws():
        yield


def test_every_type_of_the_stack_is_looked_for() -> None:
    files = "".join(path.read_text() for path in ROOT.rglob("*.tf") if "state" not in path.parts)
    types = set(re.findall(r'^resource "(aws_\w+)"', files, re.MULTILINE))
    assert types - PARTS - set(leftovers.LISTINGS) == set()


def role() -> str:
    made = client("iam").create_role(RoleName=f"{DASHED}-predict", AssumeRolePolicyDocument="{}")
    return str(made["Role"]["Arn"])


def function(role_arn: str) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("handler.py", "")
    client("lambda").create_function(
        FunctionName=f"{DASHED}-predict",
        Runtime="python3.12",
        Role=role_arn,
        Handler="handler.handler",
        Code={"ZipFile": packed.getvalue()},
    )


def test_resources_are_found_by_name() -> None:
    assert leftovers.by_name(client, NAME) == []
    function(role())
    client("kinesis").create_stream(StreamName=f"{DASHED}-input", ShardCount=1)
    client("s3").create_bucket(Bucket=f"{DASHED}-lake-0")
    client("logs").create_log_group(logGroupName=f"/aws/lambda/{DASHED}-predict")
    client("sqs").create_queue(QueueName=f"{DASHED}-monitor-failed")
    client("sns").create_topic(Name=f"{DASHED}-alerts")
    client("glue").create_database(DatabaseInput={"Name": f"scorewatch_{NAME}"})
    client("athena").create_work_group(Name=DASHED)
    client("ecr").create_repository(repositoryName=f"{DASHED}-predict")
    client("iam").create_policy(PolicyName=f"{DASHED}-producer", PolicyDocument=json.dumps(POLICY))
    client("cloudwatch").put_metric_alarm(
        AlarmName=f"{DASHED}-errors",
        ComparisonOperator="GreaterThanThreshold",
        EvaluationPeriods=1,
        MetricName="Errors",
        Namespace="AWS/Lambda",
        Period=60,
        Statistic="Sum",
        Threshold=0,
    )
    # Another stack's resources are none.
    client("kinesis").create_stream(StreamName="scorewatch-green-taxi-input", ShardCount=1)
    found = {line.split()[0] for line in leftovers.by_name(client, NAME)}
    assert found == {
        "aws_athena_workgroup",
        "aws_cloudwatch_log_group",
        "aws_cloudwatch_metric_alarm",
        "aws_ecr_repository",
        "aws_glue_catalog_database",
        "aws_iam_policy",
        "aws_iam_role",
        "aws_kinesis_stream",
        "aws_lambda_function",
        "aws_s3_bucket",
        "aws_sns_topic",
        "aws_sqs_queue",
    }


def test_resources_on_later_pages_are_found() -> None:
    for number in range(60):
        client("athena").create_work_group(Name=f"other-{number:02d}")
    client("athena").create_work_group(Name=DASHED)
    for number in range(60):
        client("logs").create_log_group(logGroupName=f"/aws/lambda/other-{number:02d}")
    client("logs").create_log_group(logGroupName=f"/aws/lambda/{DASHED}-predict")
    assert leftovers.by_name(client, NAME) == [
        f"aws_athena_workgroup {DASHED}",
        f"aws_cloudwatch_log_group /aws/lambda/{DASHED}-predict",
    ]


def test_a_key_that_waits_for_its_deletion_is_no_leftover() -> None:
    tags = [{"TagKey": "UseCase", "TagValue": NAME}]
    kept, deleted = (client("kms").create_key(Tags=tags)["KeyMetadata"]["Arn"] for _ in range(2))
    client("kms").create_key(Tags=[{"TagKey": "UseCase", "TagValue": "green_taxi"}])
    client("kms").schedule_key_deletion(KeyId=deleted.rpartition("/")[2], PendingWindowInDays=7)
    remaining, (waiting,) = leftovers.keys(client, NAME)
    assert remaining == [f"aws_kms_key {kept}"]
    assert waiting.startswith(f"{deleted}, until ")
