"""Restore drill: compute a window's verdict again from the lake alone, compare it with its report."""

import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec

from contract import layout
from contract.schema import ContractError
from contract.timestamps import parse_timestamp, timestamp
from lambda_monitor import model, monitor
from lambda_monitor.check_config import CheckConfigError
from lambda_monitor.checks import evidence, over_time, verdict
from lambda_monitor.findings import REPORT_JSON, RUN_JSON, SAMPLED, CheckResult, Findings
from lambda_monitor.hours.ledger import DamagedError
from lambda_monitor.hours.store import HourStore
from lambda_monitor.hours.update import LedgerUpdater
from lambda_monitor.lake import labels, rejections
from lambda_monitor.lake.partitions import landing
from lambda_monitor.model import Model
from lambda_monitor.reports.stored import StoredReport
from lambda_monitor.run import Span
from ops.past_lake import FolderCache, PastLake

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Checks on CloudWatch, on earlier reports and on rendering: the lake does not have their data.
ELSEWHERE = ("service.", "monitor.", "lake.late", "report.")
# Checks of labelled records, and their count.
_LABELLED = ("performance", "drift.target", "bias.error", "labels.coverage")
_LABELLED_RECORDS = "LabelledRecords"
_SHOWN = 10


class DrillError(RuntimeError):
    """The window has no report that can be compared, or the lake can't be read; the message says why."""


class Report(StoredReport, frozen=True, kw_only=True):
    """A report.json, and when it was made."""

    ran_at: str = ""


@dataclass(frozen=True)
class Lake:
    """Buckets, model name and label delay of a stack."""

    s3: "S3Client"
    artifacts: str
    lake: str
    model: str
    label_delay: timedelta


@dataclass(frozen=True)
class Difference:
    """A figure of the report, as reported and as computed again."""

    what: str
    reported: object
    rebuilt: object

    def __str__(self) -> str:
        """Return one line."""
        return f"{self.what}: reported {self.reported}, rebuilt {self.rebuilt}"


@dataclass(frozen=True)
class Drill:
    """Result of a drill; `later` are objects stored after the report, which it leaves out."""

    report: Report
    read: int
    differences: list[Difference]
    later: list[str]

    def __str__(self) -> str:
        """Return the window, what was compared, and each difference."""
        report, sampled = self.report, _sampled(self.report)
        own = [check for check in report.checks if _in_lake(check) and not _omitted(check, sampled=sampled)]
        taken = sum(not _in_lake(check) for check in report.checks)
        lines = [
            f"window    {report.window.start} to {report.window.end}",
            f"model     {report.model.name} version {report.model.version}, report of {report.ran_at}",
            f"read      {self.read:,} objects of the lake and the bundle, no stored profiles",
            f"compared  status, {report.records:,} records, {len(own)} checks; {taken} checks need "
            "CloudWatch or other reports and were taken from the report",
        ]
        if sampled:
            others = len(report.checks) - taken - len(own)
            lines += [
                f"left out  {others} checks of labelled records: Athena counted the hours, "
                "so that the report joined labels to samples"
            ]
        if self.later:
            lines += [f"left out  {len(self.later):,} objects stored after the report"]
        if not self.differences:
            return "\n".join([*lines, f"The verdict is rebuilt as reported: {report.status}"])
        lines += ["", *_some([str(difference) for difference in self.differences])]
        lines += _some([f"stored after the report: {key}" for key in self.later])
        return "\n".join(lines)


def drill(stack: Lake, window: str | None = None) -> Drill:
    """Compare the report of `window`, the newest if None, with the verdict computed from the lake.

    Raises DrillError, BundleError.
    """
    report, written = _report(stack, window)
    found = _compare(stack, report, parse_timestamp(report.ran_at))
    if found.differences and found.later:
        # Objects that were stored during the run may be in its report.
        during = _compare(stack, report, written)
        return found if during.differences else during
    return found


def _compare(stack: Lake, report: Report, until: datetime) -> Drill:
    past = PastLake(stack.s3, until)
    s3 = cast("S3Client", past)
    try:
        watched = model.load(s3, stack.artifacts, report.model.name, report.model.version)
        if report.configuration.version is not None:
            watched = model.configured(watched, s3, stack.artifacts, report.configuration.version)
        with tempfile.TemporaryDirectory() as folder:
            found = _rebuilt(s3, stack, report, watched, Path(folder))
    except (ContractError, CheckConfigError, DamagedError) as error:
        raise DrillError(str(error)) from error
    return Drill(report, len(past.read), list(differences(report, found)), sorted(past.later))


