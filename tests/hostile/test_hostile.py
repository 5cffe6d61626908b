"""Hostile records through scoring, lake, monitor, notification and pages."""

import base64
import gzip
import json
import re
import resource
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from moto import mock_aws
from skl2onnx import to_onnx
from skl2onnx.common.data_types import FloatTensorType, StringTensorType
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from contract import bundle, layout, store
from contract.schema import Contract, DType, Feature, Kind
from lambda_monitor import monitor
from lambda_monitor.run import Clients, Span
from lambda_monitor.settings import Settings
from lambda_predict.model import Model
from lambda_predict.score import Batch, Scorer
from tests.hostile.records import MARK, TEXTS, long_categories, records
from tests.lambda_monitor.synthetic import ARTIFACTS, HOUR, LAKE, MODEL, NOON, Stack, contract, moment
from training.calibration import thresholds as calibration

GOOD: dict[str, Any] = {"zone": "a", "distance": 1.5}
ORDINARY = 1_500
LONG_CATEGORIES = 40
# The limits of the deployed function, its result and a message.
SECONDS, MEGABYTES, RESULT_BYTES, MESSAGE_BYTES, SUBJECT = 120, 3008, 6 << 20, 256 << 10, 100
_INVISIBLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
DECLARED = contract(
    features=[
        Feature(name="zone", kind=Kind.CATEGORICAL, dtype=DType.STR, categories=["a", "b", "c"]),
        Feature(name="distance", kind=Kind.NUMERIC, dtype=DType.FLOAT, minimum=0, maximum=100),
    ],
    segments=["zone"],
)


@dataclass(frozen=True)
class Outcome:
    """What one monitoring run of hostile records left behind."""

    sent: int
    batch: Batch
    summary: dict[str, Any]
    pages: dict[str, str]
    messages: list[dict[str, Any]]
    seconds: float


