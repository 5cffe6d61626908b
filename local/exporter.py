"""Prometheus exporter of one stack: newest reports and counters of records."""

import argparse
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

from botocore.exceptions import BotoCoreError, ClientError
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from contract.session import session
from contract.timestamps import parse_timestamp
from lambda_monitor.findings import CheckResult
from local.cloudwatch_counters import NAMESPACE, CloudWatchCounters
from local.newest_reports import NewestReports, Report

PORT = 9464
# Between two looks at the bucket; a look costs one request per model, and two per report.
SECONDS = 60.0
_STATUSES = ("ok", "alert", "no_data", "error")
_FAILED = ("alert", "error")
_MODEL = ("use_case", "model")
_CHECK = (*_MODEL, "check", "columns")


class Exporter(Collector):
    """Metrics of one use case; those of a source that can't be read are left out."""

    def __init__(
        self,
        use_case: str,
        reports: NewestReports,
        counters: CloudWatchCounters | None,
        clock: Callable[[], float] = time.time,
        seconds: float = SECONDS,
    ) -> None:
        self._use_case, self._seconds = use_case, seconds
        self._reports, self._counters, self._clock = reports, counters, clock
        self._lock = threading.Lock()
        self._found: list[Report] = []
        self._next = 0.0
        self._up: dict[str, bool] = {}

    def collect(self) -> Iterator[Metric]:
        """Yield the metric families of one scrape."""
        with self._lock:
            self._read("reports", self._read_reports)
            if self._counters is not None:
                self._read("cloudwatch", partial(self._counters.read, self._clock()))
            up = GaugeMetricFamily(
                "scorewatch_exporter_source_up",
                "1 if the source could be read.",
                labels=("use_case", "source"),
            )
            for source, found in self._up.items():
                up.add_metric((self._use_case, source), found)
            families: list[Metric] = [up]
            if self._up["reports"]:
                families += [*windows(self._use_case, self._found), *checks(self._use_case, self._found)]
            if self._counters is not None and self._up["cloudwatch"]:
                families += totals(self._use_case, self._counters)
        yield from families

    def _read_reports(self) -> None:
        if self._clock() >= self._next:
            self._found = self._reports.read()
            self._next = self._clock() + self._seconds

    def _read(self, source: str, read: Callable[[], object]) -> None:
        try:
            read()
        except (BotoCoreError, ClientError) as error:
            self._up[source] = False
            print(f"{source} can't be read: {error}", file=sys.stderr, flush=True)
        else:
            self._up[source] = True


def windows(use_case: str, reports: list[Report]) -> list[Metric]:
    """Return the metrics of each model's newest window."""
    records = GaugeMetricFamily("scorewatch_window_records", "Records of the newest window.", labels=_MODEL)
    end = GaugeMetricFamily(
        "scorewatch_window_end_timestamp_seconds", "End of the newest window.", labels=_MODEL
    )
    ran = GaugeMetricFamily(
        "scorewatch_monitor_run_timestamp_seconds", "Last monitoring run of the newest window.", labels=_MODEL
    )
    status = GaugeMetricFamily(
        "scorewatch_window_status", "1 for the newest window's status.", labels=(*_MODEL, "status")
    )
    counts = GaugeMetricFamily(
        "scorewatch_window_events", "Counts of the newest window, by kind.", labels=(*_MODEL, "kind")
    )
    version = GaugeMetricFamily(
        "scorewatch_model_info", "Version of the monitored model.", labels=(*_MODEL, "version")
    )
    for report in reports:
        model = (use_case, report.model.name)
        records.add_metric(model, report.records)
        end.add_metric(model, parse_timestamp(report.window.end).timestamp())
        ran.add_metric(model, report.ran_at)
        version.add_metric((*model, report.model.version), 1)
        for name in _STATUSES:
            status.add_metric((*model, name), report.status == name)
        for name, value in report.counts.items():
            counts.add_metric((*model, name), value)
    return [records, end, ran, status, counts, version]


def checks(use_case: str, reports: list[Report]) -> list[Metric]:
    """Return the metrics of each check; skipped checks have none."""
    failed = GaugeMetricFamily(
        "scorewatch_check_failed", "1 if the check failed in the newest window.", labels=_CHECK
    )
    value = GaugeMetricFamily("scorewatch_check_value", "Value of the check.", labels=_CHECK)
    limit = GaugeMetricFamily("scorewatch_check_limit", "Limit of the check.", labels=_CHECK)
    for report in reports:
        for check in _worst(report.checks):
            labels = (use_case, report.model.name, check.name, ",".join(check.columns))
            failed.add_metric(labels, check.status in _FAILED)
            if check.value is not None:
                value.add_metric(labels, check.value)
            if check.threshold is not None:
                limit.add_metric(labels, check.threshold)
    return [failed, value, limit]


