"""Scoring on the embedded AWS beside the simulation of the same arrivals.

The time of a batch comes from runs that are not compared: of a backlog, whose batches follow each other
without a pause. Each phase runs three times, since other processes of a machine lengthen single batches;
the medians are compared.
"""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.queueing import Setup, Times, simulate
from benchmarks.throughput import USE_CASE, deployed
from contract import layout
from contract.lake import LakeReader
from contract.schema import Contract
from local import stack, traffic
from training import records
from training.use_case import UseCase

if TYPE_CHECKING:
    from mypy_boto3_lambda import LambdaClient

ROUNDS = 3
# Puts per second of a phase with a rate.
_PUTS = 20
# The embedded AWS looks at a shard when records are put, and so long after its last look.
POLL_SECONDS = 1.05
# Tolerance of a wait: a share of what was measured, and the seconds from the close of a batch to its start.
TOLERANCE, SLACK_SECONDS = 0.3, 0.15
_SECONDS = 300.0


class ScaleError(RuntimeError):
    """Simulation and measurement differ by more than the tolerance; the message has the table."""


@dataclass(frozen=True)
class Phase:
    """Records put at `rate` per second; without one they are all there before the first is scored."""

    title: str
    rows: int
    rate: int = 0


CALIBRATION = Phase("backlog", 10_000)
PHASES = (
    # The last window opens 0.6 s before the last put: it ends late, at the look after that one's.
    Phase("300 records/s for 5 s", 1_500, 300),
    Phase("1,500 records/s for 10 s", 15_000, 1_500),
    Phase("backlog of 30,000 records", 30_000),
)


@dataclass(frozen=True)
class Run:
    """When each record arrived and its batch started, in seconds since the first arrival or start."""

    arrived: Times
    started: Times

    @property
    def waits(self) -> Times:
        """Seconds of each record until its batch started."""
        return self.started - self.arrived

    @property
    def batches(self) -> int:
        """Number of batches."""
        return len(np.unique(self.started))


@dataclass(frozen=True)
class Figures:
    """Batches, and the median and longest wait in seconds."""

    batches: float
    median: float
    longest: float

    @classmethod
    def of(cls, found: Iterable[tuple[int, Times]]) -> "Figures":
        """Return the medians over runs, each given as its batches and waits."""
        runs = list(found)
        waits = [(float(np.median(w)), float(w.max())) for _, w in runs]
        return cls(median(n for n, _ in runs), *(median(column) for column in zip(*waits, strict=True)))

    def agrees(self, simulated: "Figures") -> bool:
        """Return whether a simulation is within the tolerance of these measured figures."""
        pairs = ((self.median, simulated.median), (self.longest, simulated.longest))
        return abs(self.batches - simulated.batches) <= max(1.0, TOLERANCE * self.batches) and all(
            abs(one - other) <= TOLERANCE * one + SLACK_SECONDS for one, other in pairs
        )


def run() -> list[str]:
    """Return the section's Markdown lines: deploy a stack, drive it, simulate its arrivals.

    Raises ScaleError.
    """
    with deployed() as (endpoint, outputs, contract):
        driver = _Driver(endpoint, outputs, contract)
        # The first records start the function.
        driver.run(Phase("start", 10))
        rounds = [{phase: driver.run(phase) for phase in (CALIBRATION, *PHASES)} for _ in range(ROUNDS)]
    return table(rounds)


def table(rounds: Sequence[dict[Phase, Run]]) -> list[str]:
    """Return the table of measured and simulated batches and waits. Raises ScaleError."""
    record_seconds = seconds_per_record([found[CALIBRATION] for found in rounds])
    rows, agree = [], True
    for phase in PHASES:
        found, simulated = figures([runs[phase] for runs in rounds], record_seconds)
        agree &= found.agrees(simulated)
        rows.append(
            f"| {phase.title} | {found.batches:.0f}, {simulated.batches:.0f} "
            f"| {found.median:.2f} s, {simulated.median:.2f} s "
            f"| {found.longest:.2f} s, {simulated.longest:.2f} s "
            f"| {'yes' if found.agrees(simulated) else 'NO'} |"
        )
    lines = [
        "One shard, one batch at a time, default variables. The simulation is given the arrivals of a run,",
        f"{record_seconds * Setup.batch_size * 1000:.0f} ms per batch of {Setup.batch_size:,} records, "
        f"the median of {ROUNDS} backlogs of {CALIBRATION.rows:,}; the reader looks",
        f"at an idle shard every {POLL_SECONDS:g} s. Medians of {ROUNDS} runs: measured, then simulated.",
        f"Tolerance of a wait: {TOLERANCE:.0%} and {SLACK_SECONDS:g} s; of batches: {TOLERANCE:.0%} or 1.",
        "",
        "| load | batches | median wait | longest wait | within tolerance |",
        "|---|---|---|---|---|",
        *rows,
    ]
    if not agree:
        raise ScaleError("\n".join(["the simulation differs from the embedded run:", *lines]))
    return lines


