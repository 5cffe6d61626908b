"""Sessions of people's commands: Terraform's region, boto3's credentials."""

import os

import boto3
from botocore.exceptions import BotoCoreError


class RegionError(BotoCoreError):
    """No region is set."""

    fmt = "no AWS region is set: export AWS_REGION, e.g. AWS_REGION=eu-west-1"


def session() -> boto3.Session:
    """Return a session in the region Terraform would use. Raises RegionError if none is set."""
    # boto3 alone reads AWS_DEFAULT_REGION only, Terraform reads AWS_REGION first.
    found = boto3.Session(region_name=os.environ.get("AWS_REGION"))
    if not found.region_name:
        raise RegionError
    return found
