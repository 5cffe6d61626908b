"""Units of a month at a load, from measured sizes and Terraform's settings."""

import math
from dataclasses import dataclass

from benchmarks.cost import units
from benchmarks.cost.measured import Measured
from benchmarks.cost.units import GB, KB

HOURS = 730
SECONDS = HOURS * 3600
DAY = 86_400
# A shard takes 1,000 records and 1 MiB per second.
_SHARD_RECORDS, _SHARD_BYTES = 1_000, 1024 * KB
# Lambda gives a full CPU at 1,769 MB. It passes at most 6 MB per invocation, Base64 included.
_CPU_MB = 1_769
_PAYLOAD_BYTES = 6_000_000
_ENVELOPE_BYTES = 400
# Storage grows: its mean over the first year is that of 6.5 months.
_MONTHS = 6.5
# Kinesis fetches a data key about every five minutes; here per shard, by one writer and one reader.
_KEY_REQUESTS = 2 * 12 * HOURS
# CPU of the monitor per new record: benchmarks/results.md, one new hour of 10,000,000 records.
_MONITOR_RECORD_MS = 0.005
# START, END and REPORT of an invocation.
_PLATFORM_LOG_BYTES = 350
_IMAGE_GB = 0.6
# The guard of releases runs each minute, with Terraform's memory; its time is assumed.
_GUARD_MB, _GUARD_SECONDS = 256, 0.1


@dataclass(frozen=True)
class Settings:
    """Terraform's variables that change the bill; the defaults are Terraform's."""

    output_record_kb: int = 0
    batch_size: int = 1000
    batching_window_seconds: int = 1
    predict_memory_mb: int = 1024
    monitor_memory_mb: int = 3008
    delivery_interval_seconds: int = 300
    tracing: bool = True
    dashboard: bool = True
    metric_limit: int = 20
    on_demand: bool = False
    # Of `schedule`, and whether `kms_key_arn` names a key that is paid for already.
    schedule_hours: int = 1
    shared_key: bool = False
    # Of the producers: aggregates of the Kinesis Producer Library of up to this many KB, 0 for none.
    aggregate_kb: int = 0


@dataclass(frozen=True)
class Line:
    """One line of the bill: units per month of one price."""

    service: str
    quantity: float
    price: str


@dataclass(frozen=True)
class Flow:
    """Shards, invocations per second, and what a batch holds: records, sizes of its stream records."""

    rate: float
    input_shards: int
    output_shards: int
    invocations: float
    batch: int
    given: list[int]
    output: list[int]


def flow(rate: float, settings: Settings, measured: Measured) -> Flow:
    """Return the flow of `rate` records per second, spread evenly over shards and time."""
    together = _together(measured.record_bytes, settings.aggregate_kb)
    size = together * measured.record_bytes
    puts = rate / together
    shards = _shards(puts, rate * measured.record_bytes)
    most = _PAYLOAD_BYTES // (size * 4 // 3 + _ENVELOPE_BYTES)
    waiting = puts / shards * settings.batching_window_seconds
    batch = max(1, min(settings.batch_size, most, math.floor(waiting)))
    output = units.packed(batch * together, measured.event_bytes, settings.output_record_kb * KB)
    invocations = puts / batch
    return Flow(
        rate=rate,
        input_shards=shards,
        output_shards=_shards(invocations * len(output), invocations * sum(output)),
        invocations=invocations,
        batch=batch * together,
        given=[size] * batch,
        output=output,
    )


