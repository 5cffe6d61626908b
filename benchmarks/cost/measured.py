"""What the meter measured on the embedded AWS."""

from pathlib import Path

import msgspec

FILE = Path(__file__).with_name("measured.json")


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """Units of one phase of the run, as counted afterwards; sizes of output records are in bytes."""

    records: int
    invocations: int
    input_puts: int
    output_records: int
    output_puts: int
    delivered_bytes: int
    batches: list[int]


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """Sizes in bytes, times in ms, and counts per monitoring run or stack.

    A batch of n records takes `batch_ms` + n * `record_ms` on one full CPU. Stored bytes are per record.
    `plain` and `packed` are the units counted with an output_record_kb of 0 and of `packed_kb`.
    """

    date: str
    machine: str
    record_bytes: int
    event_bytes: int
    stored_bytes: float
    profile_bytes: float
    batch_ms: float
    record_ms: float
    log_bytes: int
    monitor_ms: float
    monitor_puts: int
    monitor_gets: int
    monitor_metric_reads: int
    monitor_log_bytes: int
    predict_metrics: int
    monitor_metrics: int
    alarm_metrics: int
    composite_alarms: int
    dashboards: int
    packed_kb: int
    plain: Counted
    packed: Counted


def load() -> Measured:
    """Return the figures of `measured.json`."""
    return msgspec.json.decode(FILE.read_bytes(), type=Measured)


def save(measured: Measured) -> None:
    """Write the figures to `measured.json`."""
    FILE.write_bytes(msgspec.json.format(msgspec.json.encode(measured), indent=2) + b"\n")
