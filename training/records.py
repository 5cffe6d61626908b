"""Encode rows as stream records and as ground truth lines."""

from typing import Any

import msgspec
import numpy as np
import pandas as pd

from contract.events import ground_truth_line
from contract.schema import Contract, DType, Field
from training.model_rows import plain

_PLAIN: dict[DType, type] = {DType.INT: int, DType.FLOAT: float, DType.STR: str, DType.BOOL: bool}


def encode(contract: Contract, frame: pd.DataFrame) -> list[bytes]:
    """Return one record per row, such as `{"ride_id": "...", "ride": {...}}`; missing values are null.

    Raises KeyError when the frame lacks the id or a field that is sent.
    """
    columns = [_values(field, frame[field.name]) for field in contract.sent]
    names = [field.name for field in contract.sent]
    return [
        msgspec.json.encode(
            {contract.id_field: record_id, contract.payload_field: dict(zip(names, values, strict=True))}
        )
        for record_id, *values in zip(frame[contract.id_field].tolist(), *columns, strict=True)
    ]


def ground_truth(contract: Contract, frame: pd.DataFrame) -> list[bytes]:
    """Return one label line per row that has a target. Raises KeyError."""
    labelled = frame.dropna(subset=[contract.target.name])
    targets = labelled[contract.target.name].convert_dtypes().tolist()
    ids = labelled[contract.id_field].tolist()
    return [
        ground_truth_line(contract, record_id, target) for record_id, target in zip(ids, targets, strict=True)
    ]


def _values(field: Field, values: pd.Series) -> list[Any]:
    """Return a field's values as JSON has them; timestamps have the offset Z."""
    if field.dtype is DType.TIMESTAMP:
        moments = values.to_numpy("datetime64[us]")
        texts: list[str] = np.datetime_as_string(moments, unit="us").tolist()
        missing: list[bool] = np.isnat(moments).tolist()
        return [None if gone else f"{text}Z" for text, gone in zip(texts, missing, strict=True)]
    kind = _PLAIN[field.dtype]
    if not field.nullable:
        return values.astype(kind).tolist()
    return [None if value is None else kind(value) for value in plain(values)]
