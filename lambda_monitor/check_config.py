"""The user's say in the checks: `checks.json` in the bundle, every key checked by name."""

import difflib
from collections.abc import Sequence

import msgspec

from contract.schema import Struct
from lambda_monitor.profiles.thresholds import Seasonality

# The one table of checks: name, and what it asks.
CHECKS: dict[str, str] = {
    "quality.missing": "are there more missing values than in the reference?",
    "quality.categories": "are there categories that training never saw?",
    "quality.range": "do values lie outside the range the contract declares?",
    "quality.constant": "does a column that varied stand still?",
    "outliers": "are there more values beyond what training nearly ever saw?",
    "drift.feature": "is a feature distributed otherwise than in the reference?",
    "drift.prediction": "are the predictions distributed otherwise?",
    "drift.segment": "is another thing predicted within one segment?",
    "drift.target": "is what really happened distributed otherwise?",
    "performance": "is the model's error larger than on the reference?",
    "performance.segment": "is it larger within one segment?",
    "performance.estimate": "would it be, judging without labels?",
    "labels.coverage": "what share of the records has a label?",
    "labels.conflicts": "were records given different labels?",
    "labels.unreadable": "are there labels that can't be read?",
    "lake.unreadable_objects": "are there objects that can't be read?",
    "lake.bad_lines": "are there lines that are no prediction events?",
    "lake.duplicates": "do many records come more than once?",
    "lake.clock_skew": "do records land hours away from their arrival?",
    "model.version": "did other model versions score records?",
    "service.rejected": "are many records rejected?",
    "service.failed": "did Lambda give up on batches of records?",
    "service.staleness": "has there been silence?",
    "service.errors": "does the prediction function fail?",
    "service.delay": "do records wait long to be scored?",
    "service.lost": "did records come in that were neither scored nor rejected?",
    "monitor.gap": "are there hours that no window covered?",
    "report.evidently": "could the report be drawn?",
}


class CheckConfigError(ValueError):
    """`checks.json` names something that isn't there, or says something else than it may."""


class ColumnOverride(Struct, frozen=True, kw_only=True):
    """One column of one check: switched, or with a limit of its own."""

    enabled: bool = True
    threshold: float | None = None


class CheckOverride(Struct, frozen=True, kw_only=True):
    """One check: switched, with a limit of its own, or tuned by column."""

    enabled: bool = True
    threshold: float | None = None
    columns: dict[str, ColumnOverride] = msgspec.field(default_factory=dict)


class CheckConfig(Struct, frozen=True, kw_only=True):
    """What the user chose.

    `seasonality`: `ignore` lets a column change as much as days, weeks and seasons do, `ignore_hours` as
    much as hours of the day do, for windows shorter than a day; `count` tells every change.
    """

    seasonality: Seasonality = "ignore"
    checks: dict[str, CheckOverride] = msgspec.field(default_factory=dict)

    def wants(self, check: str, columns: Sequence[str]) -> bool:
        """Say whether the user wants to hear of `check` on `columns`."""
        choice = self.checks.get(check, CheckOverride())
        return choice.enabled and all(choice.columns.get(c, ColumnOverride()).enabled for c in columns)

    def limit(self, check: str, columns: Sequence[str], default: float | None) -> float | None:
        """Return the user's limit for `check` on `columns`, or `default`."""
        choice = self.checks.get(check, CheckOverride())
        own = [choice.columns[c].threshold for c in columns if c in choice.columns]
        chosen = next((t for t in (*own, choice.threshold) if t is not None), None)
        return default if chosen is None else chosen


def load(data: bytes | None, columns: Sequence[str]) -> CheckConfig:
    """Read `checks.json`; without one every check runs at its default.

    Raises CheckConfigError naming the key and, where one is near, the key that was meant.
    """
    if data is None:
        return CheckConfig()
    try:
        chosen = msgspec.json.decode(data, type=CheckConfig)
    except msgspec.DecodeError as error:
        raise CheckConfigError(f"checks.json can't be read: {error}") from error
    for name, choice in chosen.checks.items():
        if name not in CHECKS:
            raise CheckConfigError(f"checks.json names the check {name!r}: {_meant(name, list(CHECKS))}")
        for column in choice.columns:
            if column not in columns:
                raise CheckConfigError(
                    f"checks.json names the column {column!r} of {name}: {_meant(column, columns)}"
                )
    return chosen


def _meant(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
