"""Delivery checks: completeness, duplicates, version, freshness, labels."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from contract.bundle import TARGET_COLUMN as TARGET
from contract.schema import Contract
from contract.timestamps import timestamp
from lambda_monitor.checks.minimum import LEAST, too_few
from lambda_monitor.findings import LISTED, SAMPLED, CheckResult
from lambda_monitor.hours.labelled import ENOUGH, Truth
from lambda_monitor.hours.window import Window
from lambda_monitor.lake.objects import Unreadable
from lambda_monitor.lake.rejections import Rejections
from lambda_monitor.untrusted import one_line, quoted

# A failure of these prevents a verdict on the window or its labels: an error, not an alert.
UNJUDGED = ("lake.unreadable_objects", "labels.unreadable")
# At-least-once delivery repeats a few records after a restart; a larger share means constant restarts.
DUPLICATES_LIMIT = 0.05
REJECTED_LIMIT = 0.01
STRAYED_LIMIT = 0.001
# Share of labels that may be unreadable while performance is measured on the others.
LABELS_LIMIT = 0.01
# Share of other versions among the newest events. A rollout mixes the hour it happens in, not the next one.
OTHER_VERSIONS_LIMIT = 0.9
# Values from outside that a sentence names at most.
_NAMED = 3
_REASON = 200


def check_delivery(
    contract: Contract, window: Window, rejections: Rejections, *, now: datetime | None = None
) -> list[CheckResult]:
    """Return the delivery checks of the window's records; `now` is given if the window may not have ended."""
    return [
        unreadable(window, rejections),
        bad_lines(window),
        duplicates(window),
        strayed(window),
        other_versions(contract, window),
        rejected(window, rejections),
        failed(rejections),
        staleness(window, window.end if now is None else min(now, window.end)),
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
        detail=_objects(found),
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
        detail=_counts(window.bad_lines),
    )


def duplicates(window: Window) -> CheckResult:
    """Count records that were delivered more than once; all other checks count them once."""
    total = window.records + window.duplicates
    if skipped := too_few("lake.duplicates", total, "events in the window"):
        return skipped
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
    total = window.records + window.strayed
    if skipped := too_few("lake.clock_skew", total, "records in the window"):
        return skipped
    return CheckResult.share(
        "lake.clock_skew",
        window.strayed,
        total,
        STRAYED_LIMIT,
        f"{window.strayed:,} records landed in a partition hours away from their arrival time "
        "and belong to no window.",
    )


def other_versions(contract: Contract, window: Window) -> CheckResult:
    """Check the share of other model versions among the newest events; the other checks leave them out."""
    count, watched = sum(window.others.values()), one_line(contract.model.version)
    most = sorted(window.others.items(), key=lambda item: -item[1])[:_NAMED]
    listed = ", ".join(f"{n:,} by version {quoted(v)}" for v, n in most)
    sentence = f"{count:,} events were scored by versions other than {watched}, the monitored one"
    other, events = _newest_events(window)
    # Without a record of the monitored version there is nothing else to check.
    if window.records and (skipped := too_few("model.version", events, "events of any version")):
        return skipped
    share = other / max(events, 1) if window.records or not count else 1.0
    return CheckResult.above(
        "model.version",
        share,
        OTHER_VERSIONS_LIMIT,
        f"{sentence} ({listed}), {share:.1%} of the newest ones; the other checks leave them out. Deploy the "
        "version to be monitored, or wait for the rollout to end."
        if count
        else f"{sentence}.",
        detail={"versions": {one_line(v): n for v, n in most}},
    )


def _newest_events(window: Window) -> tuple[int, int]:
    """Return other versions' events and all events of the newest hours that have enough of them."""
    other = events = 0
    by_hour: dict[datetime, tuple[int, int]] = {}
    for one in window.parts.parts:
        before = by_hour.get(one.hour, (0, 0))
        found = sum(one.part.others.values())
        by_hour[one.hour] = (before[0] + found, before[1] + found + one.part.records)
    for hour in sorted(by_hour, reverse=True):
        if events >= LEAST["model.version"]:
            break
        other, events = other + by_hour[hour][0], events + by_hour[hour][1]
    return other, events


def rejected(window: Window, rejections: Rejections) -> CheckResult:
    """Count rejected records as a share of all records."""
    total = rejections.count + window.records
    if skipped := too_few("service.rejected", total, "records scored or rejected"):
        return skipped
    share = rejections.count / max(total, 1)
    most = ", ".join(f"{n:,} {quoted(reason)}" for reason, n in list(rejections.reasons.items())[:_NAMED])
    return CheckResult.share(
        "service.rejected",
        rejections.count,
        total,
        REJECTED_LIMIT,
        f"{rejections.count:,} records ({share:.1%}) were rejected" + (f": {most}." if most else "."),
        detail=_counts(rejections.reasons),
    )


def failed(rejections: Rejections) -> CheckResult:
    """Count batches that Lambda gave up on: their records were neither scored nor rejected."""
    count = len(rejections.failed)
    return CheckResult.above(
        "service.failed",
        float(count),
        0.0,
        f"Lambda gave up on {count:,} batches of records"
        + (
            f"; their stream positions are in {quoted(rejections.failed[0])}, among others." if count else "."
        ),
        detail={"found": [one_line(key, _REASON) for key in rejections.failed[:LISTED]]} if count else {},
    )


def staleness(window: Window, until: datetime) -> CheckResult:
    """Measure the hours without records before `until`; the limit is half the window, at least one."""
    limit = max(timedelta(hours=1), (window.end - window.start) / 2) / timedelta(hours=1)
    newest: datetime = window.newest or window.start
    silent = max(until - newest, timedelta(0)) / timedelta(hours=1)
    if not window.records:
        limit = min(limit, silent)
    ok = window.records > 0 and silent <= limit
    end = "the window's end" if until == window.end else "now; the window has not ended"
    return CheckResult(
        name="service.staleness",
        value=silent,
        threshold=limit,
        status="ok" if ok else "alert",
        columns=[],
        sentence=f"The newest record arrived {silent:.1f} hours before {end}."
        if window.records
        else f"No record arrived in the window{'' if until == window.end else ', which has not ended'}.",
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
            detail={"start": timestamp(truth.start), "end": timestamp(truth.end), "enough": ENOUGH}
            | ({SAMPLED: True} if truth.sampled else {}),
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
            detail=_objects(found.unreadable),
            failed="error",
        ),
    ]


def _example(unreadable: Sequence[Unreadable]) -> str:
    if not unreadable:
        return "."
    return f", such as {quoted(unreadable[0].key, _REASON)}: {one_line(unreadable[0].reason, _REASON)}."


def _objects(unreadable: Sequence[Unreadable]) -> dict[str, Any]:
    return {"objects": {one_line(u.key, _REASON): one_line(u.reason, _REASON) for u in unreadable[:LISTED]}}


def _counts(found: Mapping[str, int]) -> dict[str, Any]:
    """Return the first counts by cut name, and the sum of the others."""
    listed = {one_line(name, _REASON): count for name, count in list(found.items())[:LISTED]}
    rest = sum(list(found.values())[LISTED:])
    return {"found": listed, **({"others": rest} if rest else {})} if found else {}
