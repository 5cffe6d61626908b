"""Count the billable units of a run on the embedded AWS, and measure what a month's bill needs."""

import contextlib
import io
import math
import re
import statistics
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from benchmarks.__main__ import machine
from benchmarks.cost import units
from benchmarks.cost.measured import Counted, Measured
from contract import events, layout
from contract.bundle import CONTRACT
from contract.lake import LakeReader
from contract.schema import Contract
from lambda_monitor import monitor
from lambda_monitor.run import Clients, Run, Span
from lambda_monitor.settings import Settings
from local import stack, traffic
from ops import alias
from training import pipeline, records
from training.use_case import UseCase

if TYPE_CHECKING:
    from mypy_boto3_kinesis import KinesisClient

USE_CASE = "green_taxi"
PACKED_KB = 25
ROWS = 10_000
# Small batches, put apart, for the fixed time of an invocation.
_SMALL, _SMALL_ROWS = 8, 10
_SECONDS = 300.0
_REPORT = re.compile(r"Billed Duration: (\d+) ms")
# S3 operations that cost as much as a PUT.
_AS_PUT = {"PutObject", "ListObjectsV2", "CopyObject", "CompleteMultipartUpload"}
_AS_GET = {"GetObject", "HeadObject"}


class Invocation(msgspec.Struct, frozen=True):
    """One invocation in a function's log: billed ms, bytes and metrics that it logged, records."""

    milliseconds: int
    log_bytes: int
    records: int
    metrics: frozenset[tuple[str, ...]]


class _Embedded(msgspec.Struct, rename={"aws": "_aws", "records": "Records"}):
    aws: dict[str, Any]
    records: int = 0


def run(rows: int = ROWS) -> Measured:
    """Deploy a stack to an embedded AWS, drive it, count and measure, destroy it."""
    with tempfile.TemporaryDirectory() as name:
        trained = pipeline.train(USE_CASE, Path(name))
        contract = Contract.read(trained.bundle / CONTRACT)
        with stack.embedded_aws(Path(name) / "local") as endpoint:
            outputs = stack.deploy(endpoint, trained.bundle)
            try:
                return measure(endpoint, outputs, contract, rows)
            finally:
                stack.destroy(endpoint, trained.bundle)


def measure(endpoint: stack.Endpoint, outputs: dict[str, Any], contract: Contract, rows: int) -> Measured:
    """Drive a deployed stack with plain and packed output records; return the figures."""
    meter = Meter(endpoint, outputs, contract)
    start = traffic.now()
    for number in range(_SMALL):
        meter.drive(_SMALL_ROWS, seed=100 + number)
    meter.monitor(start)
    plain = meter.drive(rows, seed=1)
    with_packed = meter.packed(rows, seed=2)
    calls, reads = meter.monitoring_calls(start)
    scored = meter.invocations("predict_function")
    batch_ms, record_ms = fitted([(i.records, i.milliseconds) for i in scored if i.records])
    monitored = meter.invocations("monitor_function")
    total = _SMALL * _SMALL_ROWS + 2 * rows
    return Measured(
        date=datetime.now(UTC).date().isoformat(),
        machine=machine(),
        record_bytes=round(meter.mean("input_stream")),
        event_bytes=meter.event_bytes(),
        stored_bytes=round(meter.stored(layout.PREDICTIONS) / total, 1),
        profile_bytes=round(meter.stored(layout.PROFILES) / total, 1),
        batch_ms=batch_ms,
        record_ms=record_ms,
        log_bytes=round(statistics.mean(i.log_bytes for i in scored)),
        monitor_ms=monitored[0].milliseconds,
        monitor_puts=sum(calls[name] for name in _AS_PUT),
        monitor_gets=sum(calls[name] for name in _AS_GET),
        monitor_metric_reads=reads,
        monitor_log_bytes=round(statistics.mean(i.log_bytes for i in monitored)),
        predict_metrics=len({m for i in scored for m in i.metrics}),
        monitor_metrics=len({m for i in monitored for m in i.metrics if "TimesLimit" not in m}),
        **meter.watching(),
        packed_kb=PACKED_KB,
        plain=plain,
        packed=with_packed,
    )


