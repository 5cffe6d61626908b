"""What a failed check means and how severe it is: decided here for every channel.

A harmed model and a broken pipeline are critical, moved data is a warning.
"""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from lambda_monitor.findings import CheckResult, Status


class Severity(StrEnum):
    """Severity of a failed check or of a message."""

    WARNING = "warning"
    CRITICAL = "critical"


class Meaning(StrEnum):
    """What a failed check shows, the gravest first."""

    HARM = "model harmed"
    FAULT = "pipeline fault"
    MOVED = "data moved"


# By a check's name or its first part. The model's error, measured or estimated, and errors by group are
# harm; what compares records and predictions with the reference is data that moved; the rest are faults.
_MEANING = {
    "performance": Meaning.HARM,
    "bias.error": Meaning.HARM,
    "drift": Meaning.MOVED,
    "outliers": Meaning.MOVED,
    "bias.prediction_rate": Meaning.MOVED,
    "custom": Meaning.MOVED,
}
# Faults that are always critical: records are late, lost, unmonitored or scored by another model.
_CRITICAL_FAULTS = {"service", "monitor", "model", "lake.unreadable_objects", "lake.late"}
# Other faults are critical from this multiple of the limit on: a sender that broke, not a few bad records.
SEVERAL = 3.0


def times(check: CheckResult) -> float | None:
    """Return the value in units of the limit; None without a value or with a limit of 0 or less."""
    return None if check.threshold is not None and check.threshold < 0 else check.ratio


def meaning(name: str) -> Meaning:
    """Return what a failure of the check of that name shows; `no_data` and `error` are faults."""
    return _MEANING.get(name) or _MEANING.get(name.split(".", maxsplit=1)[0], Meaning.FAULT)


def of_check(check: CheckResult) -> Severity:
    """Return the severity of a failed check."""
    about = meaning(check.name)
    if about is Meaning.FAULT:
        always = not _CRITICAL_FAULTS.isdisjoint({check.name, check.name.split(".")[0]})
        severe = always or (times(check) or 0.0) >= SEVERAL
        return Severity.CRITICAL if severe else Severity.WARNING
    return Severity.CRITICAL if about is Meaning.HARM else Severity.WARNING


def of_window(status: str, failing: Sequence[CheckResult]) -> str:
    """Return the severity of a window or message, empty if nothing failed; no verdict is critical."""
    if status in {Status.NO_DATA, Status.ERROR} and not failing:
        return Severity.CRITICAL
    return worst(of_check(check) for check in failing) if failing else ""


def worst(found: Iterable[str]) -> Severity:
    """Return the highest of the severities; texts that are none, as of other releases, count as warnings."""
    return Severity.CRITICAL if Severity.CRITICAL in set(found) else Severity.WARNING


def gravest(names: Iterable[str]) -> Meaning:
    """Return the gravest meaning of the checks of those names, a fault if there are none."""
    found = {meaning(name) for name in names}
    return next((one for one in Meaning if one in found), Meaning.FAULT)


def rank(check: CheckResult) -> tuple[bool, bool, float]:
    """Return the place of a failed check: critical ones first, then harm, then by value over limit."""
    harm = meaning(check.name) is Meaning.HARM
    return of_check(check) is not Severity.CRITICAL, not harm, -(times(check) or 0.0)
