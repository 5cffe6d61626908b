"""What scoring a record costs: against one record at a time through MLflow, and against the floor."""

import base64
import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import mlflow
import msgspec
import numpy as np
import onnxruntime as ort
from botocore.awsrequest import AWSResponse, HTTPHeaders
from botocore.config import Config

from benchmarks import rides
from lambda_predict import handler as handlers
from lambda_predict.decode import Decoder
from lambda_predict.model import Model
from lambda_predict.publish import Kinesis
from lambda_predict.score import Line, Scorer, _references
from lambda_predict.settings import Settings
from local import images

BATCH = 1_000
BATCHES = (1, 100, 1_000, 10_000)
BASELINE_RECORDS = 300
REPEATS = 15
STARTS = 5
_US = 1_000_000


class Taken:
    """A stream that takes everything at once: the network is not what is measured."""

    limits = (500, 5 * 1024 * 1024)

    def __call__(self, lines: list[Line]) -> list[bool]:
        """Take every line."""
        return [True] * len(lines)


class Context:
    """A context with time enough."""

    def get_remaining_time_in_millis(self) -> int:
        """Return a minute."""
        return 60_000


def cpu(call: Callable[[], Any], records: int, repeats: int = REPEATS) -> float:
    """Return the median CPU of `call`, in microseconds a record, after one call to warm up."""
    call()
    taken = []
    for _ in range(repeats):
        started = time.process_time()
        call()
        taken.append(time.process_time() - started)
    return statistics.median(taken) / records * _US


def kinesis(config: Config | None = None) -> Any:
    """Return a real Kinesis client whose requests are answered before they reach the network."""
    keys = {"aws_access_key_id": "x", "aws_secret_access_key": "x"}
    create: Any = boto3.client  # the stubs overload each service's name
    client = create("kinesis", "eu-west-1", config=config, **keys)

    def answer(request: Any, **_: Any) -> Any:
        taken = {"SequenceNumber": "1", "ShardId": "shardId-000000000000"}
        count = request.body.count(b'"PartitionKey"')
        body = {**taken, "FailedRecordCount": 0, "Records": [taken] * count}
        return AWSResponse(request.url, 200, HTTPHeaders(), _Body(json.dumps(body).encode()))

    client.meta.events.register("before-send.kinesis", answer)
    return client


class _Body(io.BytesIO):
    """A body in the form botocore reads."""

    def stream(self) -> Any:
        """Yield the body."""
        yield self.read()


def run() -> list[str]:
    """Return the section's lines, Markdown."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        models = {kind: rides.build(kind) for kind in rides.ESTIMATORS}
        linear = models["linear"]
        uri = rides.log_to_mlflow(folder)
        baseline = mlflow_loop(uri)
        floor = cpu(floor_of(linear), BATCH)
        ours = cpu(handler_of(linear, BATCH), BATCH)
        with_client = cpu(handler_of(linear, BATCH, Kinesis(kinesis(handlers._ONCE), "output")), BATCH)
        lines = ["| CPU a record, batch of 1,000, linear model | µs | |", "|---|---|---|"]
        lines += [
            f"| MLflow pyfunc, a record and a put_record at a time, boto3 included | {baseline:.1f} | |",
            f"| the handler, its put_records by boto3 included | {with_client:.2f} "
            f"| **{baseline / with_client:.0f}x less** |",
            f"| the floor: base64, JSON, one ONNX run, JSON, nothing checked, nothing put | {floor:.2f} | |",
            f"| the handler, nothing put | {ours:.2f} | **{ours / floor:.2f}x** the floor |",
            "",
            "| µs a record | " + " | ".join(f"batch {n:,}" for n in BATCHES) + " |",
            "|---|" + "---|" * len(BATCHES),
        ]
        for kind, made in models.items():
            cells = [cpu(handler_of(made, n), n, 200 if n == 1 else REPEATS) for n in BATCHES]
            lines.append(f"| {kind} | " + " | ".join(f"{c:.1f}" for c in cells) + " |")
        lines += ["", *stages(linear), "", *starts(linear, uri, folder), "", *sizes()]
    return lines


def mlflow_loop(uri: str) -> float:
    """Return the CPU a record of the usual handler: decode, predict and put one record at a time."""
    model = mlflow.pyfunc.load_model(uri)
    records = rides.event(BASELINE_RECORDS)["Records"]
    client = kinesis()

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
            client.put_record(StreamName="output", PartitionKey=found["ride_id"], Data=json.dumps(event))

    return cpu(loop, BASELINE_RECORDS, 3)


def floor_of(made: rides.Bench) -> Callable[[], Any]:
    """Return the least that any handler does for a batch: no checks, no types, no retries."""
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = ort.InferenceSession(made.onnx, options, providers=["CPUExecutionProvider"])
    decode, encode = msgspec.json.Decoder().decode, msgspec.json.Encoder().encode
    records = rides.event(BATCH)["Records"]
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


def handler_of(made: rides.Bench, rows: int, output: Any = None) -> Callable[[], Any]:
    """Return the real handler on a batch of `rows`, its streams and its log taking everything."""
    settings = Settings("artifacts", "scorewatch-green-taxi", "1", "green_taxi", "output", "rejected")
    started = (settings, Scorer(Model(made.contract, made.onnx)), output or Taken(), Taken())
    event, context = rides.event(rows), Context()
    sink = Path(os.devnull).open("w")  # noqa: SIM115 - lives as long as the measurement

    def call() -> None:
        stdout, sys.stdout = sys.stdout, sink
        handlers.start = lambda: started  # type: ignore[assignment] # AWS is what is left out
        try:
            answer = handlers.handler(event, context)
        finally:
            sys.stdout = stdout
        if answer["batchItemFailures"]:
            raise RuntimeError(f"the handler failed records: {answer}")

    return call


def stages(made: rides.Bench) -> list[str]:
    """Return where the handler's time goes, stage by stage."""
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
        "| stage | µs a record |",
        "|---|---|",
        *(f"| {name} | {value:.2f} |" for name, value in parts.items()),
    ]


