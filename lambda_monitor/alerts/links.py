"""Links to the AWS console, and presigned links to reports."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

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


class Presigned(NamedTuple):
    """A link that needs no login; the credentials that signed it may end before `until`."""

    url: str
    until: datetime


def presigned(s3: "S3Client", uri: str, now: datetime, lasting: timedelta) -> Presigned:
    """Return a link to an object, given its s3:// URI; `s3` must sign by version 4 for encrypted objects."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    url = s3.generate_presigned_url(
        "get_object",
        Params={"Bucket": bucket, "Key": key},
        ExpiresIn=int(lasting.total_seconds()),
    )
    return Presigned(url, now + lasting)


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
