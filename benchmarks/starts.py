"""Cold start and installed size, compared with MLflow."""

import json
import statistics
import subprocess
import sys
import time
from pathlib import Path

import mlflow

from benchmarks import rides
from local import images

STARTS = 5

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
    """Return lines with the time from process start to first scored record."""
    rides.write_bundle(made, folder)
    (folder / "event.json").write_text(json.dumps(rides.event(1)))
    images.prepare(lambda _: None)
    predict = str(images.WORK / "venvs/predict/bin/python")
    tracking = f"sqlite:///{folder}/mlflow.db"
    ours = fresh([predict, "-c", _OURS, str(folder)])
    theirs = fresh([sys.executable, "-W", "ignore", "-c", _MLFLOW, str(folder), uri, tracking])
    return [
        "| cold start: from process start to the first scored record | s | |",
        "|---|---|---|",
        f"| MLflow and scikit-learn | {theirs:.2f} | |",
        f"| the prediction image's environment | {ours:.2f} | **{theirs / ours:.1f}x less** |",
    ]


def fresh(command: list[str]) -> float:
    """Return the median wall time of `command` in new processes, after a warm-up."""
    taken = []
    for _ in range(STARTS + 1):
        started = time.perf_counter()
        subprocess.run(command, check=True, cwd=images.ROOT, capture_output=True)
        taken.append(time.perf_counter() - started)
    return statistics.median(taken[1:])


def sizes() -> list[str]:
    """Return lines with the installed sizes of both images' packages."""
    requirements = images.WORK / "cache/mlflow-baseline.txt"
    requirements.parent.mkdir(parents=True, exist_ok=True)
    requirements.write_text(f"mlflow=={mlflow.__version__}\nboto3\n")
    images.environment("mlflow-baseline", [requirements], lambda _: None, hashes=False)
    ours, theirs = (megabytes(images.WORK / "venvs" / n) for n in ("predict", "mlflow-baseline"))
    return [
        "| installed packages, without bytecode | MB | |",
        "|---|---|---|",
        f"| mlflow (with scikit-learn), boto3 | {theirs:.0f} | |",
        f"| packages of the prediction image | {ours:.0f} | **{theirs / ours:.1f}x less** |",
    ]


def megabytes(folder: Path) -> float:
    """Return the size of the files under `folder`, without bytecode."""
    files = (p for p in folder.rglob("*") if p.is_file() and not p.is_symlink() and p.suffix != ".pyc")
    return sum(p.stat().st_size for p in files) / 1024**2
