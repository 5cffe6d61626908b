"""Compatibility: report.json byte by byte, and ledgers of an earlier version."""

import json
from pathlib import Path

import boto3
import pytest

from lambda_monitor import monitor
from lambda_monitor.run import Clients, Span
from lambda_monitor.settings import Settings
from tests.lambda_monitor.synthetic import HOUR, LAKE, NOON, Stack, moment, synthetic_rides

GOLDEN = Path(__file__).with_name("golden")
WINDOWS = {
    "first": (NOON, NOON + HOUR),
    "second": (NOON + HOUR, NOON + 2 * HOUR),
    "both": (NOON, NOON + 2 * HOUR),
    "part": (NOON + HOUR / 2, NOON + 1.5 * HOUR),
}


def fill(stack: Stack) -> None:
    """Upload a bundle and two hours: a plain one with duplicates, a drifted one with a broken line."""
    stack.bundle()
    for hour, stretch in enumerate([1.0, 1.6]):
        start = NOON + hour * HOUR
        rides = synthetic_rides(300, seed=7 + hour, stretch=stretch)
        lines = stack.events(rides, start)
        odd = [lines[0], b"not an event"] if hour else lines[:5]
        stack.put([*lines, *odd], start, packed=False)
        ids = [json.loads(line)["ride_id"] for line in lines]
        stack.label(dict(zip(ids, rides["duration"].tolist(), strict=True)), start, packed=False)


def report(stack: Stack, name: str) -> bytes:
    clients = Clients(
        s3=stack.s3,
        sns=stack.sns,
        cloudwatch=boto3.client("cloudwatch"),
        athena=boto3.client("athena"),
    )
    settings = Settings.from_environment(stack.environment(WINDOW_HOURS="2"))
    start, end = WINDOWS[name]
    run = moment(name, NOON + 5 * HOUR)
    summary = monitor.run(clients, settings, Span(start=start, end=end, asked=True), run)
    return stack.read(summary["report"].replace("report.html", "report.json"))


@pytest.mark.parametrize("name", WINDOWS)
def test_a_window_gives_the_same_report_as_before(stack: Stack, name: str) -> None:
    fill(stack)

    assert report(stack, name).decode() == (GOLDEN / f"{name}.report.json").read_text()


def test_ledgers_written_before_are_read_and_no_object_again(stack: Stack) -> None:
    fill(stack)
    lake = GOLDEN / "lake"
    for path in (p for p in lake.rglob("*") if p.is_file()):
        stack.s3.put_object(Bucket=LAKE, Key=str(path.relative_to(lake)), Body=path.read_bytes())
    read = stack.gets()

    for name in WINDOWS:
        assert report(stack, name).decode() == (GOLDEN / f"{name}.report.json").read_text()

    assert [key for key in read if key.startswith(("predictions/", "ground_truth/"))] == []
