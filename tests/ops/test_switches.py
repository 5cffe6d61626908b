"""Documents and endpoints of a company's own key, topic and network."""

import json
import re
from pathlib import Path

from tests.checkout import ROOT

DEPLOY = (ROOT / "docs/deploy.md").read_text()
NETWORK = (ROOT / "infra/network.tf").read_text()
# Endpoint service by boto3's name, https://docs.aws.amazon.com/vpc/latest/privatelink/aws-services-privatelink-support.html.
ENDPOINTS = {
    "athena": "athena",
    "cloudwatch": "monitoring",
    "firehose": "kinesis-firehose",
    "kinesis": "kinesis-streams",
    "lambda": "lambda",
    "s3": "s3",
    "secretsmanager": "secretsmanager",
    "sns": "sns",
}


def called() -> set[str]:
    """Return the services whose clients the functions create."""
    files = [file for package in ("contract", "lambda_predict", "lambda_monitor") for file in source(package)]
    return {name for file in files for name in re.findall(r"\.client\(\s*\"([a-z0-9]+)\"", file.read_text())}


def source(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def test_endpoints_are_those_of_the_services_that_the_functions_call() -> None:
    wanted = {ENDPOINTS[service] for service in called()}
    (block,) = re.findall(r"vpc_endpoint_services = \[for service in concat\((.*?)\n  \)", NETWORK, re.DOTALL)
    assert set(re.findall(r'"([a-z0-9-]+)"', block)) == wanted
    table = DEPLOY.partition("| endpoint | for |")[2].partition("\n\n")[0]
    assert set(re.findall(r"^  \| `([a-z0-9-]+)`", table, re.MULTILINE)) == wanted


def test_documented_statements_of_an_own_key_are_those_of_the_stack() -> None:
    (text,) = re.findall(r"```json\n(\[.*?\])\n```", DEPLOY, re.DOTALL)
    policy = (ROOT / "infra/encryption.tf").read_text().partition('"key_services"')[2]
    actions = [json.loads(found) for found in re.findall(r"actions\s+= (\[.*?\])", policy)]
    statements = json.loads(text)
    assert [statement["Action"] for statement in statements] == actions
    for statement in statements:
        (condition,) = statement["Condition"].values()
        for key in condition:
            assert f'"{key}"' in policy
