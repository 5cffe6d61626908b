"""Check for records that landed after the window of their arrival was monitored."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from contract.layout import HOUR
from contract.schema import ModelRef
from contract.timestamps import timestamp
from lambda_monitor.findings import CheckResult
from lambda_monitor.hours.update import LedgerUpdater
from lambda_monitor.lake.partitions import LANDS_AFTER, landing
from lambda_monitor.reports import stored

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

NAME = "lake.late"
# Share of an earlier window's records that may be missing from its report.
LATE_LIMIT = 0.01
# How long after their end windows are counted again: when no record of theirs should land any more, and
# when Firehose has given up its retries.
LOOKS = (LANDS_AFTER + HOUR, timedelta(hours=24))


class _Counted(msgspec.Struct, frozen=True, kw_only=True):
    """Records of an earlier window: in its report, and now."""

    start: datetime
    end: datetime
    reported: int
    records: int

    @property
    def late(self) -> int:
        """The records that landed since the report."""
        return max(self.records - self.reported, 0)


def check_late(
    s3: "S3Client", bucket: str, model: ModelRef, updater: LedgerUpdater, start: datetime, end: datetime
) -> CheckResult:
    """Compare reports of earlier windows with what their hours hold now. Raises DamagedError, AthenaError.

    A scheduled window compares those that ended LOOKS ago, so that each window is compared twice.
    """
    length = end - start
    shifts = sorted({-(-look // length) * length for look in LOOKS})
    windows = [_counted(s3, bucket, model, updater, start - shift, end - shift) for shift in shifts]
    found = [counted for counted in windows if counted is not None]
    if not found:
        return CheckResult.skipped(NAME, "This model version has no report of an earlier window to compare.")
    most = max(found, key=lambda counted: counted.late / max(counted.records, 1))
    share = most.late / max(most.records, 1)
    event = f'{{"start": "{timestamp(most.start)}", "end": "{timestamp(most.end)}"}}'
    return CheckResult.above(
        NAME,
        share,
        LATE_LIMIT,
        f"{most.late:,} of {most.records:,} records that arrived from {timestamp(most.start)} to "
        f"{timestamp(most.end)} landed after that window was monitored"
        + (f": to include them, invoke the function with {event}." if most.late else "."),
        detail={"late": {timestamp(c.start): c.late for c in found if c.late}} if most.late else None,
    )


def unreadable(error: Exception) -> CheckResult:
    """Return the result if an earlier window can't be read."""
    return CheckResult.unreadable(NAME, error)


def _counted(
    s3: "S3Client", bucket: str, model: ModelRef, updater: LedgerUpdater, start: datetime, end: datetime
) -> _Counted | None:
    """Return the counts of [start, end), None if this model version has no readable report of it."""
    if (report := stored.of_window(s3, bucket, model, start, end)) is None:
        return None
    updater.update(landing(start, end))
    records = sum(located.part.records for located in updater.store.parts(start, end).parts)
    return _Counted(start=start, end=end, reported=report.records, records=records)
