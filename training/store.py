"""Store a fitted model: MLflow run, registered version, bundle and page."""

import json
import shutil
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import mlflow
import pandas as pd
from mlflow.tracking import MlflowClient
from sklearn.pipeline import Pipeline

from training import export, figures, page, registry, tracking
from training import lock as data_lock
from training.data import Table
from training.evaluate import MAIN_METRIC, by_segment, losses
from training.export import Exported
from training.gate import Verdict
from training.lock import Lock
from training.onnx_model import Parity
from training.page import Section
from training.tracking import Version
from training.use_case import Params, UseCase

METRICS = "metrics.json"
TRAIN = "train.parquet"
# Source name of labelled records of the lake; their runs store the rows.
LAKE = "lake"
PAGE = "report.html"


@dataclass(frozen=True)
class Data:
    """Training and validation rows of a run."""

    train: Table
    validation: Table
    source: str


@dataclass(frozen=True)
class Fitted:
    """A fitted pipeline, its ONNX form and its metrics."""

    params: Params
    pipeline: Pipeline
    onnx: bytes
    parity: Parity
    train_metrics: dict[str, float]
    metrics: dict[str, float]


@dataclass(frozen=True)
class Logged:
    """A logged run with its model; `folder` is the local report folder."""

    run_id: str
    model_uri: str
    folder: Path


@dataclass(frozen=True)
class Stored:
    """A registered version with the local paths of bundle and page."""

    version: Version
    bundle: Path
    page: Path


def log(client: MlflowClient, use_case: UseCase, data: Data, fitted: Fitted, workdir: Path) -> Logged:
    """Log model, metrics and tables as a run; call within `tracking`.

    Nested where a run is active.
    """
    with mlflow.start_run(nested=mlflow.active_run() is not None, tags=tags(use_case, data)) as run:
        log_numbers(use_case, fitted)
        for role, table in {"training": data.train, "validation": data.validation}.items():
            tracking.log_dataset(table, role, use_case.target.name)
        uri = tracking.log_model(fitted.pipeline, use_case.model_rows(data.validation.frame.head()))
    folder = write_tables(use_case, data, fitted, run.info.run_id, workdir)
    client.log_artifacts(run.info.run_id, str(folder), registry.REPORT)
    return Logged(run.info.run_id, uri, folder)


def register(
    client: MlflowClient, use_case: UseCase, data: Data, fitted: Fitted, logged: Logged, workdir: Path
) -> Stored:
    """Register a logged model and write its bundle, also to its run."""
    version = tracking.register(client, use_case, logged.model_uri, logged.run_id)
    exported = Exported(version, fitted.onnx, data.train, data.validation, metrics_json(data, fitted))
    folder = export.write(use_case, exported, workdir / "bundles")
    client.log_artifacts(version.run_id, str(folder), registry.BUNDLE)
    report = logged.folder.with_name(version.version)
    shutil.rmtree(report, ignore_errors=True)
    logged.folder.rename(report)
    return Stored(version, folder, report / PAGE)


def publish(
    client: MlflowClient,
    use_case: UseCase,
    data: Data,
    fitted: Fitted,
    stored: Stored,
    *,
    verdict: Verdict | None,
) -> None:
    """Write and log the run's page, with the gate's verdict if any."""
    history = registry.versions(client, use_case)
    version = stored.version
    sections = _sections(use_case, data, fitted, stored.page.parent, history)
    title = f"{use_case.title}: version {version.version}"
    subtitle = (
        f"{version.name} {version.version}, {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, run {version.run_id}"
    )
    stored.page.write_text(page.render(title, f"{subtitle}, rows: {data.source}", sections, verdict))
    client.log_artifact(version.run_id, str(stored.page), registry.REPORT)
    if verdict is not None:
        client.log_dict(version.run_id, asdict(verdict), f"{registry.REPORT}/gate.json")
        client.set_tag(version.run_id, "gate", "passed" if verdict.passed else "refused")


def tags(use_case: UseCase, data: Data) -> dict[str, str]:
    """Return the MLflow tags of a run."""
    return {
        "use_case": use_case.name,
        "source": data.source,
        "rows_from": data.train.source,
        "data_sha256": data.train.sha256,
    }


