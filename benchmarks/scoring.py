"""CPU per scored record, compared with MLflow and the floor."""

import base64
import io
import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import boto3
import mlflow
import msgspec
import numpy as np
import onnxruntime as ort
from botocore.awsrequest import AWSResponse, HTTPHeaders
from botocore.config import Config

from benchmarks import rides, starts, throughput
from lambda_predict import handler as handlers
from lambda_predict.decode import Decoder
from lambda_predict.model import Model
from lambda_predict.publish import Kinesis
from lambda_predict.score import Line, Scorer, _references
from lambda_predict.settings import Settings

BATCH = 1_000
BATCHES = (1, 100, 1_000, 10_000)
BASELINE_RECORDS = 300
REPEATS = 51
NOTE = "Café \u201cZürich\u201d"
_US = 1_000_000


class Taken:
    """A stream that accepts every line without a network."""

    limits = (500, 5 * 1024 * 1024)
    seconds = 0.0

    def __call__(self, lines: list[Line]) -> list[bool]:
        """Accept every line."""
        return [True] * len(lines)


class Context:
    """A Lambda context with a minute left."""

    def get_remaining_time_in_millis(self) -> int:
        """Return a minute."""
        return 60_000


def cpu(call: Callable[[], Any], records: int, repeats: int = REPEATS) -> float:
    """Return the median CPU of `call` in microseconds per record, after a warm-up."""
    return cpus([call], records, repeats)[0]


def cpus(
    calls: Sequence[Callable[[], Any]],
    records: int,
    repeats: int = REPEATS,
    *,
    of: Callable[[list[float]], float] = statistics.median,
) -> list[float]:
    """Return the CPU of each of `calls`, in turn, so that load affects all alike: the median, or `of`."""
    for call in calls:
        call()
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(repeats):
        for call, times in zip(calls, taken, strict=True):
            started = time.process_time()
            call()
            times.append(time.process_time() - started)
    return [of(times) / records * _US for times in taken]


def kinesis(config: Config | None = None) -> Any:
    """Return a Kinesis client whose requests get a response without a network."""
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
    create: Any = boto3.client  # the stubs overload it per service
    client = create("kinesis", "eu-west-1", config=config, **keys)

    def answer(request: Any, **_: Any) -> Any:
        return AWSResponse(
            request.url, 200, HTTPHeaders(), _Body(_taken(request.body.count(b'"PartitionKey"')))
        )

    client.meta.events.register("before-send.kinesis", answer)
    return client


@cache
def _taken(count: int) -> bytes:
    """Return the service's response; cached, so that building it is not measured."""
    taken = {"SequenceNumber": "1", "ShardId": "shardId-000000000000"}
    return json.dumps({**taken, "FailedRecordCount": 0, "Records": [taken] * count}).encode()


class _Body(io.BytesIO):
    """A response body that botocore can read."""

    def stream(self) -> Any:
        """Yield the body."""
        yield self.read()


def run() -> list[str]:
    """Return the section's Markdown lines."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        models = {kind: rides.build(kind) for kind in rides.ESTIMATORS}
        linear = models["linear"]
        uri = rides.log_to_mlflow(folder)
        baseline, unput = mlflow_loop(uri, kinesis()), mlflow_loop(uri, None)
        put = handler_of(linear, BATCH, Kinesis(kinesis(handlers._ONCE), "output"))
        floor, ours, with_client = cpus([floor_of(linear), handler_of(linear, BATCH), put], BATCH)
        lines = ["| CPU per record, batch of 1,000, linear model | µs | |", "|---|---|---|"]
        lines += [
            f"| MLflow pyfunc, one record and one put_record at a time, boto3 included | {baseline:.1f} | |",
            f"| the handler, put_records by boto3 included | {with_client:.2f} "
            f"| **{baseline / with_client:.0f}x less** |",
            f"| MLflow pyfunc, one record at a time, without puts | {unput:.1f} | |",
            f"| the handler, without puts | {ours:.2f} | **{unput / ours:.0f}x less** |",
            f"| the floor: base64, JSON, one ONNX run, JSON, without validation and puts | {floor:.2f} | |",
            f"| the handler, without puts | {ours:.2f} | **{ours / floor:.2f}x** the floor |",
            *texts(linear),
            *fields(linear),
            "",
            "| µs per record | " + " | ".join(f"batch {n:,}" for n in BATCHES) + " |",
            "|---|" + "---|" * len(BATCHES),
        ]
        for kind, made in models.items():
            cells = [cpu(handler_of(made, n), n, 200 if n == 1 else REPEATS) for n in BATCHES]
            lines.append(f"| {kind} | " + " | ".join(f"{c:.1f}" for c in cells) + " |")
        lines += [
            "",
            *stages(linear),
            client_row(with_client - ours),
            "",
            *starts.starts(linear, uri, folder),
            "",
            *starts.sizes(),
            "",
            *throughput.run(),
        ]
    return lines


def client_row(cost: float) -> str:
    """Return the row of boto3: 1,000 entries serialised, two calls signed, responses parsed."""
    return f"| put_records by boto3 (not in the sum above) | {cost:.2f} |"


def mlflow_loop(uri: str, client: Any) -> float:
    """Return the CPU per record of a one-record loop: decode, predict, put.

    Without a client it puts nothing.
    """
    model = mlflow.pyfunc.load_model(uri)
    records = rides.event(BASELINE_RECORDS)["Records"]

    def loop() -> None:
        for record in records:
            found = json.loads(base64.b64decode(record["kinesis"]["data"]))
            ride = found["ride"]
            features = {
                "PULocationID": str(ride["PULocationID"]),
                "DOLocationID": str(ride["DOLocationID"]),
                "trip_distance": ride["trip_distance"],
            }
            duration = float(model.predict(features)[0])
            event = {"ride_id": found["ride_id"], "prediction": {"duration": duration}}
            line = json.dumps(event)
            if client is not None:
                client.put_record(StreamName="output", PartitionKey=found["ride_id"], Data=line)

    return cpu(loop, BASELINE_RECORDS, 9)


def floor_of(made: rides.Bench, event: Any = None) -> Callable[[], Any]:
    """Return the least work of a handler for a batch: no validation, no retries."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(made.onnx, options, providers=["CPUExecutionProvider"])
    decode, encode = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode
    records = (event or rides.event(BATCH))["Records"]
    kinds = (np.int64, np.int64, np.float32)

    def call() -> None:
        found = [decode(base64.b64decode(r["kinesis"]["data"])) for r in records]
        payloads = [f["ride"] for f in found]
        inputs = {
            n: np.array([p[n] for p in payloads], dtype=kind).reshape(-1, 1)
            for n, kind in zip(rides.FEATURES, kinds, strict=True)
        }
        durations = session.run(None, inputs)[0].reshape(-1).tolist()
        run_id = made.contract.model.run_id
        for r, f, duration in zip(records, found, durations, strict=True):
            encode(
                {
                    "ride_id": f["ride_id"],
                    "ride": f["ride"],
                    "features": f["ride"],
                    "prediction": {"duration": duration},
                    "model": {"name": "scorewatch-green-taxi", "version": "1", "run_id": run_id},
                    "record": {"shard": r["eventID"], "sequence_number": r["kinesis"]["sequenceNumber"]},
                }
            )

    return call


