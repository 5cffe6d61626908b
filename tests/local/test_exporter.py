"""The Prometheus exporter: what it exposes of reports and counters, and what it does when it can't read."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
import requests
from moto import mock_aws
from moto.server import ThreadedMotoServer
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics import parser

from contract import layout
from local import exporter
from local.cloudwatch_counters import CloudWatchCounters
from local.exporter import Exporter
from local.newest_reports import NewestReports
from tests.local import reports
from tests.local.reports import BUCKET, DRIFTED, ORDINARY, put

TAXI = DRIFTED["model"]["name"]
NOON, ONE, TWO = (f"2026-03-02T{hour}:00:00Z" for hour in (12, 13, 14))
START = datetime(2026, 3, 2, 14, 30, tzinfo=UTC).timestamp()


class World:
    """Exporter of a bucket in moto, at a moment the test sets."""

    def __init__(self) -> None:
        self.s3: Any = boto3.client("s3", region_name="us-east-1")
        self.s3.create_bucket(Bucket=BUCKET)
        self.cloudwatch: Any = boto3.client("cloudwatch", region_name="us-east-1")
        self.now = START
        counters = CloudWatchCounters(self.cloudwatch, "green_taxi", "input")
        self.registry = CollectorRegistry()
        self.registry.register(
            Exporter("green_taxi", NewestReports(self.s3, BUCKET), counters, lambda: self.now)
        )

    def later(self, seconds: float) -> None:
        self.now += seconds

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(f"scorewatch_{name}", {"use_case": "green_taxi", **labels})

    def count(self, name: str, value: float, moment: float, **dimension: str) -> None:
        ((key, of),) = dimension.items()
        self.cloudwatch.put_metric_data(
            Namespace="AWS/Kinesis" if key == "StreamName" else "Scorewatch",
            MetricData=[
                {
                    "MetricName": name,
                    "Dimensions": [{"Name": key, "Value": of}],
                    "Timestamp": datetime.fromtimestamp(moment, UTC),
                    "Value": value,
                }
            ],
        )


@pytest.fixture
def world() -> Iterator[World]:
    with mock_aws():
        yield World()


def test_each_check_of_the_newest_window_is_exposed(world: World) -> None:
    put(world.s3, ORDINARY, NOON, ONE)
    put(world.s3, DRIFTED, ONE, TWO, ran_at="2026-03-02T14:20:00Z")
    for check in DRIFTED["checks"]:
        labels = {"model": TAXI, "check": check["name"], "columns": ",".join(check["columns"])}
        shown = check["status"] != "skipped"
        assert world.value("check_failed", **labels) == (
            float(check["status"] in ("alert", "error")) if shown else None
        )
        assert world.value("check_value", **labels) == (check["value"] if shown else None)
        assert world.value("check_limit", **labels) == (check["threshold"] if shown else None)
    assert world.value("window_status", model=TAXI, status="alert") == 1
    assert world.value("window_status", model=TAXI, status="ok") == 0
    assert world.value("window_records", model=TAXI) == DRIFTED["records"]
    assert world.value("window_events", model=TAXI, kind="DuplicateRecords") == 1
    assert world.value("model_info", model=TAXI, version="1") == 1
    end, ran = (datetime(2026, 3, 2, 14, minute, tzinfo=UTC).timestamp() for minute in (0, 20))
    assert world.value("window_end_timestamp_seconds", model=TAXI) == end
    assert world.value("monitor_run_timestamp_seconds", model=TAXI) == ran
    assert world.value("exporter_source_up", source="reports") == 1


def test_a_new_window_replaces_the_last_one_and_a_new_model_is_found(world: World) -> None:
    put(world.s3, DRIFTED, NOON, ONE)
    drift = {"check": "drift.feature", "columns": "trip_distance"}
    assert world.value("check_failed", model=TAXI, **drift) == 1
    put(world.s3, ORDINARY, ONE, TWO)
    put(world.s3, DRIFTED, NOON, ONE, model="another")
    assert world.value("check_failed", model=TAXI, **drift) == 1, "read again after a minute only"
    world.later(60)
    assert world.value("check_failed", model=TAXI, **drift) == 0
    assert world.value("check_failed", model="another", **drift) == 1
    # The same window, monitored again.
    put(world.s3, DRIFTED, ONE, TWO)
    world.later(60)
    assert world.value("check_failed", model=TAXI, **drift) == 1


def test_a_damaged_report_is_a_window_without_verdict(world: World) -> None:
    put(world.s3, ORDINARY, NOON, ONE)
    key = f"{layout.REPORTS}/{TAXI}/20260302T120000Z-20260302T130000Z/report.json"
    assert world.s3.head_object(Bucket=BUCKET, Key=key)
    world.s3.put_object(Bucket=BUCKET, Key=key, Body=b'{"model": ')
    assert world.value("window_status", model=TAXI, status="error") == 1
    assert world.value("window_records", model=TAXI) == 0


def test_a_source_that_cannot_be_read_exposes_nothing_old(
    world: World, capsys: pytest.CaptureFixture[str]
) -> None:
    put(world.s3, DRIFTED, NOON, ONE)
    assert world.value("window_records", model=TAXI) == DRIFTED["records"]
    world.later(60)
    stored = world.s3.list_objects_v2(Bucket=BUCKET)["Contents"]
    for item in stored:
        world.s3.delete_object(Bucket=BUCKET, Key=item["Key"])
    world.s3.delete_bucket(Bucket=BUCKET)
    assert world.value("exporter_source_up", source="reports") == 0
    assert world.value("window_records", model=TAXI) is None
    assert world.value("exporter_source_up", source="cloudwatch") == 1
    assert "reports can't be read: " in capsys.readouterr().err
    world.s3.create_bucket(Bucket=BUCKET)
    put(world.s3, DRIFTED, NOON, ONE)
    assert world.value("exporter_source_up", source="reports") == 1
    assert world.value("window_records", model=TAXI) == DRIFTED["records"]


def test_counters_add_each_minute_once(world: World) -> None:
    labels = {"timeliness": "late"}
    assert world.value("timely_records_total", **labels) == 0
    # Minutes of the start, of three minutes later, and one that has not settled.
    for minute, late in ((0, 5), (3, 7), (9, 100)):
        world.count("Late", late, START + 60 * minute, UseCase="green_taxi")
        world.count("IncomingRecords", 10 * late, START + 60 * minute, StreamName="input")
    world.count("Late", 1_000, START, UseCase="white_wine")
    world.later(8 * 60)
    assert world.value("timely_records_total", **labels) == 12
    assert world.value("incoming_records_total") == 120
    assert world.value("timely_records_total", **labels) == 12
    world.later(10 * 60)
    assert world.value("timely_records_total", **labels) == 112
    assert world.value("records_total", outcome="scored") == 0


def test_counters_are_those_of_the_environment(world: World) -> None:
    asked: list[Any] = []
    # moto returns the sum of all namespaces: look at the request.
    event = "provide-client-params.cloudwatch.GetMetricData"
    world.cloudwatch.meta.events.register(event, lambda params, **_: asked.append(params))
    counters = CloudWatchCounters(world.cloudwatch, "green_taxi", "input", "Scorewatch/dev")
    counters.read(START)
    counters.read(START + 10 * 60)
    queries = [query["MetricStat"]["Metric"] for query in asked[0]["MetricDataQueries"]]
    assert {query["Namespace"] for query in queries} == {"AWS/Kinesis", "Scorewatch/dev"}


@pytest.fixture
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    requests.post(f"{url}/moto-api/reset", timeout=10).raise_for_status()
    s3 = boto3.client("s3", endpoint_url=url, region_name="us-east-1")
    s3.create_bucket(Bucket=BUCKET)
    put(s3, DRIFTED, NOON, ONE)
    yield url
    server.stop()


def test_the_command_serves_both_formats_until_it_is_stopped(endpoint: str) -> None:
    with reports.exporter(endpoint, "--input-stream", "input") as url:
        kind, text = reports.get(url)
        assert kind.startswith("text/plain; version=")
        openmetrics = "application/openmetrics-text; version=1.0.0"
        kind, body = reports.get(url, openmetrics)
    assert kind.startswith("application/openmetrics-text")
    families = {family.name: family for family in parser.text_string_to_metric_families(body)}
    assert {"scorewatch_check_failed", "scorewatch_records"} <= families.keys()
    if shutil.which("promtool") is None:
        pytest.skip("promtool is not installed")
    checked = subprocess.run(
        ["promtool", "check", "metrics"], input=text, text=True, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stderr + checked.stdout) == (0, "")


def test_a_port_in_use_is_reported(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    with socket.create_server(("127.0.0.1", 0)) as other:
        assert exporter.main(["--bucket", BUCKET, "--port", str(other.getsockname()[1])]) == 1
    assert "in use" in capsys.readouterr().err
