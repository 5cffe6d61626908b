"""Severity of failed checks and of messages: two levels, decided here for every channel."""

from collections.abc import Iterable, Sequence
from enum import StrEnum

from lambda_monitor.findings import CheckResult, Status

# Checks whose failure is critical, by the first part of their name: the model is wrong, or records are late,
# lost or unmonitored.
_CRITICAL = {"performance", "service", "monitor", "model"}
_CRITICAL_CHECKS = {"lake.unreadable_objects", "lake.late"}
# Failures of any other check are critical from this multiple of the limit on.
SEVERAL = 3.0


class Severity(StrEnum):
    """Severity of a failed check or of a message."""

    WARNING = "warning"
    CRITICAL = "critical"


def times(check: CheckResult) -> float | None:
    """Return the value in units of the limit; None without a value or with a limit of 0 or less."""
    return None if check.threshold is not None and check.threshold < 0 else check.ratio


def always_critical(check: CheckResult) -> bool:
    """Return whether a failure of that check is critical whatever its value."""
    return check.name.split(".")[0] in _CRITICAL or check.name in _CRITICAL_CHECKS


def of_check(check: CheckResult) -> Severity:
    """Return the severity of a failed check."""
    if always_critical(check):
        return Severity.CRITICAL
    return Severity.CRITICAL if (times(check) or 0.0) >= SEVERAL else Severity.WARNING


def of_window(status: str, failing: Sequence[CheckResult]) -> str:
    """Return the severity of a window or message, empty if nothing failed; no verdict is critical."""
    if status in {Status.NO_DATA, Status.ERROR} and not failing:
        return Severity.CRITICAL
    return worst(of_check(check) for check in failing) if failing else ""


def worst(found: Iterable[str]) -> Severity:
    """Return the highest of the severities; texts that are none, as of other releases, count as warnings."""
    return Severity.CRITICAL if Severity.CRITICAL in set(found) else Severity.WARNING
