"""User configuration of checks: `checks.json` in the bundle, every key validated."""

import difflib
import math
import re
from collections.abc import Sequence

import msgspec

from contract.schema import Struct
from lambda_monitor.profiles.thresholds import Seasonality

# Names of all checks, with the question that each answers.
CHECKS: dict[str, str] = {
    "quality.missing": "are there more missing values than in the reference?",
    "quality.categories": "are there categories unknown in training?",
    "quality.range": "do values lie outside the range of the contract?",
    "quality.constant": "is a column constant that varied in the reference?",
    "outliers": "are there more values beyond the outermost quantiles of the reference?",
    "drift.feature": "does the distribution of a feature differ from the reference?",
    "drift.prediction": "does the distribution of the predictions differ?",
    "drift.segment": "does the mean prediction of one segment differ?",
    "drift.target": "does the distribution of the target differ?",
    "performance": "is the model's error larger than on the reference?",
    "performance.segment": "is it larger within one segment?",
    "performance.mean_error": "are a regression's predictions too high or too low on average?",
    "performance.segment_mean_error": "are they within one segment, against the other records?",
    "performance.log_loss": "is a binary classifier's log loss larger?",
    "performance.auc": "does a binary classifier separate the classes worse?",
    "performance.precision": "are fewer of the records predicted positive right?",
    "performance.recall": "are fewer of the positive records found?",
    "performance.calibration": "do probabilities differ more from the shares of positive labels?",
    "performance.estimate": "is the error that is estimated without labels larger?",
    "bias.error": "is the error of one group larger, against the other records?",
    "bias.prediction_rate": "do the predictions of one group differ more from those of the others?",
    "labels.coverage": "what share of the records has a label?",
    "labels.conflicts": "do records have different labels?",
    "labels.unreadable": "are there labels that can't be read?",
    "lake.unreadable_objects": "are there objects that can't be read?",
    "lake.bad_lines": "are there lines that are not prediction events?",
    "lake.duplicates": "are many records delivered more than once?",
    "lake.clock_skew": "do records land hours away from their arrival?",
    "lake.late": "do records land after their window was monitored?",
    "model.version": "did other model versions score records?",
    "service.rejected": "are many records rejected?",
    "service.failed": "did batches of records fail for good?",
    "service.staleness": "how long before the end did the last record arrive?",
    "service.errors": "does the prediction function fail?",
    "service.delay": "how long do records wait to be scored?",
    "service.lost": "are there records that were neither scored nor rejected?",
    "monitor.evidence": "could earlier hours be read, for decisions over days?",
    "monitor.gap": "are there hours that no window covered?",
    "report.evidently": "could the report be rendered?",
}

# False alerts of the schedule by chance: one in ten years.
FALSE_ALERTS_PER_YEAR = 0.1
_MOST_PER_YEAR = 365

# Name, number, and characters of SQL and sentence of custom checks.
CUSTOM = "custom"
_CUSTOM_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_CUSTOM_CHECKS, _SQL_CHARS, _SENTENCE_CHARS = 20, 2_000, 200


class CheckConfigError(ValueError):
    """`checks.json` can't be read, or names an unknown check or column."""


class ColumnOverride(Struct, frozen=True, kw_only=True):
    """Override of a check for one column: switched off, or with its own limit."""

    enabled: bool = True
    threshold: float | None = None


class CheckOverride(Struct, frozen=True, kw_only=True):
    """Override of a check: switched off, with its own limit, or per column."""

    enabled: bool = True
    threshold: float | None = None
    columns: dict[str, ColumnOverride] = msgspec.field(default_factory=dict)


class CustomCheck(Struct, frozen=True, kw_only=True):
    """Check that the user declares: an SQL aggregate over the window's rows, its limits, a sentence.

    It fails if the value is above `above` or below `below`; below `rows` records it is skipped.
    """

    sql: str
    sentence: str
    above: float | None = None
    below: float | None = None
    rows: int = 100


