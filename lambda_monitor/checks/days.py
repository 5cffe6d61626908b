"""Scheduled decisions from the reports of earlier days: checks on labels, and the estimated error.

The error of a model rises a third on single days of ordinary months: a snowstorm, a week of road closures.
One day is reported at once only if it is far beyond its limit; less counts if days follow each other.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import msgspec

from contract.schema import ModelRef
from lambda_monitor.check_config import CheckConfig
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


def _ratio(check: CheckResult) -> float | None:
    """Return the value in units of the limit of its window; the stored limit may be one over days."""
    window = check.detail.get(_EVIDENCE, {}).get("window", {})
    threshold = window.get("threshold", check.threshold) if isinstance(window, dict) else check.threshold
    return ratio(check.value, threshold, check.detail)


def decided_by_days(check: str) -> bool:
    """Return whether that check is decided here."""
    return check == "drift.target" or check.startswith("performance")


def read(
    s3: "S3Client", bucket: str, model: ModelRef, start: datetime, end: datetime
) -> dict[str, list[float]]:
    """Return the ratios of value to limit by check in the windows before, without overlap, newest first.

    The list of a check ends before the first day without a readable report of this model version, or
    without a value.
    """
    step = max(end - start, timedelta(days=1))
    found: dict[str, list[float]] = {}
    for number in range(1, EARLIER + 1):
        shift = number * step
        if (report := stored.of_window(s3, bucket, model, start - shift, end - shift)) is None:
            break
        for check in report.checks:
            known = found.setdefault(check.key, [])
            value = _ratio(check) if decided_by_days(check.name) else None
            if value is not None and len(known) == number - 1:
                known.append(value)
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
