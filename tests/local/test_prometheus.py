"""The example rules and configurations in the real Prometheus and Alertmanager."""

import http.server
import json
import queue
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
import requests
import yaml
from moto.server import ThreadedMotoServer

from tests.local import reports
from tests.local.reports import BUCKET, DRIFTED, ORDINARY, ROOT, put
from tests.local.servers import FOLDER, PROMETHEUS, client, free_port, program, prometheus
from tests.serving import serving

ALERTMANAGER = FOLDER / "alertmanager.yml"
_LONGEST = 90.0


def needs(*programs: str) -> pytest.MarkDecorator:
    """Skip with the names of the programs that are not installed."""
    missing = [program for program in programs if shutil.which(program) is None]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {', '.join(missing)}")


def run(*command: str | Path) -> str:
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@needs("promtool")
def test_each_rule_fires_and_ends() -> None:
    assert "SUCCESS" in run("promtool", "test", "rules", "tests/local/prometheus/rules_test.yml")


def test_each_rule_has_a_test_that_it_fires() -> None:
    rules = yaml.safe_load((FOLDER / "rules.yml").read_text())["groups"][0]["rules"]
    tests = yaml.safe_load((ROOT / "tests/local/prometheus/rules_test.yml").read_text())["tests"]
    fired = {
        case["alertname"] for test in tests for case in test.get("alert_rule_test", ()) if case["exp_alerts"]
    }
    assert fired == {rule["alert"] for rule in rules}


def test_rules_name_only_sections_of_the_documents() -> None:
    for page, anchor in re.findall(r"(docs/[\w-]+\.md)(?:#([\w-]+))?", (FOLDER / "rules.yml").read_text()):
        text = (ROOT / page).read_text()
        titles = {
            re.sub(r"[^\w -]", "", title).lower().replace(" ", "-")
            for title in re.findall(r"^#+ (.+)$", text, re.MULTILINE)
        }
        assert not anchor or anchor in titles | set(re.findall(r'id="([\w-]+)"', text)), anchor


@needs("promtool", "amtool")
def test_the_configurations_are_valid() -> None:
    assert "SUCCESS" in run("promtool", "check", "config", PROMETHEUS)
    assert "SUCCESS" in run("amtool", "check-config", ALERTMANAGER)


def test_the_image_holds_what_the_exporter_imports() -> None:
    code = "import sys, local.exporter; print(*(getattr(m, '__file__', '') for m in sys.modules.values()))"
    loaded = run(sys.executable, "-c", code).split()
    own = {
        str(Path(file).relative_to(ROOT))
        for file in loaded
        if any(Path(file).is_relative_to(ROOT / package) for package in ("local", "lambda_monitor"))
    }
    assert own
    assert {file for file in own if f"{file} " not in (FOLDER / "Dockerfile").read_text()} == set()


_WITHOUT = """
import sys

class Blocked:
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] in sys.argv:
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Blocked())
import local.exporter
"""


def test_the_exporter_starts_with_the_packages_of_its_image_alone() -> None:
    lock = (ROOT / "requirements/exporter.txt").read_text()
    locked = set(re.findall(r"^([\w-]+)==", lock, re.MULTILINE))
    others = [
        module
        for module, names in metadata.packages_distributions().items()
        if not {re.sub(r"[-_.]+", "-", name).lower() for name in names} & locked
    ]
    assert "numpy" in others
    own = ("benchmarks", "contract", "lambda_monitor", "lambda_predict", "local", "ops", "training")
    run(sys.executable, "-c", _WITHOUT, *(module for module in others if module not in own))


class Slack:
    """HTTP server that takes messages as Slack's incoming webhooks do."""

    def __init__(self) -> None:
        self.received: queue.Queue[dict[str, Any]] = queue.Queue()
        received = self.received

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                received.put(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.end_headers()
                self.wfile.write(b"ok")

            def log_message(self, *_: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/services/T0/B0/secret"

    def wait(self, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Return the next message that is wanted; fail after a while."""
        end = time.monotonic() + _LONGEST
        while (left := end - time.monotonic()) > 0:
            try:
                message = self.received.get(timeout=left)
            except queue.Empty:
                break
            if wanted(message):
                return message
        raise AssertionError("the message did not arrive")


@pytest.fixture
def slack() -> Iterator[Slack]:
    found = Slack()
    with found.server, serving(found.server):
        yield found


@pytest.fixture
def endpoint() -> Iterator[str]:
    """Start moto with the bucket of reports."""
    moto = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    moto.start()
    host, port = moto.get_host_and_port()
    requests.post(f"http://{host}:{port}/moto-api/reset", timeout=10).raise_for_status()
    client(f"http://{host}:{port}").create_bucket(Bucket=BUCKET)
    yield f"http://{host}:{port}"
    moto.stop()


@contextmanager
def alertmanager(folder: Path, slack: Slack) -> Iterator[str]:
    """Run Alertmanager with the example, which waits a second only; yield its address."""
    webhook = folder / "webhook"
    webhook.write_text(slack.url)
    text = ALERTMANAGER.read_text().replace("/etc/alertmanager/slack-webhook", str(webhook))
    for example in ("group_wait: 30s", "group_interval: 5m"):
        assert example in text
        text = text.replace(example, f"{example.split()[0]} 1s")
    (folder / "alertmanager.yml").write_text(text)
    address = f"127.0.0.1:{free_port()}"
    options = (
        f"--config.file={folder}/alertmanager.yml",
        f"--storage.path={folder}/alertmanager",
        f"--web.listen-address={address}",
        "--cluster.listen-address=",
    )
    with program("prometheus-alertmanager", *options, log=folder / "alertmanager.log"):
        yield address


@pytest.fixture
def world(tmp_path: Path, slack: Slack, endpoint: str) -> Iterator[Any]:
    """Start exporter, Prometheus and Alertmanager on an ordinary report; yield S3."""
    s3 = client(endpoint)
    put(s3, ORDINARY, "2026-03-02T11:00:00Z", "2026-03-02T12:00:00Z")
    with (
        reports.exporter(endpoint, "--seconds", "1") as metrics,
        alertmanager(tmp_path, slack) as manager,
        prometheus(tmp_path, metrics, manager),
    ):
        yield s3


def drift(message: dict[str, Any]) -> bool:
    return "ScorewatchFeatureDrift" in message["attachments"][0]["title"]


@needs("prometheus", "prometheus-alertmanager")
def test_a_drifted_window_reaches_slack_and_so_does_its_end(world: Any, slack: Slack) -> None:
    put(world, DRIFTED, "2026-03-02T12:00:00Z", "2026-03-02T13:00:00Z")
    message = slack.wait(drift)
    (attachment,) = message["attachments"]
    assert message["channel"] == "#scorewatch"
    assert attachment["title"] == "ScorewatchFeatureDrift scorewatch-green-taxi"
    assert attachment["color"] == "warning"
    assert "drift.feature failed for scorewatch-green-taxi: trip_distance." in attachment["text"]
    check = next(c for c in DRIFTED["checks"] if c["name"] == "drift.feature" and c["status"] == "alert")
    assert f"Value {check['value']:.3g}, limit {check['threshold']:.3g}." in attachment["text"]

    put(world, ORDINARY, "2026-03-02T13:00:00Z", "2026-03-02T14:00:00Z")
    (attachment,) = slack.wait(drift)["attachments"]
    assert attachment["title"] == "Resolved: ScorewatchFeatureDrift scorewatch-green-taxi"
    assert attachment["color"] == "good"