class CheckConfig(Struct, frozen=True, kw_only=True):
    """User configuration of checks.

    `seasonality`: `ignore` tolerates changes as large as those between days, weeks and seasons,
    `ignore_hours` also those between hours of the day, for windows shorter than a day; `count` reports
    every change. `false_alerts_per_year` is the rate of false drift alerts of the schedule by chance, all
    columns together.
    """

    seasonality: Seasonality = "ignore"
    false_alerts_per_year: float = FALSE_ALERTS_PER_YEAR
    checks: dict[str, CheckOverride] = msgspec.field(default_factory=dict)
    custom: dict[str, CustomCheck] = msgspec.field(default_factory=dict)

    def wants(self, check: str, columns: Sequence[str]) -> bool:
        """Return whether `check` is switched on for `columns`."""
        override = self.checks.get(check, CheckOverride())
        return override.enabled and all(override.columns.get(c, ColumnOverride()).enabled for c in columns)

    def limit(self, check: str, columns: Sequence[str], default: float | None) -> float | None:
        """Return the configured limit of `check` on `columns`, else `default`."""
        override = self.checks.get(check, CheckOverride())
        by_column = [override.columns[c].threshold for c in columns if c in override.columns]
        limit = next((t for t in (*by_column, override.threshold) if t is not None), None)
        return default if limit is None else limit


def load(data: bytes | None, columns: Sequence[str]) -> CheckConfig:
    """Read `checks.json`; without one every check runs with its defaults.

    Raises CheckConfigError with the unknown key and the most similar known one, if there is any.
    """
    if data is None:
        return CheckConfig()
    try:
        config = msgspec.json.decode(data, type=CheckConfig)
    except msgspec.DecodeError as error:
        raise CheckConfigError(f"checks.json can't be read: {error}") from error
    if not 0 < config.false_alerts_per_year <= _MOST_PER_YEAR:
        raise CheckConfigError(
            f"checks.json has false_alerts_per_year {config.false_alerts_per_year:g}: "
            f"it must be above 0 and at most {_MOST_PER_YEAR}, such as 0.1 for one in ten years"
        )
    for name, override in config.checks.items():
        if name not in CHECKS:
            raise CheckConfigError(f"checks.json names the check {name!r}: {_similar(name, list(CHECKS))}")
        for column in override.columns:
            if column not in columns:
                raise CheckConfigError(
                    f"checks.json names the column {column!r} of {name}: {_similar(column, columns)}"
                )
    _check_custom(config.custom)
    return config


def _check_custom(checks: dict[str, CustomCheck]) -> None:
    """Raise CheckConfigError if a declaration is incomplete or too long; SQL is not parsed here."""
    if len(checks) > _CUSTOM_CHECKS:
        raise CheckConfigError(
            f"checks.json declares {len(checks)} custom checks: {_CUSTOM_CHECKS} are allowed"
        )
    for name, check in checks.items():
        where = f"checks.json declares the custom check {name!r}"
        if not _CUSTOM_NAME.fullmatch(name):
            raise CheckConfigError(f"{where}: name it with at most 40 of a-z, 0-9 and _, a letter first")
        limits = [limit for limit in (check.above, check.below) if limit is not None]
        if not limits or not all(math.isfinite(limit) for limit in limits):
            raise CheckConfigError(f"{where} without a limit: give above or below, a finite number")
        if not check.sql.strip() or len(check.sql) > _SQL_CHARS:
            raise CheckConfigError(f"{where}: sql must have 1 to {_SQL_CHARS:,} characters")
        if not check.sentence.isprintable() or not 0 < len(check.sentence.strip()) <= _SENTENCE_CHARS:
            raise CheckConfigError(f"{where}: sentence must be one line of 1 to {_SENTENCE_CHARS} characters")
        if check.rows < 1:
            raise CheckConfigError(f"{where}: rows must be 1 or more")


def _similar(name: str, known: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"did you mean {near[0]!r}?" if near else f"there are {', '.join(known)}"