_OURS = """
import sys, boto3, pathlib
from lambda_predict.model import Model
from lambda_predict.publish import Kinesis
from lambda_predict.score import Scorer
from lambda_predict.handler import handler
from contract.bundle import Manifest
from contract.schema import Contract
import datetime, json
boto3.client("kinesis", region_name="eu-west-1"); boto3.client("firehose", region_name="eu-west-1")
folder = pathlib.Path(sys.argv[1]); manifest = Manifest.from_json((folder / "manifest.json").read_bytes())
read = lambda name: manifest.verify(name, (folder / name).read_bytes())
scorer = Scorer(Model(Contract.from_json(read("contract.json")), read("model.onnx")))
records = json.loads((folder / "event.json").read_text())["Records"]
batch = scorer.score(records, datetime.datetime.now(datetime.UTC))
assert len(batch.scored) == 1
"""
_MLFLOW = """
import sys, json, base64, pathlib, boto3, mlflow
boto3.client("kinesis", region_name="eu-west-1")
mlflow.set_tracking_uri(sys.argv[3])
model = mlflow.pyfunc.load_model(sys.argv[2])
record = json.loads((pathlib.Path(sys.argv[1]) / "event.json").read_text())["Records"][0]
ride = json.loads(base64.b64decode(record["kinesis"]["data"]))["ride"]
assert len(model.predict({**ride, "PULocationID": "1", "DOLocationID": "2"})) == 1
"""


def starts(made: rides.Bench, uri: str, folder: Path) -> list[str]:
    """Return the time from process start to the first scored record, ours and MLflow's."""
    rides.write_bundle(made, folder)
    (folder / "event.json").write_text(json.dumps(rides.event(1)))
    images.prepare(lambda _: None)
    predict = str(images.WORK / "venvs/predict/bin/python")
    tracking = f"sqlite:///{folder}/mlflow.db"
    ours = fresh([predict, "-c", _OURS, str(folder)])
    theirs = fresh([sys.executable, "-W", "ignore", "-c", _MLFLOW, str(folder), uri, tracking])
    return [
        "| cold start: a fresh process to its first scored record | s | |",
        "|---|---|---|",
        f"| MLflow and scikit-learn | {theirs:.2f} | |",
        f"| the prediction image's environment | {ours:.2f} | **{theirs / ours:.1f}x less** |",
    ]


def fresh(command: list[str]) -> float:
    """Return the median wall time of running `command` in a process of its own, once warmed up."""
    taken = []
    for _ in range(STARTS + 1):
        started = time.perf_counter()
        subprocess.run(command, check=True, cwd=images.ROOT, capture_output=True)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken[1:])


def sizes() -> list[str]:
    """Return the installed sizes of our image's packages and of the usual MLflow image's."""
    requirements = images.WORK / "cache/mlflow-baseline.txt"
    requirements.parent.mkdir(parents=True, exist_ok=True)
    requirements.write_text(f"mlflow=={mlflow.__version__}\nboto3\n")
    images.environment("mlflow-baseline", [requirements], lambda _: None, hashes=False)
    ours, theirs = (megabytes(images.WORK / "venvs" / n) for n in ("predict", "mlflow-baseline"))
    return [
        "| installed packages, without bytecode | MB | |",
        "|---|---|---|",
        f"| mlflow (with scikit-learn), boto3 | {theirs:.0f} | |",
        f"| the prediction image's | {ours:.0f} | **{theirs / ours:.1f}x less** |",
    ]


def megabytes(folder: Path) -> float:
    """Return the size of the files under `folder`, bytecode left out."""
    files = (p for p in folder.rglob("*") if p.is_file() and not p.is_symlink() and p.suffix != ".pyc")
    return sum(p.stat().st_size for p in files) / 1024**2
