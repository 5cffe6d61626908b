"""Names of a column's values in messages: one word for all, or a text per value."""

from collections.abc import Iterable, Mapping

from contract.names import ContractError

# A word such as "zone" gives "zone 71"; a mapping such as {"71": "Flatbush"} gives "Flatbush (71)".
ValueNames = str | dict[str, str]
_LONGEST = 40


def check_value_names(given: Mapping[str, ValueNames], columns: Iterable[str]) -> None:
    """Raise ContractError if a name is of no column, or is not short printable text."""
    known = list(columns)
    for column, names in given.items():
        if column not in known:
            raise ContractError(f"value_names has {column!r}, which is no feature; features are {known}")
        for text in [names] if isinstance(names, str) else names.values():
            if not isinstance(text, str) or not text.isprintable() or not 0 < len(text) <= _LONGEST:
                raise ContractError(
                    f"value_names of {column!r} has {text!r}: give 1 to {_LONGEST} printable characters"
                )
