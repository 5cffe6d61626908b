"""Policies for people and services outside the stack: what each allows, and nothing else."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from contract import layout
from tests import sessions


@pytest.fixture(autouse=True)
def _enforced(deployed: Any) -> None:
    if deployed.work is None:
        pytest.skip("makes roles, which only the embedded AWS lets every user do")


@contextmanager
def acting_as(deployed: Any, name: str) -> Iterator[Any]:
    """Return a session with a role that has the stack's policy of that name and no other."""
    iam, sts = deployed.client("iam"), deployed.client("sts")
    arn = deployed.outputs["access_policy_arns"][name]
    account = sts.get_caller_identity()["Account"]
    trust = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}
    role = iam.create_role(
        RoleName=arn.rpartition("/")[2],
        AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]}),
    )["Role"]
    iam.attach_role_policy(RoleName=role["RoleName"], PolicyArn=arn)
    keys = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="test")["Credentials"]
    session = boto3.Session(
        keys["AccessKeyId"], keys["SecretAccessKey"], keys["SessionToken"], sessions.session().region_name
    )
    try:
        yield session
    finally:
        iam.detach_role_policy(RoleName=role["RoleName"], PolicyArn=arn)
        iam.delete_role(RoleName=role["RoleName"])


def denied(call: Callable[..., Any], **arguments: Any) -> bool:
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    return "AccessDenied" in caught.value.response["Error"]["Code"]


def test_producer_puts_records_and_reads_none(deployed: Any) -> None:
    name = deployed.outputs["input_stream"]
    (line,) = deployed.records("normal", 1, seed=21)[1]
    with acting_as(deployed, "producer") as session:
        kinesis = session.client("kinesis")
        kinesis.put_record(StreamName=name, Data=line, PartitionKey="1")
        entry = {"Data": line, "PartitionKey": "1"}
        assert kinesis.put_records(StreamName=name, Records=[entry])["FailedRecordCount"] == 0
        shard = {"ShardId": "shardId-000000000000", "ShardIteratorType": "TRIM_HORIZON"}
        assert denied(kinesis.get_shard_iterator, StreamName=name, **shard)
        assert denied(
            kinesis.put_record, StreamName=deployed.outputs["output_stream"], Data=line, PartitionKey="1"
        )


def test_producer_scores_over_http(deployed: Any) -> None:
    url = deployed.outputs["http_url"]
    (line,) = deployed.records("normal", 1, seed=22)[1]
    with acting_as(deployed, "producer") as session:
        assert sessions.post(url, line, session)[0] == 200
    with acting_as(deployed, "report_reader") as session:
        assert sessions.post(url, line, session)[0] == 403


def test_label_sender_sends_labels_and_files_and_reads_none(deployed: Any) -> None:
    stream, bucket = deployed.outputs["ground_truth_delivery_stream"], deployed.outputs["lake_bucket"]
    key = f"{layout.GROUND_TRUTH}/file.csv"
    with acting_as(deployed, "label_sender") as session:
        firehose, s3 = session.client("firehose"), session.client("s3")
        firehose.put_record(DeliveryStreamName=stream, Record={"Data": b"\n"})
        firehose.put_record_batch(DeliveryStreamName=stream, Records=[{"Data": b"\n"}])
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
        assert denied(s3.get_object, Bucket=bucket, Key=key)
        assert denied(s3.put_object, Bucket=bucket, Key=f"{layout.PREDICTIONS}/file.csv", Body=b"")
    deployed.client("s3").delete_object(Bucket=bucket, Key=key)


def test_report_reader_lists_and_reads_reports_only(deployed: Any) -> None:
    bucket, key = deployed.outputs["lake_bucket"], f"{layout.REPORTS}/access.html"
    deployed.client("s3").put_object(Bucket=bucket, Key=key, Body=b"page")
    with acting_as(deployed, "report_reader") as session:
        s3 = session.client("s3")
        found = s3.list_objects_v2(Bucket=bucket, Prefix=f"{layout.REPORTS}/")
        assert key in {entry["Key"] for entry in found["Contents"]}
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == b"page"
        assert denied(s3.list_objects_v2, Bucket=bucket, Prefix=f"{layout.PREDICTIONS}/")
        assert denied(s3.put_object, Bucket=bucket, Key=key, Body=b"")
    deployed.client("s3").delete_object(Bucket=bucket, Key=key)
