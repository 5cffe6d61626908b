"""Links to the AWS console."""

from typing import NamedTuple
from urllib.parse import quote

_CONSOLES = {"aws-cn": "console.amazonaws.cn", "aws-us-gov": "console.amazonaws-us-gov.com"}


class Place(NamedTuple):
    """Partition, region and account of a resource."""

    partition: str
    region: str
    account: str

    @property
    def console(self) -> str:
        """The host of the partition's console."""
        return _CONSOLES.get(self.partition, "console.aws.amazon.com")


def place(arn: str) -> Place:
    """Return where the resource with that ARN is."""
    _, partition, _, region, account, *_ = arn.split(":")
    return Place(partition, region, account)


def s3_object(where: Place, uri: str) -> str:
    """Return the page of an object, given its s3:// URI."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return f"https://{where.console}/s3/object/{bucket}?region={where.region}&prefix={quote(key)}"


def dashboard(where: Place, name: str) -> str:
    """Return the page of a CloudWatch dashboard."""
    return _cloudwatch(where, f"dashboards/dashboard/{quote(name, safe='')}")


def alarm(where: Place, name: str) -> str:
    """Return the page of a CloudWatch alarm."""
    return _cloudwatch(where, f"alarmsV2:alarm/{quote(name, safe='')}")


def _cloudwatch(where: Place, fragment: str) -> str:
    return f"https://{where.console}/cloudwatch/home?region={where.region}#{fragment}"
