"""Reports of real monitoring runs in a bucket, and the exporter that reads them."""

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from contract import layout
from contract.timestamps import parse_timestamp

ROOT = Path(__file__).resolve().parents[2]
BUCKET = "scorewatch-lake"
# Reports that tests/lambda_monitor/test_golden.py compares with those of its runs.
ORDINARY, DRIFTED = (
    json.loads((ROOT / f"tests/lambda_monitor/golden/{name}.report.json").read_text())
    for name in ("first", "second")
)


def put(s3: Any, report: dict[str, Any], start: str, end: str, model: str = "", ran_at: str = "") -> None:
    """Store a report and its run under another window, and model if given."""
    name = model or report["model"]["name"]
    moved = report | {
        "model": report["model"] | {"name": name},
        "window": {"start": start, "end": end},
    }
    prefix = layout.report_prefix(name, parse_timestamp(start), parse_timestamp(end))
    run = {"request_id": "r", "ran_at": ran_at or end, "status": report["status"], "scorewatch": "0"}
    s3.put_object(Bucket=BUCKET, Key=f"{prefix}run.json", Body=json.dumps(run))
    s3.put_object(Bucket=BUCKET, Key=f"{prefix}report.json", Body=json.dumps(moved))


@contextmanager
def exporter(endpoint: str, *options: str) -> Iterator[str]:
    """Run `python -m local exporter` on a bucket of `endpoint`; yield the address of its metrics."""
    command = [sys.executable, "-m", "local", "exporter", "--bucket", BUCKET, "--port", "0", *options]
    env = os.environ | {"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": "us-east-1"}
    with subprocess.Popen(command, cwd=ROOT, env=env, text=True, stdout=subprocess.PIPE) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            yield f"http://{line.split('http://')[1].split('. ')[0]}"
        finally:
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0


def get(url: str, accept: str = "text/plain") -> tuple[str, str]:
    """Return content type and body of a page."""
    request = urllib.request.Request(url, headers={"Accept": accept})  # noqa: S310  an address of this machine
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  as above
        return answer.headers["Content-Type"], answer.read().decode()
