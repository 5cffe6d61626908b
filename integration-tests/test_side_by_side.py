"""Use cases, regions and environments in one account: each scores, and is destroyed, by itself."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from contract.bundle import CONTRACT
from contract.schema import Contract
from local import stack, traffic
from ops.embedded import Endpoint
from training import pipeline, records
from training.use_case import UseCase

_SECONDS = 120


@dataclass(frozen=True)
class Stack:
    """A stack on the embedded AWS: endpoint in its region, bundle, variables; outputs once it is applied."""

    endpoint: Endpoint
    bundle: Path
    variables: dict[str, Any]
    outputs: dict[str, Any] = field(default_factory=dict)

    def apply(self) -> "Stack":
        found = stack.deploy(self.endpoint, self.bundle, progress=_quiet, **self.variables)
        return replace(self, outputs=found)

    def destroy(self) -> None:
        stack.destroy(self.endpoint, self.bundle, progress=_quiet, **self.variables)

    def is_unchanged(self) -> bool:
        """Return whether a plan finds every resource as it was applied."""
        return stack.plan_is_empty(self.endpoint, self.bundle, **self.variables)

    def scores(self, record_id: str) -> None:
        """Put one record and wait for its event on the stack's own output stream."""
        contract = Contract.read(self.bundle / CONTRACT)
        [line] = records.encode(contract, UseCase.named(contract.use_case).demo("normal", 1, seed=1))
        record = json.dumps(json.loads(line) | {contract.id_field: record_id}).encode()
        traffic.put_records(self.endpoint.client("kinesis"), self.outputs["input_stream"], [record])
        output = f"{self.outputs['output_stream']} in {self.endpoint.region}"
        probe = partial(self.event, contract.id_field, record_id)
        event = traffic.wait_for(f"{record_id} on {output}", probe, seconds=_SECONDS)
        assert event["model"]["name"] == self.outputs["model_name"]

    def event(self, id_field: str, record_id: str) -> dict[str, Any] | None:
        """Return the event of a record, None if it is not there yet."""
        kinesis, stream = self.endpoint.client("kinesis"), self.outputs["output_stream"]
        for shard in kinesis.list_shards(StreamName=stream)["Shards"]:
            start = kinesis.get_shard_iterator(
                StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )
            iterator = start["ShardIterator"]
            # Other tests have put more than one call returns, and packed records.
            while found := (answer := kinesis.get_records(ShardIterator=iterator))["Records"]:
                for line in (line for record in found for line in record["Data"].splitlines()):
                    event: dict[str, Any] = json.loads(line)
                    if event[id_field] == record_id:
                        return event
                iterator = answer["NextShardIterator"]
        return None

    @property
    def resources(self) -> set[tuple[str, str]]:
        """Type and ARN of each resource that has an ARN; those of roles and buckets name no region."""
        root = self.endpoint.terraform(self.outputs["use_case"])
        return {
            (resource["type"], arn)
            for resource in json.loads(root.state_file.read_text())["resources"]
            if resource["mode"] == "managed"
            for instance in resource["instances"]
            for name in ("arn", "dashboard_arn")
            if (arn := instance["attributes"].get(name))
        }


def _quiet(_line: str) -> None:
    """Print nothing: several stacks are applied at a time."""


@pytest.fixture
def home(deployed: Any) -> Stack:
    """Return the stack that the other tests use."""
    if deployed.work is None:
        pytest.skip("applies more stacks to the embedded AWS of the tests")
    endpoint = stack.status(deployed.work / "local")
    assert endpoint is not None
    model = deployed.contract.model
    return Stack(endpoint, deployed.work / "bundles" / model.name / model.version, {}, deployed.outputs)


@pytest.fixture
def beside(home: Stack) -> Callable[..., Stack]:
    """Return a function that describes one more stack on the same embedded AWS, with a state of its own."""

    def describe(name: str, bundle: Path, region: str = home.endpoint.region, **variables: Any) -> Stack:
        folder = home.endpoint.state_dir / "beside" / name
        folder.mkdir(parents=True)
        (folder / "images").symlink_to(home.endpoint.state_dir / "images")
        return Stack(replace(home.endpoint, state_dir=folder, region=region), bundle, variables)

    return describe