def log_numbers(use_case: UseCase, fitted: Fitted) -> None:
    """Log parameters and metrics to the active run."""
    mlflow.log_params({**fitted.params, "seed": use_case.seed})
    mlflow.log_metrics(
        {
            **fitted.metrics,
            **{f"train_{k}": v for k, v in fitted.train_metrics.items()},
            "onnx_largest_difference": fitted.parity.largest,
        }
    )


def metrics_json(data: Data, fitted: Fitted) -> dict[str, Any]:
    """Return the content of metrics.json."""
    return {
        "validation": fitted.metrics,
        "train": fitted.train_metrics,
        "onnx": asdict(fitted.parity),
        "data": {
            role: {
                "source": table.source,
                "sha256": table.sha256,
                "raw_rows": table.raw_rows,
                "rows": len(table.frame),
                "dropped": table.dropped,
            }
            for role, table in {"train": data.train, "validation": data.validation}.items()
        },
    }


def write_tables(use_case: UseCase, data: Data, fitted: Fitted, run_id: str, workdir: Path) -> Path:
    """Write the report's tables and return their folder.

    These are metrics, lock, held-out rows, importance and segments.
    """
    folder = workdir / "runs" / use_case.model_name / f"run-{run_id}"
    folder.mkdir(parents=True, exist_ok=True)
    rows = data.validation.frame
    lock = Lock.of(use_case.name, data.source, fitted.params, data.train, data.validation)
    (folder / data_lock.FILE).write_bytes(lock.to_json())
    (folder / METRICS).write_text(json.dumps(metrics_json(data, fitted), indent=2) + "\n")
    rows.to_parquet(folder / registry.VALIDATION, index=False)
    if data.source == LAKE:
        data.train.frame.to_parquet(folder / TRAIN, index=False)
    figures.importance(use_case, fitted.pipeline, rows).to_csv(folder / "importance.csv", index=False)
    loss = losses(
        use_case.task,
        rows[use_case.target.name].to_numpy(),
        fitted.pipeline.predict(use_case.model_rows(rows)),
    )
    by_segment(use_case, rows, loss).to_csv(folder / "segments.csv", index=False)
    return folder


def read_tables(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return importance and segments of a report's folder, names and values as text."""
    # Without converters pandas reads NA as missing and 007 as 7.
    importance = pd.read_csv(folder / "importance.csv", converters={"feature": str})
    segments = pd.read_csv(folder / "segments.csv", converters={"segment": str, "value": str})
    return importance, segments


def _sections(
    use_case: UseCase, data: Data, fitted: Fitted, folder: Path, history: pd.DataFrame
) -> list[Section]:
    importance, segments = read_tables(folder)
    numbers = pd.DataFrame(
        {
            "metric": list(fitted.metrics),
            "held-out rows": list(fitted.metrics.values()),
            "training rows": list(fitted.train_metrics.values()),
        }
    )
    sections = [
        Section("Metrics", table=numbers),
        Section("Errors", picture=figures.errors_picture(use_case, fitted.pipeline, data.validation.frame)),
        Section("Importance of features", picture=figures.importance_picture(use_case, importance)),
    ]
    if picture := figures.segments_picture(use_case, segments):
        sections.append(Section("By segment", picture=picture))
    return [
        *sections,
        Section(
            "Versions",
            f"{MAIN_METRIC[use_case.task][0]} of each version on its held-out rows",
            picture=figures.versions_picture(use_case, history),
            table=history.drop(columns="run_id"),
        ),
        *(
            _rules(role, table)
            for role, table in {"train": data.train, "validation": data.validation}.items()
        ),
        Section("Parameters", table=pd.DataFrame(fitted.params.items(), columns=["parameter", "value"])),
    ]


def _rules(role: str, table: Table) -> Section:
    text = (
        f"{len(table.frame):,} of {table.raw_rows:,} rows kept, from {table.source}; SHA-256 {table.sha256}"
    )
    dropped = pd.DataFrame(table.dropped.items(), columns=["rule", "rows dropped"])
    return Section(f"Rows: {role}", text, table=dropped if table.dropped else None)