def seconds_per_record(backlogs: Sequence[Run]) -> float:
    """Return the scoring time of a record in full batches that follow each other without a pause."""
    gaps = np.concatenate([np.diff(np.unique(found.started)) for found in backlogs])
    return float(np.median(gaps)) / Setup.batch_size


def figures(
    runs: Sequence[Run], record_seconds: float, poll_seconds: float = POLL_SECONDS
) -> tuple[Figures, Figures]:
    """Return the measured and the simulated figures of a phase's runs."""
    setup = Setup(batch_seconds=0.0, record_seconds=record_seconds, poll_seconds=poll_seconds)
    results = [simulate(setup, found.arrived) for found in runs]
    return (
        Figures.of((found.batches, found.waits) for found in runs),
        Figures.of((result.batches, result.waits) for result in results),
    )


class _Driver:
    """Puts the records of phases on the input stream of a stack and reads their events."""

    def __init__(self, endpoint: stack.Endpoint, outputs: dict[str, Any], contract: Contract) -> None:
        self._endpoint, self._outputs, self._contract = endpoint, outputs, contract
        self._seed = 0

    def run(self, phase: Phase) -> Run:
        """Return the times of a phase."""
        self._seed += 1
        frame = UseCase.named(USE_CASE).demo("normal", phase.rows, seed=self._seed)
        id_field = self._contract.id_field
        reader = LakeReader(self._endpoint.client("s3"), self._outputs["lake_bucket"], layout.PREDICTIONS)
        start, lines = traffic.now(), records.encode(self._contract, frame)
        if phase.rate:
            self._put_paced(lines, phase.rate)
        else:
            self._put_backlog(lines)
        ids = set(frame[id_field].astype(str))
        landed = list(traffic.wait_landed(reader, id_field, ids, start, seconds=_SECONDS).values())
        arrived = _seconds([event["record"]["arrived_at"] for event in landed])
        started = _seconds([event["scored_at"] for event in landed])
        if phase.rate:
            return Run(arrived - arrived.min(), started - arrived.min())
        return Run(np.zeros(len(landed)), started - started.min())

    def _put(self, lines: Sequence[bytes]) -> None:
        traffic.put_records(
            self._endpoint.client("kinesis"), self._outputs["input_stream"], lines, seconds=_SECONDS
        )

    def _put_paced(self, lines: Sequence[bytes], rate: int) -> None:
        began, size = time.monotonic(), rate // _PUTS
        for first in range(0, len(lines), size):
            time.sleep(max(0.0, began + first / rate - time.monotonic()))
            self._put(lines[first : first + size])

    def _put_backlog(self, lines: Sequence[bytes]) -> None:
        client = self._endpoint.client("lambda")
        stream = self._endpoint.client("kinesis").describe_stream_summary(
            StreamName=self._outputs["input_stream"]
        )["StreamDescriptionSummary"]["StreamARN"]
        [mapping] = client.list_event_source_mappings(EventSourceArn=stream)["EventSourceMappings"]
        _enable(client, mapping["UUID"], enabled=False)
        self._put(lines)
        _enable(client, mapping["UUID"], enabled=True)


def _enable(client: "LambdaClient", mapping: str, *, enabled: bool) -> None:
    """Enable or disable a mapping; wait until it is."""
    client.update_event_source_mapping(UUID=mapping, Enabled=enabled)
    wanted = "Enabled" if enabled else "Disabled"

    def done() -> bool | None:
        return client.get_event_source_mapping(UUID=mapping)["State"] == wanted or None

    traffic.wait_for(f"mapping {mapping}: {wanted}", done, seconds=_SECONDS)


def _seconds(times: Sequence[str]) -> Times:
    return np.array([datetime.fromisoformat(text).timestamp() for text in times])
