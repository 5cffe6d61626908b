"""CloudWatch metrics in the embedded metric format: printed, without an API call."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from contract.schema import Contract, ModelRef
from lambda_monitor.alerts import severity, titles
from lambda_monitor.findings import CheckResult, Findings, Status

NAMESPACE = "Scorewatch"
# Value divided by limit, with dimensions UseCase, Check and Column.
TIMES_LIMIT = "TimesLimit"
# Column of a check on whole windows, and of the worst of the checks without a metric of their own.
WHOLE, OTHERS = "(all)", "(others)"
_EVERY = "every check"
# 0 if no check failed.
_LEVELS = {"": 0.0, "warning": 1.0, "critical": 2.0}
# Checks whose value is itself a metric.
_OWN = {
    "service.staleness": "RecordAgeHours",
    "performance": "ModelError",
    "performance.estimate": "EstimatedError",
}
# These have no limit, or a limit of 0.
_NO_MULTIPLE = {
    *("lake.unreadable_objects", "lake.bad_lines", "service.failed", "monitor.gap"),
    *("quality.constant", "labels.coverage", "labels.conflicts", "report.evidently", "monitor.evidence"),
}
# Starts of names, those that get a metric of their own first.
_ORDER = (
    *("performance", "drift.prediction", "drift.target", "drift.feature", "drift.segment"),
    *("bias", "performance.segment", "custom", "service", "lake", "model", "labels", "quality", "outliers"),
)


class Series(NamedTuple):
    """One metric of value divided by limit; None if the check was not made."""

    check: str
    column: str
    times: float | None


def values(findings: Findings, sent: int) -> dict[str, float]:
    """Return the metrics of a run by name; `sent` is its number of messages."""
    failing = [check for check in findings.checks if check.status in {"alert", "error"}]
    return {
        "MonitorRuns": 1.0,
        "MonitoredRecords": float(findings.records),
        "FailedChecks": float(len(failing)),
        "MonitorErrors": float(findings.status is Status.ERROR),
        "AlertMessages": float(sent),
        "Severity": _LEVELS[severity.of_window(findings.status, failing)],
        **{_OWN[c.name]: c.value for c in findings.checks if c.name in _OWN and c.value is not None},
        **findings.counts,
    }


def series(checks: Sequence[CheckResult], contract: Contract | None, most: int) -> list[Series]:
    """Return value divided by limit per check and column, in at most `most` series.

    What comes beyond is summarised as the worst of its kind. Which checks have a series of their own depends
    on names and columns only, so that the same series go on from run to run.
    """
    found = [
        Series(check.name, column, severity.times(check))
        for check in sorted(checks, key=lambda c: _rank(c.name))
        for column in titles.columns(check, contract) or [WHOLE]
        if check.name not in _NO_MULTIPLE
    ]
    if len(found) <= most:
        return found
    for left in range(1, most + 1):
        own, rest = found[: most - left], found[most - left :]
        kinds = list(dict.fromkeys(one.check.split(".")[0] for one in rest))
        if len(kinds) <= left:
            return own + [
                _worst(kind, [one for one in rest if one.check.split(".")[0] == kind]) for kind in kinds
            ]
    return [_worst(_EVERY, found)] if most else []


def lines(
    use_case: str,
    model: ModelRef,
    moment: datetime,
    values: Mapping[str, float],
    checks: Sequence[CheckResult],
    series: Sequence[Series] = (),
    messages: Sequence[str] = (),
    namespace: str = NAMESPACE,
) -> list[str]:
    """Return the log lines that CloudWatch turns into metrics.

    The first has one metric per value, with dimension UseCase; the checks and the subjects of the sent
    messages are plain properties: searchable in Logs Insights, not charged as metrics. Each further line has
    one of `series`.
    """
    record: dict[str, Any] = {
        "_aws": _directive(namespace, moment, ["UseCase"], list(values)),
        "UseCase": use_case,
        "model": model.name,
        "model_version": model.version,
        **values,
        "messages": list(messages),
        "checks": [
            {"name": c.name, "columns": c.columns, "status": c.status, "value": c.value, "limit": c.threshold}
            for c in checks
        ],
    }
    per_series = [
        {
            "_aws": _directive(namespace, moment, ["UseCase", "Check", "Column"], [TIMES_LIMIT]),
            "UseCase": use_case,
            "Check": _dimension(one.check),
            "Column": _dimension(one.column),
            TIMES_LIMIT: one.times,
        }
        for one in series
        if one.times is not None
    ]
    return [msgspec.json.encode(line).decode() for line in (record, *per_series)]


def _directive(namespace: str, moment: datetime, dimensions: list[str], names: list[str]) -> dict[str, Any]:
    metrics = [{"Name": name} for name in names]
    directive = {"Namespace": namespace, "Dimensions": [dimensions], "Metrics": metrics}
    return {"Timestamp": int(moment.timestamp() * 1000), "CloudWatchMetrics": [directive]}


def _rank(name: str) -> int:
    """Return the place of the longest start in `_ORDER` that fits, the last place if none does."""
    fitting = [start for start in _ORDER if name == start or name.startswith(f"{start}.")]
    return _ORDER.index(max(fitting, key=len)) if fitting else len(_ORDER)


def _worst(check: str, rest: Sequence[Series]) -> Series:
    if len(rest) == 1:
        return rest[0]
    made = [one.times for one in rest if one.times is not None]
    return Series(check, OTHERS, max(made, default=None))


def _dimension(text: str) -> str:
    """Return text as a dimension's value: ASCII, not empty, without colons."""
    return text.encode("ascii", "backslashreplace").decode().replace(":", "\\x3a").strip() or "\\x20"
