"""Reasons for rejected records: the slow path, for invalid records only."""

import json
import math
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from contract import times
from contract.derivation import FLOAT_LIMIT
from contract.events import Rejection
from contract.schema import Contract, DType, Feature, Field, OutOfRange

TOO_LARGE = "too_large"
NOT_FINITE = "not_finite"
FINE = Rejection(reason="", field="", message="")
# The model's inputs are int64: a value beyond them would wrap around.
_INT_LIMIT = 2**63 - 1
# Characters of a path, of a message, and of a key or value quoted in it.
_FIELD_LIMIT, _MESSAGE_LIMIT, _NAME_LIMIT = 200, 1_000, 40
_TYPES: dict[DType, tuple[type, str]] = {
    DType.STR: (str, "a string"),
    DType.TIMESTAMP: (str, "a timestamp in a string"),
    DType.BOOL: (bool, "true or false"),
}
_JSON_NAMES = {dict: "object", list: "array", str: "string", bool: "boolean", int: "number", float: "number"}


class _DuplicateKeyError(ValueError):
    pass


def explain(data: bytes, contract: Contract, fallback: str) -> Rejection:
    """Return the reason why `data` is not a record of the contract.

    `fallback` is the decoder's message, for faults not found here. Without one, FINE is returned.
    """
    found = _explain(data, contract, fallback)
    # Keys are chosen by the sender: cut them, and escape lone surrogates, so that the line can be encoded.
    field, message = _text(found.field, _FIELD_LIMIT), _text(found.message, _MESSAGE_LIMIT)
    return Rejection(reason=found.reason, field=field, message=message)


def _explain(  # noqa: PLR0911 - one return a reason
    data: bytes, contract: Contract, fallback: str
) -> Rejection:
    try:
        record = json.loads(data.decode("utf-8"), object_pairs_hook=_distinct)
    except UnicodeDecodeError as error:
        return Rejection(
            reason="not_utf8", field="", message=f"byte {error.start} is not UTF-8: send JSON in UTF-8"
        )
    except json.JSONDecodeError as error:
        message = f"not JSON at byte {error.pos} ({error.msg}): send one JSON object per record"
        return Rejection(reason="not_json", field="", message=message)
    except _DuplicateKeyError as error:
        key = str(error.args[0])[:_FIELD_LIMIT]
        message = f"key {key!r} occurs twice in one object: send it once"
        return Rejection(reason="duplicate_key", field=key, message=message)
    except RecursionError:
        return Rejection(reason="nested_too_deep", field="", message="nested too deep: send a flat record")
    except ValueError:  # an integer of more digits than Python converts
        message = "a number has thousands of digits, more than JSON readers accept: send it as text"
        return Rejection(reason="out_of_range", field="", message=message)
    found = _in_record(record, contract)
    if found.reason or not fallback:
        return found
    if (unreadable := _unreadable(record)).reason:
        return unreadable
    return Rejection(reason="invalid", field="", message=f"{fallback}: send a record that meets the contract")


def too_large(size: int, limit: int) -> Rejection:
    """Return the rejection of a record whose event exceeds the stream's limit.

    `size` and `limit` are bytes.
    """
    message = f"the event has {size} bytes, the output stream accepts {limit}: send a smaller record"
    return Rejection(reason=TOO_LARGE, field="", message=message)


def _in_record(record: Any, contract: Contract) -> Rejection:  # noqa: PLR0911 - one return a reason
    if not isinstance(record, dict):
        message = f"a record is a JSON object, got {_name(record)}: send {{{contract.id_field!r}: ..., ...}}"
        return Rejection(reason="wrong_type", field="", message=message)
    for field in (contract.id_field, contract.payload_field):
        if field not in record:
            return _missing(field, record)
    record_id, payload = record[contract.id_field], record[contract.payload_field]
    if isinstance(record_id, bool) or not isinstance(record_id, str | int):
        return _wrong_type(contract.id_field, "a string or an integer", record_id)
    if not isinstance(payload, dict):
        return _wrong_type(contract.payload_field, "an object with the features", payload)
    for declared in contract.sent:
        field = f"{contract.payload_field}.{declared.name}"
        if payload.get(declared.name) is None and declared.nullable:
            continue
        if declared.name not in payload:
            return _missing(field, payload)
        if (found := _in_value(field, declared, payload[declared.name])).reason:
            return found
    return FINE


