"""Names of fields and columns, and the rules that keep them distinct for every reader.

DuckDB, Glue and Athena ignore case, DuckDB also the form of accents: such names are one to them.
"""

import unicodedata
from collections.abc import Iterable

# Columns besides the features in reference.parquet and in the monitor's tables.
PREDICTION_COLUMN = "prediction"
PROBABILITY_COLUMN = "probability"
# Of a classification with a positive class, instead of the probability of the predicted class.
POSITIVE_COLUMN = "positive_probability"
TARGET_COLUMN = "target"
TIME_COLUMN = "time"
EVENT_FIELDS = frozenset({"features", "prediction", "model", "record", "scored_at", "flags"})
# Fields of a class's prediction; `label` may also be the target's name.
LABEL_FIELD, PROBABILITIES_FIELD = "label", "probabilities"
OF_CLASSES = frozenset({PROBABILITY_COLUMN, PROBABILITIES_FIELD})
_COLUMNS = frozenset({PREDICTION_COLUMN, PROBABILITY_COLUMN, POSITIVE_COLUMN, TARGET_COLUMN, TIME_COLUMN})
# The monitor's own columns, such as @id.
_MONITOR_PREFIX = "@"


class ContractError(ValueError):
    """A contract is inconsistent or unreadable."""


def check_name(role: str, name: str) -> None:
    """Raise ContractError unless `name` can be a JSON key and a column."""
    if not isinstance(name, str) or not name or '"' in name or "\\" in name or not name.isprintable():
        raise ContractError(
            f"{role} {name!r} can't be a field's name: use printable characters other than quotes "
            "and backslashes"
        )


def check_feature_name(name: str) -> None:
    """Raise ContractError if a feature of this name would clash with another column."""
    check_name("feature", name)
    if _folded(name) in _COLUMNS or name.startswith(_MONITOR_PREFIX):
        raise ContractError(
            f"feature {name!r} clashes with a column of the reference or the monitor: rename it "
            f"(taken in any case: {', '.join(sorted(_COLUMNS))}, names with {_MONITOR_PREFIX})"
        )


def check_record_field(role: str, name: str) -> None:
    """Raise ContractError if a record's field would clash with the prediction event's."""
    check_name(role, name)
    if (folded := _folded(name)) in EVENT_FIELDS:
        raise ContractError(
            f"{role} {name!r} clashes with field {folded!r} of the prediction event (readers ignore "
            "case): rename the record's field"
        )


def check_distinct(names: Iterable[tuple[str, str]]) -> None:
    """Raise ContractError if two of the (role, name) pairs have one name but for case."""
    seen: dict[str, tuple[str, str]] = {}
    for role, name in names:
        if (folded := _folded(name)) in seen:
            other_role, other = seen[folded]
            raise ContractError(
                f"{other_role} {other!r} and {role} {name!r} need distinct names (readers of the lake ignore "
                "case): rename one of them"
            )
        seen[folded] = (role, name)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).lower()
