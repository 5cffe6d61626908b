"""Records made of a file of rows: CSV, Parquet or JSON lines, with types by the contract."""

import json
import math
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd

from contract.schema import Contract, DType

_BOOLEANS = {"true": True, "false": False, "1": True, "0": False}
_LINES = {".jsonl", ".ndjson", ".json"}
_PARQUET = {".parquet", ".pq"}
# Columns that a note names at most.
_NAMED = 5


class RowsError(ValueError):
    """A file can't be read as rows; the message names the fix."""


@dataclass(frozen=True)
class Rows:
    """Records of a file in order, and notes on what was converted, made or left out."""

    records: list[bytes]
    notes: list[str]


def read(path: Path, contract: Contract) -> Rows:
    """Return the records of a file. Raises RowsError and OSError.

    An empty cell is left out of its record. Text of a CSV becomes the contract's type where it is one,
    and whole floats such as 1.0 become integers where the contract has integers. Any other value is
    sent as it is, so that scoring rejects it with a reason. A line of JSON may also be a whole record.
    """
    if not path.is_file():
        raise RowsError(f"there is no file {path}: give FILE=... a CSV, Parquet or JSON lines file")
    try:
        table = _table(path)
    except (ValueError, UnicodeDecodeError) as error:
        raise RowsError(f"{path} can't be read as {_kind(path)}: {str(error).splitlines()[0]}") from error
    if not table:
        raise RowsError(f"{path} has no rows")
    made = _Maker(contract, path.stem, text=_kind(path) == "CSV")
    records = [made.record(number, row) for number, row in enumerate(table, 1)]
    return Rows(records, made.notes())


def _kind(path: Path) -> str:
    if path.suffix.lower() in _PARQUET:
        return "Parquet"
    return "JSON lines" if path.suffix.lower() in _LINES else "CSV"


def _table(path: Path) -> list[dict[str, Any]]:
    kind = _kind(path)
    if kind == "Parquet":
        return list(_plain(pd.read_parquet(path)))
    if kind == "CSV":
        return list(_plain(pd.read_csv(path, dtype=str, keep_default_na=False)))
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    if wrong := next((row for row in rows if not isinstance(row, dict)), None):
        raise ValueError(f"{str(wrong)[:40]!r} is no JSON object")
    return rows


def _plain(frame: pd.DataFrame) -> Iterator[dict[str, Any]]:
    """Yield each row as Python values."""
    names = [str(name) for name in frame.columns]
    for values in frame.astype(object).itertuples(index=False, name=None):
        yield dict(zip(names, (getattr(v, "item", lambda v=v: v)() for v in values), strict=True))


class _Maker:
    """Makes records of rows and counts what it changes."""

    def __init__(self, contract: Contract, stem: str, *, text: bool) -> None:
        self._contract = contract
        self._stem = stem
        self._fields = {field.name: _converter(field.dtype, text=text) for field in contract.sent}
        self._empty: Counter[str] = Counter()
        self._whole: Counter[str] = Counter()
        self._other: dict[str, None] = {}
        self._ids = 0

    def record(self, number: int, row: dict[str, Any]) -> bytes:
        """Return the record of one row."""
        identifier, payload_field = self._contract.id_field, self._contract.payload_field
        if isinstance(payload := row.get(payload_field), dict):
            return msgspec.json.encode({identifier: self._id(number, row), payload_field: payload})
        found: dict[str, Any] = {}
        for name, convert in self._fields.items():
            if _missing(value := row.get(name)):
                self._empty[name] += 1
                continue
            found[name] = convert(value)
            self._whole[name] += _is_fraction(value) and type(found[name]) is int
        self._other |= dict.fromkeys(row.keys() - self._fields.keys() - {identifier})
        return msgspec.json.encode({identifier: self._id(number, row), payload_field: found}, enc_hook=str)

    def _id(self, number: int, row: dict[str, Any]) -> Any:
        value = row.get(self._contract.id_field)
        if _missing(value):
            self._ids += 1
            return f"{self._stem}-{number}"
        return value if isinstance(value, int) and not isinstance(value, bool) else str(value)

    def notes(self) -> list[str]:
        """Return one sentence per kind of change."""
        notes = []
        if self._ids:
            notes.append(
                f"{self._ids:,} rows without {self._contract.id_field}: ids {self._stem}-1, ... are made"
            )
        notes += [f"{count:,} empty values of {name}: left out" for name, count in self._empty.items()]
        notes += [
            f"{count:,} values of {name} such as 1.0: sent as 1"
            for name, count in self._whole.items()
            if count
        ]
        if self._other:
            names = sorted(self._other)
            rest = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
            notes.append(f"columns that are not in the contract, left out: {', '.join(names[:_NAMED])}{rest}")
        return notes


def _missing(value: Any) -> bool:
    return (
        value is None
        or value is pd.NaT
        or value is pd.NA
        or value == ""
        or (isinstance(value, float) and math.isnan(value))
    )


def _is_fraction(value: Any) -> bool:
    """Return whether a value is a float, or a text of one, such as 1.0."""
    return isinstance(value, float) or (isinstance(value, str) and isinstance(_number(value), float))


def _converter(dtype: DType, *, text: bool) -> Callable[[Any], Any]:
    """Return the conversion of a value to `dtype`; what can't be converted stays as it is."""
    if dtype is DType.STR:
        return lambda value: value
    if dtype is DType.TIMESTAMP:
        return lambda value: value.isoformat() if hasattr(value, "isoformat") else value
    if dtype is DType.BOOL:
        return lambda value: _BOOLEANS.get(value.strip().lower(), value) if text else value
    whole = dtype is DType.INT

    def number(value: Any) -> Any:
        if text:
            value = _number(value)
        if whole and isinstance(value, float) and value.is_integer():
            return int(value)
        return value

    return number


def _number(text: str) -> int | float | str:
    """Return the finite number that a text is, else the text."""
    try:
        return int(text)
    except ValueError:
        pass
    try:
        value = float(text)
    except ValueError:
        return text
    return value if math.isfinite(value) else text


def batches(records: list[bytes], most: int) -> Iterable[list[bytes]]:
    """Yield the records in order, `most` at a time."""
    for first in range(0, len(records), most):
        yield records[first : first + most]
