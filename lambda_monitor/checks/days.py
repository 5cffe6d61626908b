"""Scheduled decisions from the reports of earlier days: checks on labels, and the estimated error.

The error of a model rises a third on single days of ordinary months: a snowstorm, a week of road closures.
One day is reported at once only if it is far beyond its limit; less counts if days follow each other.
"""

import math
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import msgspec

from contract.layout import HOUR
from contract.schema import ModelRef
from lambda_monitor.check_config import CheckConfig
from lambda_monitor.checks.error_hours import HOURS
from lambda_monitor.checks.label_sums import SUMS
from lambda_monitor.findings import LEAST_VALUE, CheckResult, ratio
from lambda_monitor.reports import stored

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

# Multiple of the limit that is reported at once.
AT_ONCE = 1.75
# Days, and the mean ratio of value to limit over them that is reported.
MEANS = ((2, 1.3), (5, 1.1))
# A day counts with this ratio at most, so that one day alone reaches neither mean.
CAP = 1.5
# Hours between scheduled windows that are tried, the newest first.
_STEPS = (1, 2, 3, 4, 6, 8, 12, 24)
EARLIER = max(days for days, _ in MEANS) - 1
_EVIDENCE = "evidence"
_DIGITS = 6
# Reports that are read at the same time.
_WORKERS = 8


def _ratio(check: CheckResult) -> float | None:
    """Return the value of a window in units of its limit; the stored ones may be those over days."""
    window = check.detail.get(_EVIDENCE, {}).get("window", {})
    of_window = window if isinstance(window, dict) else {}
    value, threshold = (of_window.get(name, getattr(check, name)) for name in ("value", "threshold"))
    return ratio(value, threshold, check.detail)


def decided_by_days(check: str) -> bool:
    """Return whether that check is decided here."""
    return check == "drift.target" or check.startswith("performance")


class Earlier(msgspec.Struct, frozen=True, kw_only=True):
    """Reports of the windows before, without overlap, by check and newest first.

    `ratios` of value to limit end before the first day without a readable report of this model version, or
    without a value. `sums` of labelled records go on after such a day.
    """

    ratios: dict[str, list[float]]
    sums: dict[str, list[dict[str, Any]]]


def read(s3: "S3Client", bucket: str, model: ModelRef, start: datetime, end: datetime) -> Earlier:
    """Return what is read of the reports of the windows before [start, end)."""
    step = max(end - start, timedelta(days=1))
    shifts = [number * step for number in range(1, math.ceil(HOURS * HOUR / step))]
    with ThreadPoolExecutor(_WORKERS) as pool:
        reports = list(pool.map(lambda by: stored.of_window(s3, bucket, model, start - by, end - by), shifts))
    found = Earlier(ratios={}, sums={})
    for number, report in enumerate(reports[:EARLIER]):
        if report is None:
            break
        for check in report.checks:
            known = found.ratios.setdefault(check.key, [])
            value = _ratio(check) if decided_by_days(check.name) else None
            if value is not None and len(known) == number:
                known.append(value)
    for report in filter(None, reports):
        for check in report.checks:
            if isinstance(sums := check.detail.get(SUMS), dict):
                found.sums.setdefault(check.key, []).append(sums)
    return found


def still_open(s3: "S3Client", bucket: str, model: ModelRef, start: datetime, end: datetime) -> list[str]:
    """Return the checks that failed in the window before, which started some hours earlier.

    It is read from its report, not from the alert state: a run that is repeated decides the same.
    """
    for hours in _STEPS:
        shift = timedelta(hours=hours)
        if (report := stored.of_window(s3, bucket, model, start - shift, end - shift)) is not None:
            return [check.key for check in report.checks if check.status == "alert"]
    return []


def needed(earlier: Sequence[float]) -> float:
    """Return the ratio of value to limit that the newest window needs for an alert, at least 1."""
    found = [AT_ONCE]
    for days, mean in MEANS:
        if len(earlier) >= days - 1:
            rest = days * mean - sum(min(one, CAP) for one in earlier[: days - 1])
            found += [max(rest, 1.0)] if rest <= CAP else []
    return min(found)


def decide(
    config: CheckConfig,
    results: Sequence[CheckResult],
    earlier: Mapping[str, Sequence[float]],
    still_open: Sequence[str],
) -> list[CheckResult]:
    """Return the results, those of labels and estimates with the limit that the days before leave.

    An open alert ends with a window within its own limit. The user's limits apply at once.
    """
    return [
        result
        if not decided_by_days(result.name)
        or result.ratio is None
        or result.status not in {"ok", "alert"}
        or config.limit(result.name, result.columns, None) is not None
        else _decided(result, earlier.get(result.key, []), is_open=result.key in still_open)
        for result in results
    ]


def _decided(result: CheckResult, earlier: Sequence[float], *, is_open: bool) -> CheckResult:
    value, limit, of_window = result.value, result.threshold, result.ratio
    if value is None or limit is None or of_window is None:
        return result
    times = 1.0 if is_open else needed(earlier)
    threshold = limit / times if result.detail.get(LEAST_VALUE) else limit * times
    sentence = result.sentence
    if of_window > 1:
        beyond = 1 + sum(one > 1 for one in earlier)
        days = f"on {beyond} of the last {1 + len(earlier)} days" if earlier else "on this day"
        sentence += (
            f" Beyond the limit of one window, {limit:.4g}, {days}; "
            f"an alert needs {times:.2f} times that limit today."
        )
    detail = {
        **result.detail,
        _EVIDENCE: {
            "days": [round(one, _DIGITS) for one in earlier],
            "window": {"value": value, "threshold": limit},
        },
    }
    return msgspec.structs.replace(
        result,
        threshold=round(threshold, _DIGITS),
        status="alert" if of_window > times else "ok",
        sentence=sentence,
        detail=detail,
    )
