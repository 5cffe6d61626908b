"""A small stack in moto: a bundle of real or synthetic rides, and a lake to put events in."""

import gzip
import json
import tempfile
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import msgspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from contract import bundle, layout, store, timestamps
from contract.events import RecordRef, ground_truth_line, prediction_type
from contract.schema import Contract, DataRef, DType, Feature, Kind, ModelRef, Target, Task
from lambda_monitor.hours import window
from lambda_monitor.hours.store import AthenaPath, HourStore
from lambda_monitor.hours.update import LedgerUpdater
from lambda_monitor.lake.cache import Lease, S3Cache
from lambda_monitor.lake.partitions import landing
from lambda_monitor.profiles.profile import Profile, ProfileSpec
from lambda_monitor.run import Run
from training.calibration import thresholds as calibration

ARTIFACTS = "artifacts"
LAKE = "lake"
HOUR = timedelta(hours=1)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MODEL = ModelRef(name="scorewatch-green-taxi", version="1", run_id="0" * 32)


def contract(version: str = "1", **changes: Any) -> Contract:
    values: dict[str, Any] = {
        "use_case": "green_taxi",
        "task": Task.REGRESSION,
        "id_field": "ride_id",
        "payload_field": "ride",
        "features": [
            Feature(name="PULocationID", kind=Kind.CATEGORICAL, dtype=DType.INT),
            Feature(name="DOLocationID", kind=Kind.CATEGORICAL, dtype=DType.INT),
            Feature(name="trip_distance", kind=Kind.NUMERIC, dtype=DType.FLOAT, minimum=0, maximum=100),
        ],
        "target": Target(name="duration", unit="minutes", decimals=2),
        "model": msgspec.structs.replace(MODEL, version=version),
        "data": DataRef(source="test", sha256="0" * 64, rows=1),
    }
    return Contract(**{**values, **changes})


