"""A stored report.json: its fields, and the report of a window."""

from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from contract import conditional, layout
from contract.base import StoredStruct
from lambda_monitor.findings import REPORT_JSON, CheckResult, Configuration

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from contract.schema import ModelRef


class StoredModel(StoredStruct, frozen=True, kw_only=True):
    """Name and version of a report's model."""

    name: str
    version: str


class StoredWindow(StoredStruct, frozen=True, kw_only=True):
    """Start and end of a report's window."""

    start: str
    end: str


class StoredReport(StoredStruct, frozen=True, kw_only=True):
    """The fields of a report.json that its readers use."""

    model: StoredModel
    window: StoredWindow
    status: str
    records: int
    checks: list[CheckResult]
    counts: dict[str, float] = msgspec.field(default_factory=dict)
    configuration: Configuration = Configuration()


def parse(data: bytes) -> StoredReport | None:
    """Return the report of these bytes, None if they are damaged: a run was killed, or someone wrote."""
    try:
        return msgspec.json.decode(data, type=StoredReport)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def of_window(
    s3: "S3Client", bucket: str, model: "ModelRef", start: datetime, end: datetime
) -> StoredReport | None:
    """Return the report of [start, end), None if this model version has no readable one."""
    found = conditional.get(s3, bucket, layout.report_prefix(model.name, start, end) + REPORT_JSON)
    report = None if found is None else parse(found.body)
    return report if report is not None and report.model.version == model.version else None