def fitted(batches: Sequence[tuple[int, int]]) -> tuple[float, float]:
    """Return ms per batch and per record, from the lower quartiles of small and of large batches.

    The lower quartile, since other processes share the machine.
    """
    middle = math.sqrt(min(n for n, _ in batches) * max(n for n, _ in batches))
    sides = [[b for b in batches if b[0] < middle], [b for b in batches if b[0] >= middle]]
    (few, short), (many, long) = ((statistics.mean(n for n, _ in side), _quartile(side)) for side in sides)
    each = max((long - short) / (many - few), 0.0)
    return round(max(short - few * each, 1.0), 2), round(each, 5)


def _quartile(batches: Sequence[tuple[int, int]]) -> float:
    times = sorted(ms for _, ms in batches)
    return float(times[len(times) // 4])


class Meter:
    """A deployed stack, and what was counted so far."""

    def __init__(self, endpoint: stack.Endpoint, outputs: dict[str, Any], contract: Contract) -> None:
        self._endpoint, self._outputs, self._contract = endpoint, outputs, contract
        self._client = endpoint.client
        self._read = {name: _Records(self._client("kinesis"), outputs[name]) for name in _STREAMS}

    def drive(self, rows: int, seed: int) -> Counted:
        """Put records, wait until they are in the lake, and return the units that they added."""
        frame = UseCase.named(USE_CASE).demo("normal", rows, seed=seed)
        ids = set(frame[self._contract.id_field].astype(str))
        before, start = len(self.invocations("predict_function")), traffic.now()
        lines = records.encode(self._contract, frame)
        traffic.put_records(self._client("kinesis"), self._outputs["input_stream"], lines, seconds=_SECONDS)
        reader = LakeReader(self._client("s3"), self._outputs["lake_bucket"], layout.PREDICTIONS)
        traffic.wait_landed(reader, self._contract.id_field, ids, start, seconds=_SECONDS)
        added = self.invocations("predict_function")[before:]
        given, sent = (self._read[name].new() for name in _STREAMS)
        return Counted(
            records=len(given),
            invocations=len(added),
            input_puts=units.puts(given),
            output_records=len(sent),
            output_puts=units.puts(sent),
            delivered_bytes=units.delivered(sent),
            batches=[i.records for i in added],
        )

    def packed(self, rows: int, seed: int) -> Counted:
        """Drive with output records of PACKED_KB."""
        client, function = self._client("lambda"), self._outputs["predict_function"]
        own = client.get_function_configuration(FunctionName=function)["Environment"]["Variables"]

        def configure(variables: dict[str, str]) -> None:
            client.update_function_configuration(FunctionName=function, Environment={"Variables": variables})
            client.get_waiter("function_updated_v2").wait(FunctionName=function)
            # The stream invokes an alias of a version.
            client.publish_version(FunctionName=function)
            alias.serve_newest(client, self._outputs["release"])

        configure(own | {"OUTPUT_RECORD_KB": str(PACKED_KB)})
        try:
            return self.drive(rows, seed)
        finally:
            configure(own)

    def monitor(self, start: datetime) -> None:
        """Run the monitor since `start`."""
        traffic.monitor(self._client("lambda"), self._outputs["monitor_function"], start, traffic.now())

    def monitoring_calls(self, start: datetime) -> "tuple[Counter[str], int]":
        """Run the monitor in this process; return its S3 calls by name, and the metrics that it read."""
        function = self._outputs["monitor_function"]
        found = self._client("lambda").get_function_configuration(FunctionName=function)
        settings = Settings.from_environment(found["Environment"]["Variables"])
        calls: Counter[str] = Counter()
        read: list[int] = []
        clients = {name: self._client(name) for name in ("s3", "sns", "cloudwatch", "athena")}
        clients["s3"].meta.events.register("before-call.s3", lambda model, **_: calls.update([model.name]))
        clients["cloudwatch"].meta.events.register(
            "provide-client-params.cloudwatch.GetMetricData",
            lambda params, **_: read.append(len(params["MetricDataQueries"])),
        )
        now = traffic.now()
        span = Span(start=start, end=now, asked=False)
        run = Run(id="meter", now=now, deadline=now + timedelta(minutes=15))
        # The function's log has the same metrics.
        with contextlib.redirect_stdout(io.StringIO()):
            monitor.run(Clients(**clients), settings, span, run)
        return calls, sum(read)

    def invocations(self, output: str) -> list[Invocation]:
        """Return the invocations in the log of a function."""
        path = self._endpoint.state_dir / "logs" / f"{self._outputs[output]}.log"
        return list(parsed(path.read_text())) if path.is_file() else []

    def mean(self, output: str) -> float:
        """Return the mean bytes of a stream's records."""
        return statistics.mean(self._read[output].sizes)

    def event_bytes(self) -> int:
        """Return the mean bytes of an event."""
        output = self._read["output_stream"]
        return round(sum(output.sizes) / output.lines)

    def stored(self, root: str) -> int:
        """Return the bytes of the objects under a prefix of the lake."""
        pages = self._client("s3").get_paginator("list_objects_v2")
        found = pages.paginate(Bucket=self._outputs["lake_bucket"], Prefix=f"{root}/")
        return sum(item["Size"] for page in found for item in page.get("Contents", []))

    def watching(self) -> dict[str, int]:
        """Return the counts of alarms and dashboards."""
        client = self._client("cloudwatch")
        kinds = ["MetricAlarm", "CompositeAlarm"]
        pages = list(client.get_paginator("describe_alarms").paginate(AlarmTypes=kinds))
        simple = [alarm for page in pages for alarm in page.get("MetricAlarms", [])]
        return {
            "alarm_metrics": sum(
                sum("MetricStat" in query for query in alarm.get("Metrics") or []) or 1 for alarm in simple
            ),
            "composite_alarms": sum(len(page.get("CompositeAlarms", [])) for page in pages),
            "dashboards": len(client.list_dashboards()["DashboardEntries"]),
        }


_STREAMS = ("input_stream", "output_stream")


class _Records:
    """Sizes of the records that are added to a stream from now on."""

    def __init__(self, kinesis: "KinesisClient", stream: str) -> None:
        self._kinesis = kinesis
        shards = kinesis.list_shards(StreamName=stream)["Shards"]
        self._iterators = [
            kinesis.get_shard_iterator(
                StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
            )["ShardIterator"]
            for shard in shards
        ]
        self.sizes: list[int] = []
        self.lines = 0
        self.new()
        self.sizes, self.lines = [], 0

    def new(self) -> list[int]:
        """Return the sizes of the records that were added since the last call."""
        found: list[int] = []
        for number in range(len(self._iterators)):
            while data := self._next(number):
                found += [len(one) for one in data]
                self.lines += sum(one.count(events.NEWLINE) for one in data)
        self.sizes += found
        return found

    def _next(self, number: int) -> list[bytes]:
        answer = self._kinesis.get_records(ShardIterator=self._iterators[number], Limit=10_000)
        self._iterators[number] = answer["NextShardIterator"]
        return [record["Data"] for record in answer["Records"]]


def parsed(log: str) -> Iterator[Invocation]:
    """Yield the invocations in a log of the Runtime Interface Emulator."""
    size, batch, metrics = 0, 0, set[tuple[str, ...]]()
    for line in log.splitlines():
        if report := _REPORT.search(line):
            yield Invocation(int(report[1]), size, batch, frozenset(metrics))
            size, batch, metrics = 0, 0, set()
        elif line.startswith('{"_aws"'):
            entry = msgspec.json.decode(line, type=_Embedded)
            size, batch = size + len(line) + 1, batch + entry.records
            metrics |= set(_metrics(entry.aws, line))


def _metrics(definition: dict[str, Any], line: str) -> Iterator[tuple[str, ...]]:
    """Yield name and dimension values of each metric that a log line adds."""
    values = msgspec.json.decode(line)
    for directive in definition["CloudWatchMetrics"]:
        for dimensions in directive["Dimensions"]:
            for metric in directive["Metrics"]:
                yield (metric["Name"], *(str(values[name]) for name in dimensions))