def predict(distance: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    return np.round(4 + 4.2 * distance**0.8, 2)


def synthetic_rides(count: int, *, seed: int, stretch: float = 1.0) -> pd.DataFrame:
    """Return rides of a synthetic city of 40 zones, distances in miles, durations in minutes."""
    rng = np.random.default_rng(seed)
    weights = 1 / np.arange(1, 41)
    zones = rng.choice(np.arange(1, 41), size=(2, count), p=weights / weights.sum())
    distance = np.round(rng.gamma(2.0, 1.5, count) * stretch, 2)
    duration = np.round(np.maximum(predict(distance) + rng.normal(0, 2, count), 1), 2)
    return pd.DataFrame(
        {"PULocationID": zones[0], "DOLocationID": zones[1], "trip_distance": distance, "duration": duration}
    )


def reference(rows: int = 5000) -> pa.Table:
    """Return the reference of a bundle: rides of the synthetic city."""
    frame = synthetic_rides(rows, seed=99).rename(columns={"duration": bundle.TARGET_COLUMN})
    frame[bundle.PREDICTION_COLUMN] = predict(frame["trip_distance"].to_numpy())
    return pa.Table.from_pandas(frame)


@cache
def limits(rows: int) -> bytes:
    """Return the thresholds of `reference(rows)`."""
    frame = reference(rows).to_pandas()
    return calibration.compute(frame, contract(), window_rows=1000, false_alarm_rate=0.001, seed=1)


LAYOUT = ProfileSpec.of(contract(), reference())


def profiler(table: pa.Table) -> Profile:
    return Profile.of(table, LAYOUT)


class Context:
    """The context that Lambda passes to a handler."""

    def __init__(self, request_id: str = "request") -> None:
        self.aws_request_id = request_id

    def get_remaining_time_in_millis(self) -> int:
        return 300_000


class Killed(BaseException):
    """Stands for a kill of the process."""


def moment(name: str, now: datetime = NOON) -> Run:
    """Return a run of that id with the longest time that Lambda allows."""
    return Run(id=name, now=now, deadline=now + timedelta(minutes=15))


def hours(
    stack: "Stack",
    run: str = "a",
    version: str = "1",
    *,
    now: datetime = NOON,
    counted: Callable[[pa.Table], Profile] = profiler,
    athena: AthenaPath | None = None,
    declared: Contract | None = None,
) -> LedgerUpdater:
    """Return the updater of one version's ledgers, under a lease of `run`."""
    prefix = f"profiles/m/{version}/"
    lease = Lease(stack.s3, LAKE, prefix, moment(run, now))
    return LedgerUpdater(
        stack.s3,
        LAKE,
        declared or contract(version),
        counted,
        store=HourStore(S3Cache(stack.s3, LAKE, prefix), athena),
        may_write=lease.take,
    )


def read_window(
    kept: LedgerUpdater,
    start: datetime = NOON,
    end: datetime = NOON + HOUR,
    *,
    counted: Callable[[pa.Table], Profile] = profiler,
    declared: Contract | None = None,
) -> window.Window:
    """Update the ledgers and return the window, as a monitoring run does."""
    updated = kept.update(landing(start, end))
    return window.read(kept.store, updated, declared or contract(), counted, start, end)


class Stack:
    """Buckets, a topic with a subscribed queue, and methods to fill the lake."""

    def __init__(self) -> None:
        self.s3 = boto3.client("s3")
        self.sns = boto3.client("sns")
        self.sqs = boto3.client("sqs")
        for bucket in (ARTIFACTS, LAKE):
            self.s3.create_bucket(Bucket=bucket)
        self.topic = self.sns.create_topic(Name="alerts")["TopicArn"]
        self.queue = self.sqs.create_queue(QueueName="notifications")["QueueUrl"]
        arn = self.sqs.get_queue_attributes(QueueUrl=self.queue, AttributeNames=["QueueArn"])
        self.sns.subscribe(TopicArn=self.topic, Protocol="sqs", Endpoint=arn["Attributes"]["QueueArn"])
        self._sequence = 0

    def empty(self, *prefixes: str) -> None:
        """Delete the objects under `prefixes` in the lake; all objects if none is given."""
        for prefix in prefixes or ("",):
            for key in self.keys(prefix):
                self.s3.delete_object(Bucket=LAKE, Key=key)

    def environment(self, **changes: str) -> dict[str, str]:
        values = {
            "ARTIFACT_BUCKET": ARTIFACTS,
            "LAKE_BUCKET": LAKE,
            "MODEL_NAME": MODEL.name,
            "MODEL_VERSION": "1",
            "USE_CASE": "green_taxi",
            "ALERT_TOPIC_ARN": self.topic,
            "WINDOW_HOURS": "1",
            "REMINDER_HOURS": "24",
            "LABEL_DELAY_DAYS": "7",
        }
        return {**values, **changes}

    def bundle(self, version: str = "1", *, rows: int = 5000, checks: bytes | None = None) -> None:
        """Upload a bundle whose reference is rides of the synthetic city."""
        self.bundle_of(reference(rows), limits(rows), version, checks)

    def bundle_of(
        self, rows: pa.Table, judged_by: bytes, version: str = "1", checks: bytes | None = None
    ) -> None:
        """Upload a bundle of that reference, those thresholds and that checks.json."""
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / bundle.CONTRACT).write_bytes(contract(version).to_json())
            pq.write_table(rows, folder / bundle.REFERENCE)
            (folder / bundle.THRESHOLDS).write_bytes(judged_by)
            (folder / bundle.MODEL).write_bytes(b"not needed here")
            (folder / bundle.METRICS).write_bytes(b"{}")
            if checks is not None:
                (folder / bundle.CHECKS).write_bytes(checks)
            bundle.write_manifest(folder, MODEL.name, version)
            store.upload(self.s3, ARTIFACTS, folder)

    def events(
        self,
        rides: pd.DataFrame,
        start: datetime = NOON,
        *,
        span: timedelta = timedelta(hours=1),
        version: str = "1",
        prefix: str = "R",
    ) -> list[bytes]:
        """Return one event per ride, arriving evenly over [start, start + span)."""
        declared = contract()
        event = prediction_type(declared)
        model = msgspec.structs.replace(MODEL, version=version)
        lines = []
        predictions = predict(rides["trip_distance"].to_numpy())
        for number, ride in enumerate(rides[declared.feature_names].to_dict("records")):
            self._sequence += 1
            payload = msgspec.Raw(json.dumps(ride).encode())
            arrived = start + span * (number / len(rides))
            record = RecordRef(
                shard=f"shardId-{self._sequence % 2:012d}",
                sequence_number=f"{self._sequence:056d}",
                arrived_at=timestamps.timestamp(arrived),
            )
            lines.append(
                msgspec.json.encode(
                    event(
                        record_id=f"{prefix}{self._sequence}",
                        payload=payload,
                        features=ride,
                        prediction={"duration": float(predictions[number])},
                        model=model,
                        record=record,
                        scored_at=timestamps.timestamp(arrived + timedelta(seconds=1)),
                    )
                )
            )
        return lines

    def put(
        self, lines: Sequence[bytes], hour: datetime = NOON, *, objects: int = 1, packed: bool = True
    ) -> list[str]:
        """Put the lines into an hour's partition, in `objects` objects, and return their keys."""
        keys = []
        for part in range(objects):
            self._sequence += 1
            data = b"".join(line + b"\n" for line in lines[part::objects])
            key = f"{layout.hour_prefix(layout.PREDICTIONS, hour)}part-{self._sequence:09d}.gz"
            self.s3.put_object(Bucket=LAKE, Key=key, Body=gzip.compress(data) if packed else data)
            keys.append(key)
        return keys

    def label(
        self,
        labels: Mapping[str, Any],
        hour: datetime = NOON,
        *,
        packed: bool = True,
        lines: Sequence[bytes] = (),
    ) -> str:
        """Put labels by id into the ground truth's partition of `hour`, and return the object's key."""
        self._sequence += 1
        declared = contract()
        data = b"".join([*(ground_truth_line(declared, i, v) for i, v in labels.items()), *lines])
        key = f"{layout.hour_prefix(layout.GROUND_TRUTH, hour)}part-{self._sequence:09d}.gz"
        self.s3.put_object(Bucket=LAKE, Key=key, Body=gzip.compress(data) if packed else data)
        return key

    def read(self, uri_or_key: str) -> bytes:
        key = uri_or_key.removeprefix(f"s3://{LAKE}/")
        return self.s3.get_object(Bucket=LAKE, Key=key)["Body"].read()

    def gets(self) -> list[str]:
        """Return a list to which each key that is read from now on is added."""
        keys: list[str] = []
        self.s3.meta.events.register(
            "provide-client-params.s3.GetObject", lambda params, **_: keys.append(params["Key"])
        )
        return keys

    def keys(self, prefix: str) -> list[str]:
        return [o["Key"] for o in self.s3.list_objects_v2(Bucket=LAKE, Prefix=prefix).get("Contents", [])]

    def notifications(self) -> list[dict[str, Any]]:
        """Return the notifications that the topic's queue received since the last call.

        `Message` is the mail's text, `Published` what the queue received.
        """
        found = []
        while messages := self.sqs.receive_message(QueueUrl=self.queue, MaxNumberOfMessages=10).get(
            "Messages", []
        ):
            for message in messages:
                received = json.loads(message["Body"])
                published = json.loads(received["Message"])
                found.append({**received, "Message": published["text"], "Published": published})
                self.sqs.delete_message(QueueUrl=self.queue, ReceiptHandle=message["ReceiptHandle"])
        return found
