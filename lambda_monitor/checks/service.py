"""Service checks from CloudWatch: errors, delay, lost records."""

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

from lambda_monitor.checks.minimum import too_few
from lambda_monitor.findings import CheckResult
from lambda_monitor.untrusted import one_line

if TYPE_CHECKING:
    from mypy_boto3_cloudwatch import CloudWatchClient

ERRORS_LIMIT = 0.01
# Minutes that a record may wait to be scored.
DELAY_LIMIT = 15.0
LOST_LIMIT = 0.02
# Firehose holds records back for up to 15 minutes.
SETTLED = timedelta(minutes=15)
_PERIOD = 300
# Status codes of a metric that GetMetricData could not read.
_FAILED = {"Forbidden", "InternalError"}
# The metrics of each check.
_NEEDED = {
    "service.errors": ("errors", "invocations"),
    "service.delay": ("age",),
    "service.lost": ("incoming",),
}


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """Names of the function and stream to check; empty names skip the checks."""

    function: str
    stream: str


def check_service(
    cloudwatch: "CloudWatchClient",
    sources: Sources,
    start: datetime,
    end: datetime,
    *,
    accounted: int,
    settled: bool,
) -> list[CheckResult]:
    """Return the service checks; `accounted` counts the window's scored and rejected events.

    `settled`: all records have had time to land, so missing ones are lost. A check is skipped if CloudWatch
    has no data points for it, and has status error if CloudWatch does not give them.
    """
    if not sources.function or not sources.stream:
        return [_skipped(name, "PREDICT_FUNCTION and INPUT_STREAM are not set") for name in _NEEDED]
    try:
        found = _read(cloudwatch, sources, start, end)
    except (BotoCoreError, ClientError) as error:
        return [_unread(name, str(error)) for name in _NEEDED]
    lost = _lost(found.values, accounted)
    if not settled:
        lost = _skipped("service.lost", "The window's last records may not have landed yet")
    return [
        next((_unread(made.name, found.errors[m]) for m in _NEEDED[made.name] if m in found.errors), made)
        for made in (_errors(found.values), _delay(found.values), lost)
    ]


class Metrics(msgspec.Struct, frozen=True, kw_only=True):
    """Sum or maximum of each metric that has data points, and the error of each that can't be read."""

    values: dict[str, float]
    errors: dict[str, str]


def _read(cloudwatch: "CloudWatchClient", sources: Sources, start: datetime, end: datetime) -> Metrics:
    function = {"FunctionName": sources.function}
    wanted = {
        "errors": ("AWS/Lambda", "Errors", function, "Sum"),
        "invocations": ("AWS/Lambda", "Invocations", function, "Sum"),
        "age": ("AWS/Lambda", "IteratorAge", function, "Maximum"),
        "incoming": ("AWS/Kinesis", "IncomingRecords", {"StreamName": sources.stream}, "Sum"),
    }
    queries: list[Any] = [
        {
            "Id": key,
            "MetricStat": {
                "Metric": {
                    "Namespace": namespace,
                    "MetricName": metric,
                    "Dimensions": [{"Name": n, "Value": v} for n, v in dimensions.items()],
                },
                "Period": _period(start, end),
                "Stat": statistic,
            },
        }
        for key, (namespace, metric, dimensions, statistic) in wanted.items()
    ]
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries, StartTime=start, EndTime=end
    )
    points: dict[str, list[float]] = {}
    errors: dict[str, str] = {}
    for page in pages:
        for result in page["MetricDataResults"]:
            points.setdefault(result["Id"], []).extend(result["Values"])
            if (status := result.get("StatusCode", "Complete")) in _FAILED:
                errors[result["Id"]] = status
    values = {key: max(p) if wanted[key][3] == "Maximum" else sum(p) for key, p in points.items() if p}
    return Metrics(values=values, errors=errors)


def _period(start: datetime, end: datetime) -> int:
    """Return a metric period, in seconds, with at most a few hundred points per window."""
    return max(_PERIOD, int((end - start) / timedelta(seconds=_PERIOD) / 288) * _PERIOD)


def _errors(found: dict[str, float]) -> CheckResult:
    if not found.get("invocations"):
        return _skipped("service.errors", "CloudWatch has no invocations for the window")
    if skipped := too_few("service.errors", int(found["invocations"]), "invocations in the window"):
        return skipped
    share = found.get("errors", 0.0) / found["invocations"]
    return CheckResult.above(
        "service.errors",
        share,
        ERRORS_LIMIT,
        f"{share:.1%} of {found['invocations']:,.0f} invocations of the prediction function failed.",
    )


def _delay(found: dict[str, float]) -> CheckResult:
    if "age" not in found:
        return _skipped("service.delay", "CloudWatch has no iterator age for the window")
    minutes = found["age"] / 60_000
    return CheckResult.above(
        "service.delay",
        minutes,
        DELAY_LIMIT,
        f"The longest wait of a record to be scored was {minutes:.1f} minutes.",
    )


def _lost(found: dict[str, float], accounted: int) -> CheckResult:
    if not found.get("incoming"):
        return _skipped("service.lost", "CloudWatch has no incoming records for the window")
    if skipped := too_few("service.lost", int(found["incoming"]), "records came in"):
        return skipped
    share = max(1 - accounted / found["incoming"], 0.0)
    return CheckResult.above(
        "service.lost",
        share,
        LOST_LIMIT,
        f"{found['incoming']:,.0f} records came in, {accounted:,} distinct ones were scored or rejected.",
    )


def _skipped(name: str, reason: str) -> CheckResult:
    return CheckResult.skipped(name, f"{reason}.")


def _unread(name: str, reason: str) -> CheckResult:
    sentence = f"CloudWatch metrics could not be read: {one_line(reason, 300)}."
    return CheckResult(name=name, value=None, threshold=None, status="error", columns=[], sentence=sentence)
