"""Pictures of the dashboard and of a mail: `python -m tests.pictures`, written to docs/.

CloudWatch can't be had here: the dashboard's definition is drawn with the metrics that the scorer and
hourly monitoring runs print, the runs in moto on simulated rides, of which the middle third are longer.
Metrics that AWS itself writes stay empty. The mail is the first one that these runs send.
"""

import argparse
import contextlib
import io
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
import pandas as pd
import pyarrow.parquet as pq
from botocore.config import Config
from moto import mock_aws

from contract import bundle, store
from lambda_monitor import monitor
from lambda_monitor.run import Clients, Span
from lambda_monitor.settings import Settings
from lambda_predict import metrics
from lambda_predict.score import Scorer
from tests.lambda_monitor.synthetic import (
    ARTIFACTS,
    HOUR,
    MODEL,
    NOON,
    Stack,
    contract,
    limits,
    moment,
    reference,
    synthetic_rides,
)
from tests.lambda_predict.synthetic import kinesis, regression, ride
from tests.pictures import draw
from tests.pictures.definition import ROOT

_SETTINGS = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_SESSION_TOKEN": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
}
_RIDES, _BATCHES = 400, 12
_DECLARED = {"value_names": {"PULocationID": "zone", "DOLocationID": "zone"}, "segments": ["PULocationID"]}


def main(arguments: list[str]) -> int:
    """Run the monitor, draw both pictures and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.pictures", description=__doc__)
    parser.add_argument("--hours", type=int, default=24, help="number of hourly runs (default: 24)")
    parser.add_argument("--folder", type=Path, default=ROOT / "docs", help="for the pictures (default: docs)")
    asked = parser.parse_args(arguments)
    os.environ.update(_SETTINGS)
    os.environ.pop("AWS_ENDPOINT_URL", None)
    with mock_aws():
        lines, mails = _runs(Stack(), asked.hours)
    draw.mail(mails[0]["Subject"], mails[0]["Message"], asked.folder / "mail.png")
    draw.dashboard(lines, asked.folder / "dashboard.png")
    print(f"Written: mail.png and dashboard.png in {asked.folder}")  # noqa: T201  # output of the command
    return 0


def _runs(stack: Stack, hours: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the log lines with metrics, and the messages, of all scheduled runs."""
    _bundle(stack)
    topic = stack.topic
    settings = Settings.from_environment(stack.environment(ALERT_TOPIC_ARN=topic, METRIC_LIMIT="20"))
    # Signed as the function signs.
    s3 = boto3.client("s3", config=Config(signature_version="s3v4"))
    clients = Clients(s3=s3, sns=stack.sns, cloudwatch=boto3.client("cloudwatch"), athena=None)
    printed = io.StringIO()
    scorer = Scorer(regression())
    for number in range(hours):
        start = NOON + number * HOUR
        printed.writelines(
            _scored(scorer, _fill(stack, number, drifted=hours // 3 <= number < 2 * hours // 3), start)
        )
        run = moment(str(number), start + HOUR + HOUR / 3)
        with contextlib.redirect_stdout(printed):
            monitor.run(clients, settings, Span(start=start, end=start + HOUR, asked=False), run)
    lines = [json.loads(line) for line in printed.getvalue().splitlines() if '"_aws"' in line]
    return lines, stack.notifications()


def _bundle(stack: Stack) -> None:
    """Upload the bundle of the synthetic city, with names of zones and a segment."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / bundle.CONTRACT).write_bytes(contract(**_DECLARED).to_json())
        pq.write_table(reference(), folder / bundle.REFERENCE)
        (folder / bundle.THRESHOLDS).write_bytes(limits(5000))
        (folder / bundle.MODEL).write_bytes(b"not needed here")
        (folder / bundle.METRICS).write_bytes(b"{}")
        bundle.write_manifest(folder, MODEL.name, "1")
        store.upload(stack.s3, ARTIFACTS, folder)


def _scored(scorer: Scorer, rides: pd.DataFrame, start: datetime) -> Iterator[str]:
    """Score the rides in a batch per five minutes, one broken record in each third; yield the log lines."""
    payloads = rides.drop(columns="duration").to_dict("records")
    for part in range(_BATCHES):
        data = [ride(f"{part}-{n}", **values) for n, values in enumerate(payloads[part::_BATCHES])]
        broken = [ride("broken", trip_distance="far")] if part % 3 == 0 else []
        now = start + HOUR * part / _BATCHES
        batch = scorer.score(kinesis([*data, *broken]), now)
        yield metrics.embedded(batch, 0, MODEL, "green_taxi", now) + "\n"


def _fill(stack: Stack, number: int, *, drifted: bool) -> pd.DataFrame:
    """Put the rides of one hour and their labels into the lake and return them; drifted ones are longer."""
    start = NOON + number * HOUR
    rides = synthetic_rides(_RIDES - 40 * (number % 4), seed=number, stretch=1.5 if drifted else 1.0)
    if drifted:
        rides["duration"] = rides["duration"] * 1.3
    events = stack.events(rides, start)
    stack.put([*events, *events[: number % 3]], start)
    ids = [json.loads(event)["ride_id"] for event in events]
    stack.label(dict(zip(ids, rides["duration"].tolist(), strict=True)), start)
    return rides


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
