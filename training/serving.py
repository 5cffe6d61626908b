"""Score reference rows with an exported bundle, as the prediction Lambda does."""

import base64
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd

from contract import bundle
from contract.bundle import BundleError, Manifest
from contract.schema import Contract, Kind, OutOfRange
from lambda_monitor.profiles import thresholds
from lambda_predict.model import Model
from lambda_predict.score import Batch, Scorer
from training import records
from training.errors import describe

ROWS = 100


def check(folder: Path) -> int:
    """Load a bundle, score reference rows with it and return their number. Raises BundleError.

    The rows go through JSON and base64 as Kinesis delivers them; each must get its prediction.
    """
    try:
        manifest = Manifest.from_json((folder / bundle.MANIFEST).read_bytes())
        files = {file: manifest.verify(file, (folder / file).read_bytes()) for file in bundle.FILES}
        contract = Contract.from_json(files[bundle.CONTRACT])
        thresholds.load(files[bundle.THRESHOLDS])
        rows = _sample(contract, pd.read_parquet(folder / bundle.REFERENCE))
        scored = score(contract, files[bundle.MODEL], rows)
    except BundleError:
        raise
    except Exception as error:  # whatever the scorer raises, it would raise at its start
        raise BundleError(f"the scorer can't serve the bundle {folder} ({describe(error)})") from error
    if scored.rejected:
        first = msgspec.json.decode(scored.rejected[0].data)
        raise BundleError(
            f"the scorer rejects {len(scored.rejected)} of {len(rows)} reference rows of {folder}, the first "
            f"since {first['field'] or 'the record'} is {first['reason']}: {first['message']}"
        )
    name = contract.target.name
    predictions = [msgspec.json.decode(line.data)["prediction"][name] for line in scored.scored]
    if predictions != rows[bundle.PREDICTION_COLUMN].tolist():
        raise BundleError(f"the scorer's predictions differ from those of the reference in {folder}")
    return len(rows)


def score(contract: Contract, onnx: bytes, rows: pd.DataFrame) -> Batch:
    """Return what the prediction Lambda publishes for `rows`, which have an id."""
    return Scorer(Model(contract, onnx)).score(_event(contract, rows), datetime.now(UTC))


def _sample(contract: Contract, reference: pd.DataFrame) -> pd.DataFrame:
    """Return the first reference rows that no declared range rejects, with an id."""
    for feature in contract.features:
        if feature.out_of_range is OutOfRange.REJECT and feature.kind is Kind.NUMERIC:
            low = float("-inf") if feature.minimum is None else feature.minimum
            high = float("inf") if feature.maximum is None else feature.maximum
            values = reference[feature.name]
            reference = reference[values.between(low, high) | (values.isna() & feature.nullable)]
    columns = {bundle.input_column(field.name): field.name for field in contract.inputs}
    rows = reference.head(ROWS).reset_index(drop=True).rename(columns=columns)
    return rows.assign(**{contract.id_field: [f"row-{number}" for number in range(len(rows))]})


def _event(contract: Contract, rows: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows as the records of a Kinesis event."""
    return [
        {
            "eventID": f"shardId-000000000000:{number}",
            "kinesis": {
                "data": base64.b64encode(data).decode(),
                "approximateArrivalTimestamp": datetime.now(UTC).timestamp(),
                "sequenceNumber": str(number),
                "partitionKey": "check",
            },
        }
        for number, data in enumerate(records.encode(contract, rows))
    ]
