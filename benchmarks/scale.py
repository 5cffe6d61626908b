"""Scoring on the embedded AWS beside the simulation of the same arrivals."""

from datetime import datetime
from typing import Any

import numpy as np

from benchmarks.queueing import Setup, Times, simulate
from benchmarks.throughput import USE_CASE, deployed
from contract import layout
from contract.lake import LakeReader
from contract.schema import Contract
from local import stack, traffic
from training import records
from training.use_case import UseCase

# Records put at once; the first phase starts the function and is not shown.
PHASES = (3_000, 10_000, 30_000)
_START = 10
_SECONDS = 300.0


def run() -> list[str]:
    """Return the section's Markdown lines: deploy a stack, drive it, simulate its arrivals."""
    with deployed() as (endpoint, outputs, contract):
        return compare(endpoint, outputs, contract)


def compare(endpoint: stack.Endpoint, outputs: dict[str, Any], contract: Contract) -> list[str]:
    """Return the table of measured and simulated batches and waits."""
    _drive(endpoint, outputs, contract, _START, seed=0)
    events = [_drive(endpoint, outputs, contract, rows, seed) for seed, rows in enumerate(PHASES, start=1)]
    return [
        "One shard, one batch at a time. The simulation is given the arrivals of the run and its mean time",
        "from one batch to the next. Each cell has what was measured, then what was simulated.",
        "",
        "| records put at once | time per batch | batches | median wait | longest wait |",
        "|---|---|---|---|---|",
        *(row(_times(landed, "arrived_at"), _times(landed, "scored_at")) for landed in events),
    ]


def row(arrived: Times, started: Times) -> str:
    """Return the row of a phase, from the arrival of each record and the start of its batch."""
    starts = np.unique(started)
    each = float(np.diff(starts).mean())
    found = simulate(Setup(batch_seconds=each, record_seconds=0.0), arrived)
    waits = started - arrived
    # From the close of a batch to its start on an idle function.
    before = float(waits.min())
    return (
        f"| {len(arrived):,} | {each:.3f} s | {len(starts)}, {found.batches} "
        f"| {np.median(waits):.2f} s, {np.median(found.waits) + before:.2f} s "
        f"| {waits.max():.2f} s, {found.waits.max() + before:.2f} s |"
    )


def _drive(
    endpoint: stack.Endpoint, outputs: dict[str, Any], contract: Contract, rows: int, seed: int
) -> list[dict[str, Any]]:
    """Put records at once; return their events."""
    frame = UseCase.named(USE_CASE).demo("normal", rows, seed=seed)
    ids = set(frame[contract.id_field].astype(str))
    reader = LakeReader(endpoint.client("s3"), outputs["lake_bucket"], layout.PREDICTIONS)
    start = traffic.now()
    lines = records.encode(contract, frame)
    traffic.put_records(endpoint.client("kinesis"), outputs["input_stream"], lines, seconds=_SECONDS)
    return list(traffic.wait_landed(reader, contract.id_field, ids, start, seconds=_SECONDS).values())


def _times(landed: list[dict[str, Any]], name: str) -> Times:
    """Return a time of each event, in seconds since the first arrival."""
    first = min(event["record"]["arrived_at"] for event in landed)
    zero = datetime.fromisoformat(first).timestamp()
    texts = [event["record"].get(name) or event[name] for event in landed]
    return np.array([datetime.fromisoformat(text).timestamp() - zero for text in texts])
