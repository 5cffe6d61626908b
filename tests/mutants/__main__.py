"""Mutation tests: `python -m tests.mutants [TABLE ...] [--only TEXT]`.

Each table is a module here with a `TABLE`. Exits with 1 if a table has more survivors than it allows.
"""

import argparse
import importlib
import sys
import tempfile
from pathlib import Path

from tests.mutants import report, runner
from tests.mutants.mutation import Table

ROOT = Path(__file__).resolve().parents[2]
REPORT = ROOT / "benchmarks/mutants.md"
TABLES = ("predict", "monitor")


def main(arguments: list[str]) -> int:
    """Run the tables; return the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutants", description="Run tests on mutated source."
    )
    parser.add_argument("tables", nargs="*", default=list(TABLES), help=f"default: {' '.join(TABLES)}")
    parser.add_argument(
        "--only", default="", help="only mutations whose name contains this; writes no report"
    )
    parser.add_argument("--jobs", type=int, default=2, choices=(1, 2), help="runs at the same time")
    asked = parser.parse_args(arguments)
    code = 0
    for name in asked.tables:
        table: Table = importlib.import_module(f"tests.mutants.{name}").TABLE
        chosen = [mutation for mutation in table.mutations if asked.only in mutation.name]
        with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
            outcomes = []
            part = Table(chosen, table.tests, table.seconds, table.allowed)
            for outcome in runner.run(ROOT, Path(folder), part, asked.jobs):
                print(report.row(outcome), flush=True)  # noqa: T201 - progress of the command
                outcomes.append(outcome)
        survivors = sum(not outcome.caught_by for outcome in outcomes)
        print(f"{name}: {survivors} of {len(outcomes)} survived, {table.allowed} allowed")  # noqa: T201
        code |= int(survivors > table.allowed)
        if not asked.only:
            before = REPORT.read_text() if REPORT.exists() else ""
            REPORT.write_text(report.replace_section(before, name, report.section(name, outcomes)))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
