"""Rights of a function in a VPC: those that Lambda needs, and none for the function's code."""

import json
from typing import Any

import parliament
import pytest

from tests.iam import grants, network

# "Giving Lambda functions access to resources in an Amazon VPC", AWS Lambda Developer Guide.
NEEDED = {
    "ec2:AssignPrivateIpAddresses",
    "ec2:CreateNetworkInterface",
    "ec2:DeleteNetworkInterface",
    "ec2:DescribeNetworkInterfaces",
    "ec2:DescribeSubnets",
    "ec2:UnassignPrivateIpAddresses",
}


@pytest.fixture(scope="module")
def policy(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return network.policy(tmp_path_factory.mktemp("plan"))


def test_lambda_gets_the_actions_that_its_guide_names(policy: dict[str, Any]) -> None:
    allowed = [one["Action"] for one in policy["Statement"] if one["Effect"] == "Allow"]
    assert sorted(action for actions in allowed for action in actions) == sorted(NEEDED)


def test_parliament_finds_only_what_it_does_not_know(policy: dict[str, Any]) -> None:
    found = parliament.analyze_policy_string(json.dumps(policy)).findings
    # Requests of a function's code have this key, whatever their action.
    keys = [one for one in found if "Unknown condition lambda:SourceFunctionArn" in str(one.detail)]
    # It asks for a pattern per type of resource: the one of all types matches each that it names.
    types = [one for one in found if one.issue == "RESOURCE_MISMATCH"]
    assert [one for one in found if one not in (*keys, *types)] == []
    named = {one["required_format"] for finding in types for one in finding.detail}
    example = "arn:aws:ec2:eu-west-1:123456789012:"
    arns = [example + form.split(":")[-1].replace("*", "id-0a1b2c3d") for form in named]
    (pattern,) = {one["Resource"] for one in policy["Statement"] if one["Sid"] == "ManageInterfaces"}
    assert len(arns) == 2
    assert all(grants.matches(pattern, arn) for arn in arns)


def test_the_code_is_denied_every_right(policy: dict[str, Any]) -> None:
    assert network.left_to_the_code(policy) == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("ec2:DescribeSubnets", "ec2:DescribeVpcs"),
        (network.FUNCTION, "scorewatch-white-wine-predict"),
        ("lambda:SourceFunctionArn", "aws:SourceArn"),
        ('"Deny", "Resource": "*"', '"Deny", "Resource": "arn:aws:ec2:us-east-1:*:*/*"'),
    ],
)
def test_a_right_of_the_code_is_reported(policy: dict[str, Any], before: str, after: str) -> None:
    *allow, deny = policy["Statement"]
    text = json.dumps(deny, sort_keys=True)
    changed = text.replace(before, after)
    assert changed != text
    assert network.left_to_the_code({"Statement": [*allow, json.loads(changed)]})
