"""Failed checks in plain words: what is wrong, and value against limit in its unit."""

from collections.abc import Callable
from typing import NamedTuple

from contract.schema import Contract, Task
from lambda_monitor import wording
from lambda_monitor.alerts.severity import rank, times
from lambda_monitor.findings import LEAST_VALUE, CheckResult
from lambda_monitor.profiles import distances
from lambda_monitor.untrusted import one_line

# What a failed check means; {} is its column, or its segment.
TITLES = {
    "quality.missing": "{} has more missing values",
    "quality.categories": "{} has categories that are not in the training data",
    "quality.range": "{} is out of its declared range",
    "quality.constant": "{} has one value only",
    "outliers": "{} has more unusual values",
    "drift.feature": "{} drifted",
    "drift.prediction": "{} drifted",
    "drift.segment": "the predictions for {} drifted",
    "drift.target": "{} drifted",
    "performance": "the model's error is too high",
    "performance.segment": "the model's error is too high for {}",
    "performance.mean_error": "predictions are too high or too low on average",
    "performance.segment_mean_error": "predictions for {} are too high or too low",
    "performance.log_loss": "the model's log loss is too high",
    "performance.auc": "the model separates the classes too badly",
    "performance.precision": "too few of the records predicted positive are positive",
    "performance.recall": "too few of the positive records are found",
    "performance.calibration": "the predicted probabilities are too far from the shares of positive labels",
    "performance.estimate": "the model's error, estimated without labels, is too high",
    "bias.error": "errors for {} grew against those of other records",
    "bias.prediction_rate": "predictions for {} moved away from those of other records",
    "labels.coverage": "few records have a label",
    "labels.conflicts": "records have different labels",
    "labels.unreadable": "labels can't be read",
    "lake.unreadable_objects": "stored objects can't be read",
    "lake.bad_lines": "stored lines are not prediction events",
    "lake.duplicates": "records were delivered more than once",
    "lake.clock_skew": "records are stored hours away from their arrival",
    "lake.late": "records were stored after their window was monitored",
    "model.version": "another model version scores the records",
    "service.rejected": "records are rejected",
    "service.failed": "batches of records were given up",
    "service.staleness": "no recent record",
    "service.errors": "the prediction function fails",
    "service.delay": "records wait too long to be scored",
    "service.lost": "records are lost",
    "monitor.gap": "hours were not monitored",
    "monitor.evidence": "earlier hours can't be read",
    "report.evidently": "the report could not be drawn",
}
_LIST = 3


class Unit(NamedTuple):
    """Text of a number, and the unit after a value."""

    text: Callable[[float], str] = "{:.4g}".format
    name: str = ""

    def value(self, value: float) -> str:
        """Return a value with its unit."""
        return f"{self.text(value)} {self.name}".rstrip()


_PERCENT = Unit(lambda value: f"{100 * value:.3g}%")


def _plain(name: str = "") -> Unit:
    return Unit(name=name)


# By check, or for drift by statistic.
_UNITS: dict[str, Unit] = {
    **dict.fromkeys(
        (
            *("quality.missing", "quality.categories", "quality.range", "outliers"),
            *("lake.duplicates", "lake.clock_skew", "lake.late", "labels.unreadable", "model.version"),
            *("performance.precision", "performance.recall"),
            *("service.rejected", "service.errors", "service.lost"),
        ),
        _PERCENT,
    ),
    "lake.unreadable_objects": _plain("objects"),
    "lake.bad_lines": _plain("lines"),
    "service.failed": _plain("batches"),
    "service.staleness": _plain("hours"),
    "monitor.gap": _plain("hours"),
    "service.delay": _plain("minutes"),
    "drift.segment": _plain("standard deviations"),
    "bias.error": _plain("times the ratio of the reference"),
    "performance.mean_error": _plain("usual errors"),
    "performance.segment_mean_error": _plain("usual errors"),
}
_STATISTICS: dict[str, Unit] = {
    distances.SHIFT: _plain("standard deviations"),
    distances.SPREAD: _plain("(logarithm of the ratio of the spreads)"),
    distances.SHAPE: _PERCENT,
    distances.MIX: _plain("(distance of the shares, 0 to 1)"),
    distances.LEVEL: Unit(lambda value: f"{100 * value:.3g}", "percentage points"),
}


def worst_first(failing: list[CheckResult]) -> list[CheckResult]:
    """Return the failed checks, the gravest first."""
    return sorted(failing, key=rank)


def title(check: CheckResult, contract: Contract | None) -> str:
    """Return what failed; a check that could not be made is named so."""
    about = _about(check, contract)
    if check.status == "error" and check.value is None:
        return f"{check.name} could not be checked" + (f" for {about}" if about else "")
    known = TITLES.get(check.name)
    if known is None:
        return f"{check.name} failed" + (f" for {about}" if about else "")
    return known.format(about)


def columns(check: CheckResult, contract: Contract | None) -> list[str]:
    """Return the check's columns by the user's names."""
    return [one_line(name if contract is None else wording.column(contract, name)) for name in check.columns]


def figures(check: CheckResult, contract: Contract | None) -> str:
    """Return value and limit, and how many times the limit; empty without both."""
    if check.value is None or check.threshold is None or check.name == "quality.constant":
        return ""
    unit = _unit(check, contract)
    limit = f"{check.limit_word} {unit.text(check.threshold)}"
    return f"{unit.value(check.value)}, {limit}{_times(check, ', {} the limit')}"


def summary(check: CheckResult, contract: Contract | None) -> str:
    """Return what failed, and how many times its limit."""
    return title(check, contract) + _times(check, ", {} its limit")


def _times(check: CheckResult, words: str) -> str:
    found = times(check)
    if found is None or check.name == "quality.constant" or check.detail.get(LEAST_VALUE):
        return ""
    return words.format(f"{found:,.1f} times" if found < 1_000 else "more than 1,000 times")  # noqa: PLR2004


def _about(check: CheckResult, contract: Contract | None) -> str:
    """Return the segment or the columns of a check."""
    segment = check.detail.get("segment")
    if contract is not None and segment is not None and len(check.columns) == 1:
        return wording.segment(contract, check.columns[0], str(segment))
    named = columns(check, contract)
    rest = f" and {len(named) - _LIST} more columns" if len(named) > _LIST else ""
    return ", ".join(named[:_LIST]) + rest


def _unit(check: CheckResult, contract: Contract | None) -> Unit:
    if statistic := check.detail.get("statistic"):
        return _STATISTICS.get(str(statistic), _plain())
    if check.name in {"performance", "performance.segment", "performance.estimate"} and contract is not None:
        return _PERCENT if contract.task is Task.CLASSIFICATION else _plain(contract.target.unit)
    return _UNITS.get(check.name, _plain())