def handler_of(made: rides.Bench, rows: int, output: Any = None, event: Any = None) -> Callable[[], Any]:
    """Return the handler on a batch of `rows`, with streams and log that accept everything."""
    settings = Settings("artifacts", "scorewatch-green-taxi", "1", "green_taxi", "output", "rejected")
    started = (settings, Scorer(Model(made.contract, made.onnx)), output or Taken(), Taken())
    event, context = event or rides.event(rows), Context()
    sink = Path(os.devnull).open("w")  # noqa: SIM115 - stays open during the measurement

    def call() -> None:
        stdout, sys.stdout = sys.stdout, sink
        handlers.start = lambda: started  # type: ignore[assignment] # replaces the clients of AWS
        try:
            answer = handlers.handler(event, context)
        finally:
            sys.stdout = stdout
        if answer["batchItemFailures"]:
            raise RuntimeError(f"the handler failed records: {answer}")

    return call


def texts(made: rides.Bench) -> list[str]:
    """Return the rows of records with an extra text, as UTF-8 and with escapes, each against its floor."""
    lines = []
    for name, escaped in (("accents", False), ("backslashes", True)):
        event = rides.event(BATCH, NOTE, escaped=escaped)
        floor, ours = cpus([floor_of(made, event), handler_of(made, BATCH, event=event)], BATCH)
        lines += [
            f"| the floor, records with {name} | {floor:.2f} | |",
            f"| the handler, records with {name} | {ours:.2f} | **{ours / floor:.2f}x** the floor |",
        ]
    return lines


def fields(made: rides.Bench) -> list[str]:
    """Return the rows of nullable and derived features, each against the same model without them."""
    lines = []
    for name, (declared, event) in rides.variants(made, BATCH).items():
        # The least of many runs: the differences are smaller than the noise of a median.
        calls = [handler_of(made, BATCH), handler_of(declared, BATCH, event=event)]
        plain, ours = cpus(calls, BATCH, 4 * REPEATS, of=min)
        lines += [f"| the handler, {name} | {ours:.2f} | **{ours / plain:.2f}x** the plain contract |"]
    return lines


def stages(made: rides.Bench) -> list[str]:
    """Return the handler's CPU by stage."""
    scorer = Scorer(Model(made.contract, made.onnx))
    decoder = Decoder(made.contract)
    records = rides.event(BATCH)["Records"]
    sources = [r["kinesis"] for r in records]
    arrivals = [source["approximateArrivalTimestamp"] for source in sources]
    data = [base64.b64decode(source["data"]) for source in sources]
    rows: list[Any] = decoder.decode(data)
    columns = [
        list(column) for column in zip(*(msgspec.structs.astuple(r.features) for r in rows), strict=True)
    ]
    whole = cpu(handler_of(made, BATCH), BATCH)
    parts = {
        "base64": cpu(lambda: [base64.b64decode(r["kinesis"]["data"]) for r in records], BATCH),
        "decode and validate": cpu(lambda: decoder.decode(data), BATCH),
        "references and times": cpu(lambda: _references(records, sources, arrivals), BATCH),
        "flags": cpu(lambda: scorer._flags(columns), BATCH),
        "arrays and ONNX": cpu(lambda: scorer.model.predict(columns), BATCH),
    }
    parts["events, JSON, puts, log"] = whole - sum(parts.values())
    return [
        "| stage | µs per record |",
        "|---|---|",
        *(f"| {name} | {value:.2f} |" for name, value in parts.items()),
    ]
