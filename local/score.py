"""`python -m local.score`: score a file of rows with the prediction function's scorer, without AWS."""

import argparse
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pandas as pd
from rich.console import Console
from rich.table import Table

from contract.bundle import BundleError
from contract.schema import Contract, ContractError
from lambda_predict.model import read
from lambda_predict.score import Scorer
from local import kinesis_event, rows
from local.rows import RowsError
from local.serve import champion
from ops.deployment import DeploymentError

BATCH = 1_000
# Predictions and rejections that are printed.
_SHOWN = 10


def predictions(scorer: Scorer, records: list[bytes]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return predictions and rejections, one row per record, by row number from 1."""
    now, contract = datetime.now(UTC), scorer.model.contract
    scored: list[dict[str, Any]] = []
    rejected: list[dict[str, Any]] = []
    first = 1
    for batch in rows.batches(records, BATCH):
        found = scorer.score(kinesis_event.make(batch, now, first)["Records"], now)
        scored += (_prediction(contract, msgspec.json.decode(line.data)) for line in found.scored)
        rejected += _rejections(line.data for line in found.rejected)
        first += len(batch)
    return pd.DataFrame(scored), pd.DataFrame(rejected, columns=["row", "field", "reason"])


def _prediction(contract: Contract, event: dict[str, Any]) -> dict[str, Any]:
    row = int(event["record"]["sequence_number"].partition("/")[0])
    return {
        "row": row,
        contract.id_field: event[contract.id_field],
        **event["features"],
        **_flat("prediction", event["prediction"]),
        "flags": "; ".join(event.get("flags", [])),
    }


def _flat(name: str, value: Any) -> dict[str, Any]:
    """Return the values inside `value` by dotted name."""
    if not isinstance(value, dict):
        return {name: value}
    return {
        key: inner for part, found in value.items() for key, inner in _flat(f"{name}.{part}", found).items()
    }


def _rejections(lines: Iterator[bytes]) -> Iterator[dict[str, Any]]:
    for line in lines:
        found = msgspec.json.decode(line)
        number = int(found["record"]["sequence_number"].partition("/")[0])
        yield {"row": number, "field": found.get("field") or "", "reason": found["reason"]}


def show(console: Console, title: str, frame: pd.DataFrame) -> None:
    """Print the first rows of a table."""
    table = Table(title=title, title_justify="left")
    for name in frame.columns:
        table.add_column(str(name), overflow="fold")
    for values in frame.head(_SHOWN).itertuples(index=False):
        table.add_row(*(f"{value:.6g}" if isinstance(value, float) else str(value) for value in values))
    console.print(table)
    if len(frame) > _SHOWN:
        console.print(f"... and {len(frame) - _SHOWN:,} more")


def run(options: argparse.Namespace, console: Console) -> int:
    """Score the file, print and write its predictions; return 1 if every row is rejected."""
    folder = champion(options.use_case, options.version)
    model = read(folder)
    found = rows.read(options.file, model.contract)
    scored, rejected = predictions(Scorer(model), found.records)
    console.print(f"{model.contract.model.name} version {model.contract.model.version}", highlight=False)
    for note in found.notes:
        console.print(f"  {note}", highlight=False, markup=False)
    if len(scored):
        # Features are in the file: in a terminal they leave no room for the predictions.
        features = [feature.name for feature in model.contract.features]
        show(console, f"{len(scored):,} rows scored", scored.drop(columns=features))
        out = options.out or options.file.with_name(f"{options.file.stem}.predictions.csv")
        scored.to_csv(out, index=False)
        console.print(f"predictions: {out}", highlight=False, markup=False)
    if len(rejected):
        show(console, f"{len(rejected):,} rows rejected", rejected)
    return 0 if len(scored) else 1


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m local.score", description=__doc__)
    parser.add_argument("--use-case", default="green_taxi")
    parser.add_argument("--version", help="model version; default: the champion")
    parser.add_argument("--file", type=Path, required=True, help="CSV, Parquet or JSON lines")
    parser.add_argument("--out", type=Path, help="default: FILE with .predictions.csv")
    options = parser.parse_args(arguments)
    try:
        return run(options, Console())
    except (BundleError, ContractError, DeploymentError, RowsError, OSError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
