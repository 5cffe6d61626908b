"""Programs that the tests of the exporter start."""

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import boto3

from tests.local.reports import ROOT

FOLDER = ROOT / "local/prometheus"
PROMETHEUS = FOLDER / "prometheus.yml"


@contextmanager
def program(*command: str | Path, log: Path) -> Iterator[None]:
    with log.open("w") as output, subprocess.Popen(command, stdout=output, stderr=output) as process:
        yield
        assert process.poll() is None, log.read_text()
        process.terminate()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as found:
        return int(found.getsockname()[1])


def client(endpoint: str) -> Any:
    return boto3.client("s3", endpoint_url=endpoint, region_name="us-east-1")


@contextmanager
def prometheus(folder: Path, metrics: str, manager: str) -> Iterator[str]:
    """Run Prometheus with the example, which scrapes each second; yield its address."""
    shutil.copy(FOLDER / "rules.yml", folder)
    text = PROMETHEUS.read_text().replace("interval: 1m", "interval: 1s")
    for example, own in (("127.0.0.1:9464", metrics.split("/")[2]), ("127.0.0.1:9093", manager)):
        assert example in text
        text = text.replace(example, own)
    (folder / "prometheus.yml").write_text(text)
    address = f"127.0.0.1:{free_port()}"
    options = (
        f"--config.file={folder}/prometheus.yml",
        f"--storage.tsdb.path={folder}/prometheus",
        f"--web.listen-address={address}",
    )
    with program("prometheus", *options, log=folder / "prometheus.log"):
        yield f"http://{address}"