def frame(rows: int, seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    zones = rng.choice(["a", "b", "c"], rows, p=[0.6, 0.3, 0.1])
    return pd.DataFrame({"zone": zones, "distance": rng.gamma(2.0, 1.5, rows).round(2)})


def scorer(declared: Contract) -> Scorer:
    rides = frame(500, seed=0)
    encode = ColumnTransformer(
        [("zone", OneHotEncoder(handle_unknown="ignore"), ["zone"])], remainder="passthrough"
    )
    fitted = make_pipeline(encode, Ridge()).fit(rides, 4 + 3 * rides["distance"])
    types = [("zone", StringTensorType([None, 1])), ("distance", FloatTensorType([None, 1]))]
    return Scorer(Model(declared, to_onnx(fitted, initial_types=types).SerializeToString()))


def upload_bundle(stack: Stack, declared: Contract) -> None:
    reference = frame(3_000, seed=1).assign(prediction=lambda f: 4 + 3 * f["distance"])
    reference["target"] = reference["prediction"]
    limits = calibration.compute(reference, declared, window_rows=1_000, false_alarm_rate=0.001, seed=1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / bundle.CONTRACT).write_bytes(declared.to_json())
        reference.to_parquet(folder / bundle.REFERENCE, index=False)
        (folder / bundle.THRESHOLDS).write_bytes(limits)
        (folder / bundle.MODEL).write_bytes(b"not needed here")
        (folder / bundle.METRICS).write_bytes(b"{}")
        bundle.write_manifest(folder, MODEL.name, "1")
        store.upload(stack.s3, ARTIFACTS, folder)


def kinesis(lines: list[bytes]) -> list[dict[str, Any]]:
    """Return the lines as records that arrived evenly over the hour."""
    return [
        {
            "kinesis": {
                "data": base64.b64encode(line).decode(),
                "sequenceNumber": f"{number:056d}",
                "partitionKey": str(number),
                "approximateArrivalTimestamp": (NOON + HOUR * number / len(lines)).timestamp(),
            },
            "eventID": f"shardId-000000000000:{number:056d}",
        }
        for number, line in enumerate(lines)
    ]


def put(stack: Stack, root: str, lines: list[bytes]) -> None:
    key = f"{layout.hour_prefix(root, NOON)}part-{len(lines)}.gz"
    stack.s3.put_object(Bucket=LAKE, Key=key, Body=gzip.compress(b"".join(lines)))


@pytest.fixture(scope="module")
def outcome() -> Iterator[Outcome]:
    ordinary = [
        json.dumps({"ride_id": f"r{n}", "ride": ride}).encode()
        for n, ride in enumerate(frame(ORDINARY, seed=2).to_dict("records"))
    ]
    lines = [
        *ordinary,
        *records("ride_id", "ride", GOOD, text_feature="zone"),
        *long_categories("ride_id", "ride", GOOD, "zone", LONG_CATEGORIES),
    ]
    with mock_aws(), pytest.MonkeyPatch.context() as patch:
        # Set here as well: this fixture precedes the ones of each test.
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            patch.setenv(name, "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.delenv("AWS_ENDPOINT_URL", raising=False)
        stack = Stack()
        upload_bundle(stack, DECLARED)
        batch = scorer(DECLARED).score(kinesis(lines), NOON + HOUR)
        put(stack, layout.PREDICTIONS, [line.data for line in batch.scored])
        put(stack, layout.REJECTED, [line.data for line in batch.rejected])
        labels = [json.dumps({"ride_id": text, "duration": 9.5}).encode() + b"\n" for text in TEXTS]
        put(stack, layout.GROUND_TRUTH, labels)
        settings = Settings.from_environment(stack.environment())
        clients = Clients(s3=stack.s3, sns=stack.sns, cloudwatch=None, athena=None)  # type: ignore[arg-type]  # not called
        span = Span(start=NOON, end=NOON + HOUR, asked=False)
        started = time.monotonic()
        summary = monitor.run(clients, settings, span, moment("hostile", NOON + HOUR + timedelta(minutes=20)))
        seconds = time.monotonic() - started
        pages = {key: stack.read(key).decode() for key in stack.keys("reports/") if key.endswith(".html")}
        yield Outcome(len(lines), batch, summary, pages, stack.notifications(), seconds)


def test_every_hostile_record_is_scored_or_rejected(outcome: Outcome) -> None:
    rejected = {json.loads(line.data)["record"]["sequence_number"] for line in outcome.batch.rejected}

    assert len(outcome.batch.scored) + len(rejected) == outcome.sent
    assert min(len(outcome.batch.scored) - ORDINARY, len(rejected)) > 100


def test_the_window_has_a_verdict_on_all_of_them(outcome: Outcome) -> None:
    statuses = {check["name"]: check["status"] for check in outcome.summary["checks"]}

    assert outcome.summary["status"] == "alert"
    assert outcome.summary["records"] == len(outcome.batch.scored)
    assert {name for name, status in statuses.items() if status == "error"} == set()
    assert statuses["service.rejected"] == statuses["quality.categories"] == "alert"


class _Tags(HTMLParser):
    """Collects tags with the mark in an attribute."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if MARK in f"{name}{value}":
                self.found.append(f"{tag} {name}={value}")


def test_no_page_has_markup_of_a_record(outcome: Outcome) -> None:
    assert len(outcome.pages) >= 2
    for key, page in outcome.pages.items():
        tags = _Tags()
        tags.feed(page)
        assert tags.found == [], key
        assert re.findall(rf"<[^<>]{{0,80}}>[^<>]{{0,20}}{MARK}=1", page) == [], key
        assert [text for text in TEXTS if "<" in text and text in page] == [], key


def test_the_notification_is_one_short_plain_message(outcome: Outcome) -> None:
    [message] = outcome.messages
    text = message["Message"]

    assert len(message["Subject"]) <= SUBJECT
    assert message["Subject"].isascii()
    assert message["Subject"].isprintable()
    assert len(text.encode()) + len(json.dumps(message["MessageAttributes"])) < MESSAGE_BYTES
    assert _INVISIBLE.findall(text) == []
    assert [line for line in text.splitlines() if line.startswith("Report:")] == [
        f"Report: {outcome.summary['report']}"
    ]


def test_time_memory_and_result_are_within_the_functions_limits(outcome: Outcome) -> None:
    assert outcome.seconds < SECONDS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024 < MEGABYTES
    assert len(json.dumps(outcome.summary)) < RESULT_BYTES
