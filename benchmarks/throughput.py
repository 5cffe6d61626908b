"""Throughput of the embedded AWS, from put to lake."""

import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contract import layout
from contract.bundle import CONTRACT
from contract.lake import LakeReader
from contract.schema import Contract
from local import stack, traffic
from training import pipeline, records
from training.use_case import UseCase

USE_CASE = "green_taxi"
RECORDS = 10_000
_SECONDS = 300
_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"


@contextmanager
def deployed() -> Iterator[tuple[stack.Endpoint, dict[str, str], Contract]]:
    """Train and deploy the use case to an embedded AWS; yield endpoint, outputs and contract; destroy it."""
    if _DATA.is_dir():
        os.environ.setdefault("SCOREWATCH_DATA", str(_DATA))
    with tempfile.TemporaryDirectory() as name:
        trained = pipeline.train(USE_CASE, Path(name))
        with stack.embedded_aws(Path(name) / "local") as endpoint:
            outputs = stack.deploy(endpoint, trained.bundle)
            try:
                yield endpoint, outputs, Contract.read(trained.bundle / CONTRACT)
            finally:
                stack.destroy(endpoint, trained.bundle)


def run() -> list[str]:
    """Return the section's Markdown lines: deploy a stack, drive it, destroy it."""
    with deployed() as (endpoint, outputs, contract):
        seconds = drive_through(endpoint, outputs, contract)
    return [
        f"| {RECORDS:,} records through the embedded AWS | |",
        "|---|---|",
        f"| from the first put until all are in the lake, Firehose's buffer included | {seconds:.1f} s |",
        f"| records/s | **{RECORDS / seconds:,.0f}** |",
    ]


def drive_through(endpoint: stack.Endpoint, outputs: dict[str, str], contract: Contract) -> float:
    """Return the seconds from the first put until every event is in the lake."""
    # The first record starts the function; benchmarks/starts.py measures the start.
    _through(endpoint, outputs, contract, 1, seed=1)
    return _through(endpoint, outputs, contract, RECORDS, seed=2)


def _through(
    endpoint: stack.Endpoint, outputs: dict[str, str], contract: Contract, rows: int, seed: int
) -> float:
    frame = UseCase.named(USE_CASE).demo("normal", rows, seed=seed)
    lines = records.encode(contract, frame)
    ids = set(frame[contract.id_field].astype(str))
    lake = LakeReader(endpoint.client("s3"), outputs["lake_bucket"], layout.PREDICTIONS)
    start, began = traffic.now(), time.perf_counter()
    traffic.put_records(endpoint.client("kinesis"), outputs["input_stream"], lines, seconds=_SECONDS)
    traffic.wait_landed(lake, contract.id_field, ids, start, seconds=_SECONDS)
    return time.perf_counter() - began
