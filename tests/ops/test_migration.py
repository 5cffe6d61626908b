"""Stacks of 0.1: state key and names of roles."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest

from ops import deploy, deployment, plan
from ops.deployment import DeploymentError
from tests.ops.conftest import Calls

OLD, NEW = "scorewatch/green_taxi.tfstate", "scorewatch/123456789012/us-east-1/green_taxi.tfstate"
DELIVERY = "scorewatch-green-taxi-predictions"
KEY = "arn:aws:kms:us-east-1:123456789012:key/1"


@pytest.fixture
def account(aws: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Select moto's account, with a bucket of states and folders of the test's own."""
    monkeypatch.setattr(deployment, "STATES", tmp_path / "states")
    monkeypatch.setattr(deployment, "ENVIRONMENTS", tmp_path)
    monkeypatch.delenv(deployment.SELECTOR, raising=False)
    boto3.client("s3").create_bucket(Bucket="states")
    return aws


@pytest.fixture
def backend(account: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the state in the bucket, as after terraform init."""
    assert account
    (tmp_path / "backend_override.tf").write_text('terraform {\n  backend "s3" {}\n}\n')
    monkeypatch.setattr(deployment, "ROOT", tmp_path)
    # The key of an endpoint starts with its address.
    monkeypatch.setattr(deployment, "place", lambda use_case: ["123456789012", "us-east-1", use_case])
    data = tmp_path / "states/123456789012-us-east-1-green_taxi/terraform-data"
    data.mkdir(parents=True)
    config = {"bucket": "states", "key": NEW, "region": "us-east-1"}
    stored = {"version": 3, "backend": {"type": "s3", "config": config}}
    (data / "terraform.tfstate").write_text(json.dumps(stored))


def store_state(key_arn: str) -> None:
    state = {"version": 4, "outputs": {"kms_key_arn": {"value": key_arn, "type": "string"}}}
    boto3.client("s3").put_object(Bucket="states", Key=OLD, Body=json.dumps(state).encode())


@pytest.mark.parametrize(
    "command",
    [
        lambda: deploy.deploy("green_taxi", "1"),
        lambda: deploy.rollback("green_taxi", "1"),
        lambda: deploy.destroy("green_taxi", sure=True),
        lambda: plan.report("green_taxi", "1"),
    ],
)
def test_a_state_under_the_old_key_is_found_and_nothing_is_applied(
    backend: None, calls: Calls, command: Callable[[], Any]
) -> None:
    assert backend is None
    store_state(KEY)
    with pytest.raises(DeploymentError) as error:
        command()
    assert f"aws s3 mv s3://states/{OLD} s3://states/{NEW}" in str(error.value)
    assert {call["arguments"][0] for call in calls()} <= {"init", "output"}


@pytest.mark.parametrize("other", [KEY.replace("us-east-1", "eu-west-1"), KEY.replace("1234", "4321")])
def test_a_state_of_another_region_or_account_stays(backend: None, calls: Calls, other: str) -> None:
    assert (backend, calls()) == (None, [])
    store_state(other)
    with pytest.raises(DeploymentError, match="not deployed here"):
        deploy.rollback("green_taxi", "1")


def test_without_an_old_state_nothing_is_to_be_moved(
    backend: None, calls: Calls, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (backend, calls()) == (None, [])
    with pytest.raises(DeploymentError, match="not deployed here"):
        deploy.rollback("green_taxi", "1")
    store_state(KEY)
    monkeypatch.setenv(deployment.SELECTOR, "dev")
    with pytest.raises(DeploymentError, match="not deployed in environment dev"):
        deploy.rollback("green_taxi", "1")


def deployed(role: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Create a stack's delivery with a role of this name, and its outputs."""
    boto3.client("s3").create_bucket(Bucket="lake")
    boto3.client("firehose").create_delivery_stream(
        DeliveryStreamName=DELIVERY,
        ExtendedS3DestinationConfiguration={
            "RoleARN": f"arn:aws:iam::123456789012:role/{role}",
            "BucketARN": "arn:aws:s3:::lake",
        },
    )
    known = {
        "use_case": "green_taxi",
        "region": "us-east-1",
        "model_version": "1",
        "artifact_bucket": "lake",
        "prediction_delivery_stream": DELIVERY,
        "predict_function": "predict",
    }
    monkeypatch.setenv("FAKE_OUTPUTS", json.dumps(known))
    root = deployment.stack("green_taxi")
    root.apply({})


@pytest.mark.parametrize(
    "command",
    [
        lambda: deploy.deploy("green_taxi", "2"),
        lambda: plan.report("green_taxi"),
        lambda: deploy.rollback("green_taxi", "2"),
    ],
)
def test_roles_without_the_region_are_found_and_nothing_is_applied(
    account: str, calls: Calls, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, command: Callable[[], Any]
) -> None:
    assert account
    monkeypatch.setenv("FAKE_CONSOLE", json.dumps({"var.role_names_with_region": True}))
    deployed(DELIVERY, monkeypatch)
    before = len(calls())
    with pytest.raises(DeploymentError) as error:
        command()
    file = tmp_path / "green_taxi.us-east-1.tfvars"
    assert f"echo 'role_names_with_region = false' >> {file}" in str(error.value)
    assert {call["arguments"][0] for call in calls()[before:]} == {"init", "output", "console"}


@pytest.mark.parametrize(("role", "with_region"), [(f"{DELIVERY}-us-east-1", True), (DELIVERY, False)])
def test_roles_that_keep_their_names_are_no_reason_to_stop(
    account: str, calls: Calls, monkeypatch: pytest.MonkeyPatch, role: str, with_region: bool
) -> None:
    assert account
    monkeypatch.setenv("FAKE_CONSOLE", json.dumps({"var.role_names_with_region": with_region}))
    deployed(role, monkeypatch)
    deploy.destroy("green_taxi", sure=True)
    assert calls()[-1]["arguments"][0] == "destroy"
