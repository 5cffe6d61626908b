"""Fault table of the monitor: `python -m tests.faults [--only TEXT]`.

Drives each fault in moto and prints fault, expected and seen. Exits with 1 if a fault is silent or is
not handled as expected.
"""

import argparse
import os
import sys
import traceback

from moto import mock_aws

from tests.faults import lake, parts
from tests.faults.bench import Bench, Fault, Seen

_SETTINGS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
}


def main(arguments: list[str]) -> int:
    """Drive the faults, print the table and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--only", default="", help="only faults whose name contains this")
    asked = parser.parse_args(arguments)
    os.environ.update(_SETTINGS)
    os.environ.pop("AWS_ENDPOINT_URL", None)
    faults = [fault for fault in (*lake.FAULTS, *parts.FAULTS) if asked.only in fault.name]
    print("| fault | expected | seen | |\n|---|---|---|---|")  # noqa: T201  # output of the command
    wrong = sum(not _row(fault) for fault in faults)
    print(f"\n{len(faults)} faults, {wrong} silent or not as expected")  # noqa: T201  # as above
    return int(wrong > 0)


def _row(fault: Fault) -> bool:
    """Drive one fault, print its row and return whether it is handled as expected."""
    with mock_aws():
        try:
            seen = fault.drive(Bench())
        except Exception as error:  # noqa: BLE001  # one row must not end the table
            traceback.print_exc()
            seen = Seen(error=f"{type(error).__name__}: {error}"[:100])
    good = fault.holds(seen)
    outcome = "ok" if good else "SILENT" if seen.silent else "DIFFERS"
    print(f"| {fault.name} | {fault.expected} | {seen} | {outcome} |", flush=True)  # noqa: T201  # as above
    return good


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
