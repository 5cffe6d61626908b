"""Check for hours that no window covered because the monitor did not run."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from contract import layout
from contract.timestamps import timestamp
from lambda_monitor.findings import CheckResult

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NAME = "monitor.gap"


def check_gap(s3: "S3Client", bucket: str, model: str, start: datetime, end: datetime) -> CheckResult:
    """Return whether [start, end) directly follows the last window that has a report."""
    before = [e for s, e in _windows(s3, bucket, model) if (s, e) != (start, end) and e <= end]
    if not before:
        return CheckResult.above(NAME, 0.0, 0.0, "This is the first window of the model.")
    last = max(before)
    hours = max((start - last) / timedelta(hours=1), 0.0)
    if not hours:
        return CheckResult.above(NAME, hours, 0.0, "No hour was left out since the last window.")
    return CheckResult.above(
        NAME,
        hours,
        0.0,
        f"Records that arrived from {timestamp(last)} to {timestamp(start)} were not monitored: "
        f'invoke the function with {{"start": "{timestamp(last)}", "end": "{timestamp(start)}"}}.',
    )


def _windows(s3: "S3Client", bucket: str, model: str) -> list[tuple[datetime, datetime]]:
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix=f"{layout.REPORTS}/{model}/", Delimiter="/"
    )
    names = [entry["Prefix"].split("/")[-2] for page in pages for entry in page.get("CommonPrefixes", [])]
    # Other folders are not ours.
    return [window for name in names if (window := layout.window_of(name))]
