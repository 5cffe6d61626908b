"""`python -m local.put`: put a file of rows on the input stream of the running stack."""

import argparse
import sys
from pathlib import Path

from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from contract import bundle, store
from contract.bundle import BundleError
from contract.schema import Contract, ContractError
from contract.session import session
from local import rows, traffic
from local.rows import RowsError
from local.traffic import NotSeenError
from ops import deployment
from ops.deployment import DeploymentError
from ops.terraform import TerraformError

# A shard takes 1,000 records per second; twice that time, and a minute for the start.
_RATE = 500


def run(options: argparse.Namespace, console: Console) -> int:
    """Put every row and print what to do next."""
    known = deployment.running_outputs(options.use_case)
    current = session()
    s3, name, version = current.client("s3"), known["model_name"], known["model_version"]
    manifest = store.manifest(s3, known["artifact_bucket"], name, version)
    contract = Contract.from_json(store.read(s3, known["artifact_bucket"], manifest, bundle.CONTRACT))
    found = rows.read(options.file, contract)
    for note in found.notes:
        console.print(f"  {note}", highlight=False, markup=False)
    columns = (TextColumn("  {task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(f"put on {known['input_stream']}", total=len(found.records))
        traffic.put_records(
            current.client("kinesis"),
            known["input_stream"],
            found.records,
            advance=lambda count: progress.advance(task, count),
            seconds=60 + len(found.records) / _RATE,
        )
    console.print(f"{len(found.records):,} records put. Next:", highlight=False)
    console.print(
        f"  make audit USE_CASE={options.use_case}     # received, scored, rejected", highlight=False
    )
    console.print(
        f"  make report USE_CASE={options.use_case}    # after the next monitoring run", highlight=False
    )
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m local.put", description=__doc__)
    parser.add_argument("--use-case", default="green_taxi")
    parser.add_argument("--file", type=Path, required=True, help="CSV, Parquet or JSON lines")
    options = parser.parse_args(arguments)
    errors = (BundleError, ContractError, DeploymentError, NotSeenError, RowsError, TerraformError, OSError)
    try:
        return run(options, Console())
    except errors as error:
        print(error, file=sys.stderr)
    except (BotoCoreError, ClientError) as error:
        print(f"AWS returned an error: {error}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