def _together(size: int, limit_kb: int) -> int:
    """Return how many records of that size fill a joined one."""
    return max(1, limit_kb * KB // size)


def _shards(records: float, size: float) -> int:
    return max(1, math.ceil(max(records / _SHARD_RECORDS, size / _SHARD_BYTES)))


def bill(rate: float, settings: Settings, measured: Measured) -> list[Line]:
    """Return the units of a month at `rate` records per second."""
    found = flow(rate, settings, measured)
    return [
        *_streams(found, settings),
        *_scoring(found, settings, measured),
        *_monitoring(found, settings, measured),
        *_storage(found, settings, measured),
        *_watching(found, settings, measured),
    ]


def _streams(found: Flow, settings: Settings) -> list[Line]:
    batches = found.invocations * SECONDS
    shards = found.input_shards + found.output_shards
    delivered = Line("Firehose", batches * units.delivered(found.output) / GB, "delivered")
    keys = [
        Line("KMS, key", int(not settings.shared_key), "key"),
        Line("KMS, requests", shards * _KEY_REQUESTS, "key_request"),
    ]
    if settings.on_demand:
        written = batches * (units.on_demand(found.given) + units.on_demand(found.output))
        read = batches * (sum(found.given) + sum(found.output))
        return [
            Line("Kinesis, two on-demand streams", 2 * HOURS, "stream_hour"),
            Line("Kinesis, written", written / GB, "stream_in"),
            Line("Kinesis, read", read / GB, "stream_out"),
            delivered,
            *keys,
        ]
    return [
        Line(f"Kinesis, {shards:,} shards", shards * HOURS, "shard_hour"),
        Line("Kinesis, puts of records", batches * units.puts(found.given), "put_unit"),
        Line("Kinesis, puts of events", batches * units.puts(found.output), "put_unit"),
        delivered,
        *keys,
    ]


def _scoring(found: Flow, settings: Settings, measured: Measured) -> list[Line]:
    batches = found.invocations * SECONDS
    memory = settings.predict_memory_mb
    slower = max(1.0, _CPU_MB / memory)
    milliseconds = math.ceil((measured.batch_ms + found.batch * measured.record_ms) * slower)
    traced = units.traces(found.invocations) * SECONDS if settings.tracing else 0.0
    return [
        Line("Lambda, batches scored", batches, "invocation"),
        Line("Lambda, scoring", batches * milliseconds / 1000 * memory / 1024, "gb_second"),
        Line("X-Ray", traced, "trace"),
    ]


def _monitoring(found: Flow, settings: Settings, measured: Measured) -> list[Line]:
    runs, new = HOURS / settings.schedule_hours, found.rate * 3600 * settings.schedule_hours
    seconds = (measured.monitor_ms + new * _MONITOR_RECORD_MS) / 1000
    return [
        Line("Lambda, monitoring", runs * seconds * settings.monitor_memory_mb / 1024, "gb_second"),
        Line("Lambda, runs of the guard", HOURS * 60, "invocation"),
        Line("Lambda, guard", HOURS * 60 * _GUARD_SECONDS * _GUARD_MB / 1024, "gb_second"),
        Line("CloudWatch, metrics read", runs * measured.monitor_metric_reads, "metric_read"),
        Line("SNS, one mail per day", 30, "mail"),
    ]


def _storage(found: Flow, settings: Settings, measured: Measured) -> list[Line]:
    objects, runs = SECONDS / settings.delivery_interval_seconds, HOURS / settings.schedule_hours
    grown = found.rate * SECONDS * (measured.stored_bytes + measured.profile_bytes) / GB
    return [
        Line("S3, storage, mean of the first year", grown * _MONTHS, "stored"),
        Line("S3, puts and listings", objects + runs * measured.monitor_puts, "s3_put"),
        Line("S3, gets", objects + runs * measured.monitor_gets, "s3_get"),
        Line("ECR, images", _IMAGE_GB, "image"),
    ]


def _watching(found: Flow, settings: Settings, measured: Measured) -> list[Line]:
    metrics = measured.predict_metrics + measured.monitor_metrics + settings.metric_limit
    logged = found.invocations * SECONDS * (measured.log_bytes + _PLATFORM_LOG_BYTES)
    logged += HOURS / settings.schedule_hours * (measured.monitor_log_bytes + _PLATFORM_LOG_BYTES)
    return [
        Line("CloudWatch, custom metrics", metrics, "metric"),
        Line("CloudWatch, metrics of alarms", measured.alarm_metrics, "alarm_metric"),
        Line("CloudWatch, composite alarms", measured.composite_alarms, "composite_alarm"),
        Line("CloudWatch, dashboard", measured.dashboards if settings.dashboard else 0, "dashboard"),
        Line("CloudWatch, logs", logged / GB, "logged"),
    ]