def _worst(found: list[CheckResult]) -> list[CheckResult]:
    """Return one check per name and columns: the failed one, or the one nearest to its limit."""

    def rank(check: CheckResult) -> tuple[bool, float]:
        ratio = (check.value or 0.0) / check.threshold if check.threshold else 0.0
        return check.status in _FAILED, ratio

    worst: dict[tuple[str, tuple[str, ...]], CheckResult] = {}
    for check in found:
        key = check.name, tuple(check.columns)
        if check.status != "skipped" and (key not in worst or rank(check) > rank(worst[key])):
            worst[key] = check
    return list(worst.values())


def totals(use_case: str, counters: CloudWatchCounters) -> list[Metric]:
    """Return the counters of records since the exporter's start."""
    incoming = CounterMetricFamily(
        "scorewatch_incoming_records", "Records put on the input stream.", labels=("use_case",)
    )
    scored = CounterMetricFamily(
        "scorewatch_records", "Records scored or rejected.", labels=("use_case", "outcome")
    )
    timely = CounterMetricFamily(
        "scorewatch_timely_records", "Records scored on time or late.", labels=("use_case", "timeliness")
    )
    families = {"incoming": incoming, "scored": scored, "timely": timely}
    for (family, label), value in counters.totals.items():
        families[family].add_metric((use_case, label) if label else (use_case,), value)
    return list(families.values())


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the exporter's options to a parser."""
    parser.add_argument(
        "--use-case", default="green_taxi", help="use case of the stack (default: green_taxi)"
    )
    parser.add_argument("--bucket", help="lake bucket, instead of the stack's")
    parser.add_argument("--input-stream", help="input stream; with --bucket, counters need it")
    parser.add_argument(
        "--metrics-namespace",
        default=NAMESPACE,
        help="CloudWatch namespace; with --bucket, counters of an environment need it (default: %(default)s)",
    )
    parser.add_argument("--address", default="127.0.0.1", help="0.0.0.0 for all (default: 127.0.0.1)")
    parser.add_argument(
        "--seconds",
        type=float,
        default=SECONDS,
        help=f"between two looks at the bucket (default: {SECONDS:.0f})",
    )
    parser.add_argument("--port", type=int, default=PORT, help=f"0 for a free port (default: {PORT})")


def main(arguments: list[str] | None = None) -> int:
    """Serve /metrics until interrupted; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m local.exporter", description=__doc__)
    add_arguments(parser)
    return run(parser.parse_args(arguments))


def run(given: argparse.Namespace) -> int:
    """Serve /metrics of the stack that the options name until SIGINT or SIGTERM; return the exit code."""
    bucket, stream, namespace = given.bucket, given.input_stream, given.metrics_namespace
    if bucket is None:
        # Terraform's packages are not in the exporter's image.
        from ops import deployment  # noqa: PLC0415
        from ops.deployment import DeploymentError  # noqa: PLC0415
        from ops.terraform import TerraformError  # noqa: PLC0415

        try:
            outputs = deployment.running_outputs(given.use_case)
        except (DeploymentError, TerraformError, BotoCoreError) as error:
            print(error, file=sys.stderr)
            return 1
        bucket, stream = outputs["lake_bucket"], outputs["input_stream"]
        namespace = outputs["metrics_namespace"]
    try:
        aws = session()
        cloudwatch, newest = aws.client("cloudwatch"), NewestReports(aws.client("s3"), bucket)
        counters = CloudWatchCounters(cloudwatch, given.use_case, stream, namespace) if stream else None
        found = Exporter(given.use_case, newest, counters, seconds=given.seconds)
        registry = CollectorRegistry()
        registry.register(found)
        server, _ = start_http_server(given.port, given.address, registry)
    except (BotoCoreError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    address = f"http://{given.address}:{server.server_port}/metrics"
    print(f"Metrics of {given.use_case}: {address}. Ctrl-C stops it.", flush=True)
    _wait()
    server.shutdown()
    return 0


def _wait() -> None:
    """Wait for SIGINT or SIGTERM."""
    stopped = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stopped.set())
    stopped.wait()


if __name__ == "__main__":
    raise SystemExit(main())