def _in_value(field: str, declared: Field, value: Any) -> Rejection:
    if declared.dtype in _TYPES:
        kind, expected = _TYPES[declared.dtype]
        return FINE if isinstance(value, kind) else _wrong_type(field, expected, value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        hint = "an integer" if declared.dtype is DType.INT else "a number"
        return _wrong_type(field, hint, value)
    if isinstance(value, float) and not math.isfinite(value):
        return _not_finite(field, value)
    if declared.dtype is DType.INT and not isinstance(value, int):
        return _wrong_type(field, "an integer", value)
    return _in_range(field, declared, value)


def _in_range(field: str, declared: Field, value: float) -> Rejection:
    low, high = bounds(declared)
    if low <= value <= high:
        return FINE
    shown = f"{field} is {_quantity(value, declared.unit if isinstance(declared, Feature) else '')}"
    message = f"{shown}, outside {low:g} to {high:g}: correct it, or widen the range in the use case"
    return Rejection(reason="out_of_range", field=field, message=message)


def bounds(declared: Field) -> tuple[float, float]:
    """Return the lowest and highest accepted value.

    The declared range if the contract rejects values outside it, else the range of the model's type.
    """
    limit = _INT_LIMIT if declared.dtype is DType.INT else FLOAT_LIMIT
    if not isinstance(declared, Feature) or declared.out_of_range is not OutOfRange.REJECT:
        return -limit, limit
    low = declared.minimum if declared.minimum is not None else -limit
    high = declared.maximum if declared.maximum is not None else limit
    return low, high


def _unreadable(record: Any) -> Rejection:
    """Return the rejection for a value that readers cannot read, else FINE.

    Not recursive; paths are written for the fault only, so that memory is bounded by the depth.
    """
    path: list[str] = []
    open_containers = [iter([("", record)])]
    while open_containers:
        for step, value in open_containers[-1]:
            if not _encodable(step):
                return _half_pair(_join(path), "a key of ")
            if isinstance(value, dict | list):
                path.append(step)
                open_containers.append(_members(value))
                break
            if isinstance(value, float) and not math.isfinite(value):
                return _not_finite(_join([*path, step]), value)
            if isinstance(value, str) and not _encodable(value):
                return _half_pair(_join([*path, step]))
        else:
            open_containers.pop()
            del path[-1:]
    return FINE


def _members(value: dict[str, Any] | list[Any]) -> Iterator[tuple[str, Any]]:
    """Return the members of a container with their step in a path."""
    if isinstance(value, dict):
        return iter(value.items())
    return ((f"[{n}]", inner) for n, inner in enumerate(value))


def _join(path: Sequence[str]) -> str:
    """Return the dotted path, cut while it is joined."""
    joined = ""
    for step in path:
        dot = "." if joined and not step.startswith("[") else ""
        joined += dot + step[:_FIELD_LIMIT]
        if len(joined) >= _FIELD_LIMIT:
            break
    return joined[:_FIELD_LIMIT]


def _half_pair(field: str, of: str = "") -> Rejection:
    shown = f"{of}{field or 'the record'}"
    message = f"{shown} has half of a surrogate pair, \\ud800 to \\udfff: send both halves"
    return Rejection(reason="not_utf8", field=field, message=message)


def _encodable(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


def _text(value: str, limit: int) -> str:
    """Return `value` cut to `limit` characters, lone surrogates escaped."""
    return value[:limit].encode(errors="backslashreplace").decode()


def _not_finite(field: str, value: float) -> Rejection:
    message = f"{field} is {value}: send a finite number, or omit the record"
    return Rejection(reason=NOT_FINITE, field=field, message=message)


def not_a_time(field: str, text: str, error: ValueError) -> Rejection:
    """Return the rejection of a record whose `field` is no timestamp."""
    message = f"{field} is {_shown(text)}, no timestamp ({error}): send one of ISO 8601, as {times.EXAMPLE}"
    return Rejection(reason="not_a_time", field=field, message=_text(message, _MESSAGE_LIMIT))


def undefined(payload_field: str, feature: Feature, of: dict[str, Any]) -> Rejection:
    """Return the rejection of a record from whose values `of` the feature can't be derived."""
    field = f"{payload_field}.{feature.name}"
    operation = feature.derived.operation if feature.derived is not None else ""
    values = " and ".join(f"{name} {_shown(value) or value}" for name, value in of.items())
    message = (
        f"{field} is not defined: the {operation} of {values}; correct the record, or declare the feature "
        "nullable"
    )
    return Rejection(reason="undefined", field=field, message=_text(message, _MESSAGE_LIMIT))


def infinite(target: str, value: float) -> Rejection:
    """Return the rejection of a record whose prediction is not finite."""
    message = f"the model's {target} is {value}: a feature is too large for the model, correct it"
    return Rejection(reason=NOT_FINITE, field=target, message=message)


def model_failed(error: Exception) -> Rejection:
    """Return the rejection of a record on which the model raises `error`."""
    message = f"the model fails on this record ({error}): correct the record, or retrain the model"
    return Rejection(reason="model_failed", field="", message=_text(message, _MESSAGE_LIMIT))


def _quantity(value: float, unit: str) -> str:
    try:
        return f"{value:g} {unit}".rstrip()
    except OverflowError:
        return "an integer beyond the range of float64"


def _missing(field: str, present: dict[str, Any]) -> Rejection:
    names = [repr(name[:_NAME_LIMIT]) for name in islice(present, 8)]
    message = f"{field} is missing (found {', '.join(names) or 'no fields'}): send it"
    return Rejection(reason="missing", field=field, message=message)


def _wrong_type(field: str, expected: str, value: Any) -> Rejection:
    message = (
        f"{field} must be {expected}, got {_name(value)} {_shown(value)}".rstrip() + f": send {expected}"
    )
    return Rejection(reason="wrong_type", field=field, message=message)


def _name(value: Any) -> str:
    return "null" if value is None else _JSON_NAMES.get(type(value), type(value).__name__)


def _shown(value: Any) -> str:
    if value is None or isinstance(value, dict | list):
        return ""
    return json.dumps(value[:_NAME_LIMIT] if isinstance(value, str) else value)[:_NAME_LIMIT]


def _distinct(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for key, value in pairs:
        if key in fields:
            raise _DuplicateKeyError(key)
        fields[key] = value
    return fields