def _rebuilt(s3: "S3Client", stack: Lake, report: Report, watched: Model, folder: Path) -> Findings:
    """Return the findings of the report's window, computed from the lake as of the report."""
    start, end = parse_timestamp(report.window.start), parse_timestamp(report.window.end)
    now, delay, cache = parse_timestamp(report.ran_at), stack.label_delay, FolderCache(folder)
    updater = LedgerUpdater(
        s3,
        stack.lake,
        watched.contract,
        watched.profiler,
        store=HourStore(cache),
        may_write=lambda: True,
    )
    reader = labels.Reader(s3, stack.lake, watched.contract, cache)
    if len(reader.read(start - delay, min(now, end + delay)).table):
        # Performance may be that of an earlier window, whose ledgers the monitor has already.
        updater.update(landing(start - delay, end))
    span = Span(start=start, end=end, asked=True)
    found, known, results = monitor.read_lake(watched, updater, reader, span, delay=delay, now=now)
    refused = rejections.read(s3, stack.lake, start, end, cache=cache, may_write=lambda: True)
    results += [check for check in report.checks if not _in_lake(check)]
    earlier = None
    if any("evidence" in check.detail for check in report.checks):
        # The schedule decided from the hours of some weeks.
        updater.update(landing(end - timedelta(days=max(over_time.DAYS)), end))
        earlier = evidence.read(s3, stack.lake, watched, updater, start, end)
    data = verdict.Evidence(
        window=found, rejections=refused, truth=known, results=results, now=now, scheduled=earlier
    )
    return verdict.evaluate(watched, data)


def differences(report: Report, found: Findings) -> Iterator[Difference]:
    """Yield what the rebuilt findings have otherwise: status, records, counts, checks."""
    sampled = _sampled(report)
    checks, rebuilt = (
        [check for check in all_ if not _omitted(check, sampled=sampled)]
        for all_ in (report.checks, found.checks)
    )
    status, again = report.status, found.status.value
    if sampled:
        status = verdict.overall(checks, records=report.records).value
        again = verdict.overall(rebuilt, records=found.records).value
    pairs: list[tuple[str, Any, Any]] = [
        ("status", status, again),
        ("records", report.records, found.records),
        ("configuration of checks", report.configuration, found.configuration),
    ]
    pairs += [
        (name, value, found.counts.get(name))
        for name, value in report.counts.items()
        if not (sampled and name == _LABELLED_RECORDS)
    ]
    before, after = ({c.key: c for c in all_} for all_ in (checks, rebuilt))
    for key in sorted(before.keys() | after.keys()):
        one, two = before.get(key), after.get(key)
        name = f"check {key.removesuffix(': ')}"
        if one is None or two is None:
            pairs.append((name, one and one.status, two and two.status))
            continue
        pairs += [
            (f"{name}, {part}", getattr(one, part), getattr(two, part))
            for part in ("status", "value", "threshold")
        ]
    yield from (Difference(*pair) for pair in pairs if not _same(*pair[1:]))


def _same(one: object, two: object) -> bool:
    # Sums of an update per object and of one update differ in their last bits.
    if isinstance(one, float) and isinstance(two, int | float):
        return math.isclose(one, two, rel_tol=1e-9, abs_tol=1e-12)
    return one == two


def _in_lake(check: CheckResult) -> bool:
    return not check.name.startswith(ELSEWHERE)


def _sampled(report: Report) -> bool:
    """Return whether labels were joined to samples, of which the lake alone can't draw the same."""
    return any(check.detail.get(SAMPLED) for check in report.checks)


def _omitted(check: CheckResult, *, sampled: bool) -> bool:
    return sampled and check.name.startswith(_LABELLED) and check.name != "performance.estimate"


def _report(stack: Lake, window: str | None) -> tuple[Report, datetime]:
    """Return a report and when it was stored. Raises DrillError."""
    root = f"{layout.REPORTS}/{stack.model}/"
    if window is None:
        window = _newest(stack, root)
    elif layout.window_of(window) is None:
        raise DrillError(f"{window} is no window: name its folder under {root}")
    prefix = f"{root}{window}/"
    try:
        stored = stack.s3.get_object(Bucket=stack.lake, Key=prefix + REPORT_JSON)
        run = stack.s3.get_object(Bucket=stack.lake, Key=prefix + RUN_JSON)["Body"].read()
        report = msgspec.json.decode(stored["Body"].read(), type=Report)
        facts = msgspec.json.decode(run, type=dict[str, str])
    except stack.s3.exceptions.NoSuchKey as error:
        raise DrillError(f"s3://{stack.lake}/{prefix} has no complete report") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise DrillError(f"the report in s3://{stack.lake}/{prefix} can't be read: {error}") from error
    return msgspec.structs.replace(report, ran_at=facts["ran_at"]), stored["LastModified"]


def _newest(stack: Lake, root: str) -> str:
    pages = stack.s3.get_paginator("list_objects_v2").paginate(Bucket=stack.lake, Prefix=root, Delimiter="/")
    names = [entry["Prefix"].split("/")[-2] for page in pages for entry in page.get("CommonPrefixes", [])]
    windows = [(found[1], found[0]) for name in names if (found := layout.window_of(name))]
    if not windows:
        raise DrillError(f"s3://{stack.lake}/{root} has no report: the monitor has not run yet")
    end, start = max(windows)
    return layout.window_name(start, end)


def next_step(stack: Lake, found: Drill) -> str:
    """Return what to do after a drill that found differences."""
    start = timestamp(parse_timestamp(found.report.window.start))
    return (
        f"the verdict of {start} differs in {len(found.differences)} figures: objects of the window were "
        f"changed, removed or have expired. List what was: aws s3api list-object-versions --bucket "
        f"{stack.lake} --prefix {layout.PREDICTIONS}/; docs/operations.md, section 'Restore drill'"
    )


def _some(lines: list[str]) -> list[str]:
    """Return the first of `lines`, and the number of the others."""
    more = len(lines) - _SHOWN
    return lines[:_SHOWN] + ([f"... and {more:,} more"] if more > 0 else [])
