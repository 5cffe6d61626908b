import json
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from moto import mock_aws

from contract import layout
from contract.timestamps import parse_timestamp
from lambda_monitor.reports import index
from local import report_site

BUCKET = "scorewatch-lake"


@pytest.fixture
def page(monkeypatch: pytest.MonkeyPatch) -> str:
    """Return the printed front page of a bucket in another region than the session's."""
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    with mock_aws():
        s3 = boto3.client("s3", region_name="eu-central-1")
        s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        start, end = (f"2026-11-20T{hour}:00:00Z" for hour in (12, 13))
        report = {
            "model": {"name": "m", "version": "1", "run_id": ""},
            "window": {"start": start, "end": end},
            "status": "ok",
            "records": 5,
            "checks": [],
        }
        prefix = layout.report_prefix("m", parse_timestamp(start), parse_timestamp(end))
        key = f"{prefix}report.json"
        s3.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(report))
        index.update(s3, BUCKET)
        client = report_site.signing_client(boto3.Session(), BUCKET)
        return report_site.presigned(client, BUCKET, hours=168)


def test_links_are_signed_with_version_4_for_the_buckets_region(page: str) -> None:
    links = index.links(page)
    assert links
    query = {name: values[0] for name, values in parse_qs(urlsplit(links.pop()).query).items()}
    assert query["X-Amz-Algorithm"] == "AWS4-HMAC-SHA256"
    assert query["X-Amz-Credential"].endswith("/eu-central-1/s3/aws4_request")
    assert query["X-Amz-Expires"] == "604800"
    assert "AWSAccessKeyId" not in query


@pytest.mark.parametrize("hours", ["169", "0", "-1"])
def test_links_longer_than_seven_days_are_refused(hours: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        report_site.main(["--bucket", BUCKET, "--presign", hours])
    assert "is not 1 to 168: S3 limits a link to 7 days" in capsys.readouterr().err