@dataclass(frozen=True)
class Company:
    """A key, a topic, a bucket and a network that the account has already."""

    endpoint: Endpoint
    variables: dict[str, Any]

    @classmethod
    def create(cls, endpoint: Endpoint) -> "Company":
        ec2, client = endpoint.client("ec2"), endpoint.client
        vpc = ec2.create_vpc(CidrBlock="10.0.0.0/24")["Vpc"]["VpcId"]
        subnet = ec2.create_subnet(VpcId=vpc, CidrBlock="10.0.0.0/25")["Subnet"]["SubnetId"]
        group = ec2.create_security_group(GroupName="functions", Description="functions", VpcId=vpc)[
            "GroupId"
        ]
        client("s3").create_bucket(Bucket="company-access-logs")
        variables = {
            "kms_key_arn": client("kms").create_key()["KeyMetadata"]["Arn"],
            "alert_topic_arn": client("sns").create_topic(Name="company-operations")["TopicArn"],
            "access_log_bucket": "company-access-logs",
            "vpc_subnet_ids": [subnet],
            "vpc_security_group_ids": [group],
        }
        return cls(endpoint, variables)

    def is_used_by(self, one: Stack) -> None:
        """Assert that the stack's resources use the company's."""
        client, outputs = one.endpoint.client, one.outputs
        stream = client("kinesis").describe_stream_summary(StreamName=outputs["input_stream"])
        assert stream["StreamDescriptionSummary"]["KeyId"] == self.variables["kms_key_arn"]
        logging = client("s3").get_bucket_logging(Bucket=outputs["lake_bucket"])["LoggingEnabled"]
        assert logging["TargetBucket"] == self.variables["access_log_bucket"]
        for name in (outputs["predict_function"], outputs["monitor_function"]):
            found = client("lambda").get_function_configuration(FunctionName=name)
            assert found["VpcConfig"]["SubnetIds"] == self.variables["vpc_subnet_ids"]
        prefix = outputs["predict_function"].removesuffix("predict")
        alarms = client("cloudwatch").describe_alarms(AlarmNamePrefix=f"{prefix}predict-")["MetricAlarms"]
        assert alarms
        assert {arn for alarm in alarms for arn in alarm["AlarmActions"]} == {
            self.variables["alert_topic_arn"]
        }

    def is_left(self) -> None:
        """Assert that the destruction of stacks left everything."""
        client = self.endpoint.client
        assert client("kms").describe_key(KeyId=self.variables["kms_key_arn"])["KeyMetadata"]["Enabled"]
        client("sns").get_topic_attributes(TopicArn=self.variables["alert_topic_arn"])
        client("s3").head_bucket(Bucket=self.variables["access_log_bucket"])


@pytest.mark.timeout(1200)
def test_stacks_live_and_are_destroyed_apart(
    home: Stack, beside: Callable[..., Stack], deployed: Any, tmp_path: Path
) -> None:
    other = "white_wine" if home.outputs["use_case"] == "green_taxi" else "green_taxi"
    second = pipeline.train(other, tmp_path, own_registry=True, progress=_quiet).bundle
    abroad = "eu-west-1" if home.endpoint.region != "eu-west-1" else "us-east-1"
    company = Company.create(home.endpoint)
    described = [
        beside("region", home.bundle, abroad),
        beside("environment", home.bundle, environment="dev", **company.variables),
        beside("use_case", second),
    ]
    with ThreadPoolExecutor() as pool:
        applied = list(pool.map(Stack.apply, described))
        everyone = [home, *applied]
        for number, one in enumerate(everyone):
            one.scores(f"before-{number}")
        company.is_used_by(applied[1])
        resources = [resource for one in everyone for resource in one.resources]
        assert len(resources) == len(set(resources))

        gone, *rest = applied
        gone.destroy()
        for number, one in enumerate([home, *rest]):
            one.scores(f"after-{number}")
        assert all(pool.map(Stack.is_unchanged, rest))
        assert deployed.plan_is_empty()
        list(pool.map(Stack.destroy, rest))
    company.is_left()
    home.scores("alone")
    assert deployed.plan_is_empty()
