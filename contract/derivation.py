"""Evaluation of derived features: the one code of training, scoring and monitoring."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from contract import times
from contract.base import DType
from contract.derived import Derived, Operation
from contract.features import Feature, Input

# The model's inputs are float32: a larger number would become infinite.
FLOAT_LIMIT = 3.4028234663852886e38

Column = Sequence[Any] | npt.NDArray[Any]
Numbers = npt.NDArray[np.float64]

_PARTS: dict[Operation, times.Part] = {
    Operation.HOUR: times.hour,
    Operation.WEEKDAY: times.weekday,
    Operation.DAY: times.day,
    Operation.MONTH: times.month,
}


def derive(
    features: Sequence[Feature], inputs: Sequence[Input], columns: Mapping[str, Column]
) -> dict[str, Column]:
    """Return `columns` with the derived features added, as lists.

    `columns` has the sent fields by name: JSON values, None if missing; timestamps are datetimes, or
    datetime64 in UTC. A result that is not defined is None.
    """
    zones = {i.name: i.zone for i in inputs if i.dtype is DType.TIMESTAMP}
    known = dict(columns)
    for feature in features:
        if feature.derived is not None:
            known[feature.name] = _values(feature.derived, known, zones)
    return known


def _values(derived: Derived, columns: Mapping[str, Column], zones: Mapping[str, str]) -> list[Any]:
    operands = [columns[name] for name in derived.of]
    if derived.operation is Operation.CONCATENATE:
        return _concatenated(operands, derived.separator)
    if (part := _PARTS.get(derived.operation)) is not None:
        zone = zones[derived.of[0]]
        moments = times.instants(operands[0], zone)
        return _present(part(moments, zone), ~np.isnat(moments))
    if derived.of[0] in zones:
        first, second = (times.instants(columns[name], zones[name]) for name in derived.of)
        return _present((first - second).astype(np.int64) / 1e6, ~(np.isnat(first) | np.isnat(second)))
    numbers = [np.array(values, dtype=np.float64) for values in operands]
    with np.errstate(all="ignore"):
        found = _ARITHMETIC[derived.operation](*numbers)
    return _present(found, np.abs(found) <= FLOAT_LIMIT)


def _concatenated(operands: Sequence[Column], separator: str) -> list[str | None]:
    return [
        None if None in values else separator.join(map(_text, values))
        for values in zip(*operands, strict=True)
    ]


def _text(value: Any) -> str:
    """Return a value as JSON writes it, text without quotes."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _ratio(first: Numbers, second: Numbers) -> Numbers:
    return np.asarray(first / second)


def _difference(first: Numbers, second: Numbers) -> Numbers:
    return np.asarray(first - second)


_ARITHMETIC: dict[Operation, Callable[..., Numbers]] = {
    Operation.DIFFERENCE: _difference,
    Operation.RATIO: _ratio,
    Operation.LOG: np.log,
}


def _present(values: npt.NDArray[Any], defined: npt.NDArray[np.bool_]) -> list[Any]:
    """Return the values as a list, None where not defined."""
    found = values.tolist()
    if defined.all():
        return list(found)
    return [value if known else None for value, known in zip(found, defined.tolist(), strict=True)]
