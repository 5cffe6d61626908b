"""Encode rows as stream records and as ground truth lines."""

import msgspec
import pandas as pd

from contract.events import ground_truth_line
from contract.schema import Contract, DType

_PLAIN = {DType.INT: int, DType.FLOAT: float, DType.STR: str}


def encode(contract: Contract, frame: pd.DataFrame) -> list[bytes]:
    """Return one record per row, such as `{"ride_id": "...", "ride": {...}}`.

    Raises KeyError when the frame lacks the id or a feature.
    """
    columns = [frame[f.name].astype(_PLAIN[f.dtype]).tolist() for f in contract.features]
    names = contract.feature_names
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
