"""`python -m local.kinesis_event`: the event Lambda would send for a file of rows; call the handler.

With --invoke, the prediction function's own handler runs in this process with TEST_RUN: it needs a bundle
on disk, and neither AWS nor Docker.
"""

import argparse
import json
import os
import shlex
import sys
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from contract.bundle import BundleError
from contract.schema import ContractError
from lambda_predict.model import read
from local import rows
from local.rows import RowsError
from local.serve import champion
from ops.deployment import DeploymentError

SHARD = "shardId-000000000000"
# Records of one invocation by Lambda at most.
MOST = 10_000
_SECONDS = 60


class Context:
    """Lambda's context: the time left."""

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds left."""
        return _SECONDS * 1000


def make(records: Sequence[bytes], arrived: datetime, first: int = 1) -> dict[str, Any]:
    """Return the event of a Kinesis event source mapping; sequence numbers count from `first`."""
    return {"Records": [_record(number, data, arrived) for number, data in enumerate(records, first)]}


def _record(number: int, data: bytes, arrived: datetime) -> dict[str, Any]:
    sequence = f"{number:056d}"
    return {
        "kinesis": {
            "kinesisSchemaVersion": "1.0",
            "partitionKey": str(number),
            "sequenceNumber": sequence,
            "data": b64encode(data).decode(),
            "approximateArrivalTimestamp": round(arrived.timestamp(), 3),
        },
        "eventSource": "aws:kinesis",
        "eventVersion": "1.0",
        "eventID": f"{SHARD}:{sequence}",
        "eventName": "aws:kinesis:record",
        "eventSourceARN": "arn:aws:kinesis:us-east-1:123456789012:stream/input",
        "awsRegion": "us-east-1",
    }


def invoke(file: Path) -> int:
    """Call the handler with the event in `file`, as the environment configures it."""
    from lambda_predict.handler import handler  # noqa: PLC0415 (it makes AWS clients, which need a region)

    print(json.dumps(handler(json.loads(file.read_text()), Context())))
    return 0


def write(options: argparse.Namespace) -> int:
    """Write the event of the file's first rows and print the command that calls the handler."""
    folder = champion(options.use_case, options.version)
    model = read(folder)
    found = rows.read(options.file, model.contract)
    options.out.write_text(json.dumps(make(found.records[:MOST], datetime.now(UTC))))
    for note in found.notes:
        print(note)
    if len(found.records) > MOST:
        print(f"The event has the first {MOST:,} of {len(found.records):,} rows: Lambda's most.")
    print(f"{options.out}: {min(len(found.records), MOST):,} records. Call the handler with it:")
    where = shlex.quote(os.path.relpath(folder))
    given = " ".join(f"{name}={value}" for name, value in {"TEST_RUN": "true", "BUNDLE": where}.items())
    print(f"  {given} .venv/bin/python -m local.kinesis_event --invoke {options.out}")
    return 0


def main(arguments: list[str] | None = None) -> int:
    """Run the command and return its exit code."""
    parser = argparse.ArgumentParser(prog="python -m local.kinesis_event", description=__doc__)
    parser.add_argument("--use-case", default="green_taxi")
    parser.add_argument("--version", help="model version; default: the champion")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--file", type=Path, help="CSV, Parquet or JSON lines")
    what.add_argument("--invoke", type=Path, metavar="EVENT", help="call the handler with this event")
    parser.add_argument("--out", type=Path, default=Path("event.json"), help="default: %(default)s")
    options = parser.parse_args(arguments)
    try:
        return write(options) if options.invoke is None else invoke(options.invoke)
    except (BundleError, ContractError, DeploymentError, RowsError, OSError) as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    raise SystemExit(main())
