"""Columns and their values in the user's own words, and counted nouns."""

from contract import names
from contract.schema import Contract, Kind
from lambda_monitor.untrusted import one_line, quoted


def column(contract: Contract, name: str) -> str:
    """Return a column by its own name, a text by its length, target and predictions by the target's name."""
    target = contract.target.name
    texts = {feature.name for feature in contract.features if feature.kind is Kind.TEXT}
    return {
        **{text: f"length of {text}" for text in texts},
        names.TARGET_COLUMN: target,
        names.PREDICTION_COLUMN: f"predicted {target}",
        names.PROBABILITY_COLUMN: f"probability of the predicted {target}",
        names.POSITIVE_COLUMN: f"probability of {target} {contract.target.positive}",
    }.get(name, name)


def level(contract: Contract, name: str, value: str) -> str:
    """Return a value of a categorical column by its declared name, else quoted."""
    declared = contract.value_names.get(name, {})
    shown = one_line(value) if value.isalnum() else quoted(value)
    if isinstance(declared, str):
        return f"{declared} {shown}"
    return f"{declared[value]} ({shown})" if value in declared else quoted(value)


def segment(contract: Contract, name: str, value: str) -> str:
    """Return the records with that value of a column: its declared name, or column and value."""
    declared = name in contract.value_names
    return f"{name} {level(contract, name, value)}" if declared else f"{name} = {quoted(value)}"


def counted(number: int, noun: str) -> str:
    """Return the number with its noun, in the plural unless it is 1."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
