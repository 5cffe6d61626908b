"""Custom checks: SQL aggregates over the rows of a window, each in a process of its own."""

import json
import math
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from contract.schema import Contract
from lambda_monitor.check_config import CUSTOM, CustomCheck
from lambda_monitor.findings import CheckResult
from lambda_monitor.hours.store import HourStore
from lambda_monitor.hours.window import Window
from lambda_monitor.lake import events
from lambda_monitor.lake.events import IDENTITY, VERSION
from lambda_monitor.untrusted import one_line

if TYPE_CHECKING:
    from lambda_monitor.model import Model

# Values of the rows that are written to disk; a window with more is represented by its sample.
VALUES = 20_000_000
# Seconds of one check, and of all of a window.
SECONDS, TOTAL_SECONDS = 10.0, 60.0
_DIGITS = 6
_ERROR = 300
_PROGRAM = "lambda_monitor.checks.custom_sql"
# What an interpreter needs to start; above all no credentials.
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "LANG")


class CustomError(RuntimeError):
    """An expression can't be evaluated; the message says why."""


def check_custom(model: "Model", store: HourStore, window: Window) -> list[CheckResult]:
    """Return the result of each custom check on the window. Raises DamagedError."""
    declared = model.check_config.custom
    made = {name: check for name, check in declared.items() if window.records >= check.rows}
    results = [_skipped(name, check, window.records) for name, check in declared.items() if name not in made]
    if not made:
        return results
    columns = _columns(model.contract)
    by_athena = any(entry.part.counted_by_athena for entry in window.parts.parts)
    sampled = by_athena or window.records * len(columns) > VALUES
    tables = [window.sample.select(columns)] if sampled else store.rows(window.parts, columns)
    of = f", from a sample of {len(window.sample):,} of {window.records:,} records" if sampled else ""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.parquet")
        _write(path, window.sample.select(columns).schema, tables)
        end = time.monotonic() + TOTAL_SECONDS
        for name, check in made.items():
            try:
                value = evaluate(path, check.sql, seconds=min(SECONDS, end - time.monotonic()))
            except CustomError as error:
                results.append(_failed(name, error))
            else:
                results.append(_judged(name, check, value, of))
    return results


def rehearse(
    contract: Contract, reference: pa.Table, declared: Mapping[str, CustomCheck]
) -> dict[str, float | None]:
    """Return the value of each custom check on the reference. Raises CustomError that names the check.

    Columns of a window that the reference lacks, such as the id, are null.
    """
    names = _columns(contract)
    schema = pa.schema([events.schema(contract).field(name) for name in names])
    arrays = [
        reference.column(name).cast(schema.field(name).type)
        if name in reference.column_names
        else pa.nulls(len(reference), schema.field(name).type)
        for name in names
    ]
    table = pa.Table.from_arrays(arrays, schema=schema)
    values: dict[str, float | None] = {}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "rows.parquet")
        pq.write_table(table, path)
        for name, check in declared.items():
            try:
                values[name] = evaluate(path, check.sql)
            except CustomError as error:
                raise CustomError(f"custom check {name!r}: {error}; correct its sql") from error
    return values


def evaluate(path: Path, sql: str, *, seconds: float = SECONDS) -> float | None:
    """Return the value of `sql` over the rows in `path`, None if it is null. Raises CustomError."""
    if seconds <= 0:
        raise CustomError(f"the custom checks took more than {TOTAL_SECONDS:g} s together")
    given = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    try:
        done = subprocess.run(  # noqa: S603  # the interpreter and our own program
            [sys.executable, "-m", _PROGRAM],
            input=json.dumps({"path": str(path), "sql": sql}).encode(),
            capture_output=True,
            env={**given, "PYTHONPATH": os.pathsep.join(sys.path)},
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise CustomError(f"it took more than {seconds:.0f} s") from error
    if done.returncode:
        raise CustomError(f"its process ended with code {done.returncode}: too much memory or time")
    answer: Mapping[str, float | str | None] = msgspec.json.decode(done.stdout)
    if "error" in answer:
        raise CustomError(str(answer["error"]))
    value = answer["value"]
    return None if value is None else float(value)


def _columns(contract: Contract) -> list[str]:
    """Return the columns of the table `rows`: id, arrival, features, prediction, probability."""
    return [name for name in events.schema(contract).names if name not in {IDENTITY, VERSION}]


def _write(path: Path, schema: pa.Schema, tables: Iterable[pa.Table]) -> None:
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for table in tables:
            writer.write_table(table)


def _judged(name: str, check: CustomCheck, value: float | None, of: str) -> CheckResult:
    full = f"{CUSTOM}.{name}"
    if value is None or not math.isfinite(value):
        shown = "no value" if value is None else f"{value}"
        return CheckResult.skipped(full, f"{one_line(check.sentence, 200)}: the expression gives {shown}.")
    high = check.above is not None and value > check.above
    low = check.below is not None and value < check.below
    # Of two limits that hold, the upper one is shown.
    limit = check.below if low or check.above is None else check.above
    words = f", {'below' if low else 'above'} the limit {limit:.6g}" if high or low else ""
    return CheckResult(
        name=full,
        value=value,
        threshold=limit,
        status="alert" if high or low else "ok",
        columns=[],
        sentence=f"{one_line(check.sentence, 200)}: {value:.6g}{words}{of}.",
    ).rounded(_DIGITS)


def _skipped(name: str, check: CustomCheck, records: int) -> CheckResult:
    words = f"{records:,} records in the window; the check is made from {check.rows} on."
    return CheckResult.skipped(f"{CUSTOM}.{name}", words)


def _failed(name: str, error: Exception) -> CheckResult:
    return CheckResult(
        name=f"{CUSTOM}.{name}",
        value=None,
        threshold=None,
        status="error",
        columns=[],
        sentence=f"The SQL of this check can't be evaluated: {one_line(error, _ERROR)}",
    )
