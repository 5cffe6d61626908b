"""Delivery checks: completeness, duplicates, version, freshness, labels."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from contract.bundle import TARGET_COLUMN as TARGET
from contract.events import timestamp
from contract.schema import Contract
from lambda_monitor.findings import LISTED, CheckResult
from lambda_monitor.hours.labelled import ENOUGH, Truth
from lambda_monitor.hours.window import Window
from lambda_monitor.lake.objects import Unreadable
from lambda_monitor.lake.rejections import Rejections

# A failure of these prevents a verdict on the window or its labels: an error, not an alert.
UNJUDGED = ("lake.unreadable_objects", "labels.unreadable")
# At-least-once delivery repeats a few records after a restart; a larger share means constant restarts.
DUPLICATES_LIMIT = 0.05
REJECTED_LIMIT = 0.01
STRAYED_LIMIT = 0.001
# Share of labels that may be unreadable while performance is measured on the others.
LABELS_LIMIT = 0.01


def check_delivery(contract: Contract, window: Window, rejections: Rejections) -> list[CheckResult]:
    """Return the delivery checks of the window's records."""
    return [
        unreadable(window, rejections),
        bad_lines(window),
        duplicates(window),
        strayed(window),
        other_versions(contract, window),
        rejected(window, rejections),
        failed(rejections),
        staleness(window),
    ]


def unreadable(window: Window, rejections: Rejections) -> CheckResult:
    """Count unreadable objects; they prevent a verdict, so any is an error."""
    found = [*window.unreadable, *rejections.unreadable]
    count = len(found)
    return CheckResult.above(
        "lake.unreadable_objects",
        float(count),
        0.0,
        f"{count:,} objects could not be read completely" + _example(found),
        detail={"objects": {u.key: u.reason for u in found[:LISTED]}},
        failed="error",
    )


def bad_lines(window: Window) -> CheckResult:
    """Count lines that are not prediction events of the contract."""
    count = sum(window.bad_lines.values())
    return CheckResult.above(
        "lake.bad_lines",
        float(count),
        0.0,
        f"{count:,} lines are not prediction events.",
        detail=_found(dict(list(window.bad_lines.items())[:LISTED])),
    )


def duplicates(window: Window) -> CheckResult:
    """Count records that were delivered more than once; all other checks count them once."""
    total = window.records + window.duplicates
    share = window.duplicates / max(total, 1)
    return CheckResult.share(
        "lake.duplicates",
        window.duplicates,
        total,
        DUPLICATES_LIMIT,
        f"{window.duplicates:,} records ({share:.1%}) were delivered more than once; they are counted once.",
    )


def strayed(window: Window) -> CheckResult:
    """Count records whose arrival is hours away from their partition: wrong clocks or late scoring."""
    return CheckResult.share(
        "lake.clock_skew",
        window.strayed,
        window.records + window.strayed,
        STRAYED_LIMIT,
        f"{window.strayed:,} records landed in a partition hours away from their arrival time "
        "and belong to no window.",
    )


def other_versions(contract: Contract, window: Window) -> CheckResult:
    """Count events of other model versions, which the other checks leave out."""
    count = sum(window.others.values())
    listed = ", ".join(f"{n:,} by version {v}" for v, n in window.others.items())
    watched = contract.model.version
    return CheckResult(
        name="model.version",
        value=float(count),
        threshold=None,
        status="alert" if count and not window.records else "ok",
        columns=[],
        sentence=f"{count:,} events were scored by versions other than {watched}, the monitored one"
        + (f" ({listed}); the other checks leave them out." if count else "."),
        detail={"versions": window.others},
    )


def rejected(window: Window, rejections: Rejections) -> CheckResult:
    """Count rejected records as a share of all records."""
    total = rejections.count + window.records
    share = rejections.count / max(total, 1)
    most = ", ".join(f"{n:,} {reason}" for reason, n in list(rejections.reasons.items())[:3])
    return CheckResult.share(
        "service.rejected",
        rejections.count,
        total,
        REJECTED_LIMIT,
        f"{rejections.count:,} records ({share:.1%}) were rejected" + (f": {most}." if most else "."),
        detail=_found(rejections.reasons),
    )


def failed(rejections: Rejections) -> CheckResult:
    """Count batches that Lambda gave up on: their records were neither scored nor rejected."""
    count = len(rejections.failed)
    return CheckResult.above(
        "service.failed",
        float(count),
        0.0,
        f"Lambda gave up on {count:,} batches of records"
        + (f"; their stream positions are in {rejections.failed[0]}, among others." if count else "."),
        detail=_found(rejections.failed[:LISTED]),
    )


def staleness(window: Window) -> CheckResult:
    """Measure the hours without records at the window's end; the limit is half the window, at least one."""
    limit = max(timedelta(hours=1), (window.end - window.start) / 2) / timedelta(hours=1)
    newest: datetime = window.newest or window.start
    silent = (window.end - newest) / timedelta(hours=1)
    if not window.records:
        limit = min(limit, silent)
    ok = window.records > 0 and silent <= limit
    return CheckResult(
        name="service.staleness",
        value=silent,
        threshold=limit,
        status="ok" if ok else "alert",
        columns=[],
        sentence=f"The newest record arrived {silent:.1f} hours before the window's end."
        if window.records
        else "No record arrived in the window.",
        detail={},
    )


def check_labels(truth: Truth) -> list[CheckResult]:
    """Return the checks of the ground truth itself."""
    found, late = truth.labels, truth.coverage < ENOUGH
    broken = max(
        found.bad_lines / max(found.lines, 1),
        found.unreadable_bytes / max(found.bytes, 1),
    )
    return [
        CheckResult(
            name="labels.coverage",
            value=truth.coverage,
            threshold=None,
            status="skipped" if late else "ok",
            columns=[TARGET],
            sentence=f"{len(truth.rows):,} of the {truth.records:,} records of the window that ended "
            f"{truth.end:%Y-%m-%d %H:%M} UTC have a label"
            + ("; performance is only estimated until half of them have one." if late else "."),
            detail={"start": timestamp(truth.start), "end": timestamp(truth.end), "enough": ENOUGH},
        ),
        CheckResult.above(
            "labels.conflicts",
            float(found.conflicts),
            None,
            f"{found.conflicts:,} records have conflicting labels; the last one to arrive is used.",
            columns=[TARGET],
        ),
        CheckResult.above(
            "labels.unreadable",
            broken,
            LABELS_LIMIT,
            f"{found.bad_lines:,} of {found.lines:,} labels and {len(found.unreadable):,} files of labels "
            f"({found.unreadable_bytes:,} of {found.bytes:,} bytes) can't be read"
            + _example(found.unreadable),
            columns=[TARGET],
            detail={"objects": {u.key: u.reason for u in found.unreadable[:LISTED]}},
            failed="error",
        ),
    ]


def _example(unreadable: Sequence[Unreadable]) -> str:
    return f", such as {unreadable[0].key}: {unreadable[0].reason}." if unreadable else "."


def _found(detail: dict[str, int] | list[str]) -> dict[str, Any]:
    return {"found": detail} if detail else {}
