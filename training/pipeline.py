"""The steps from rows to a bundle, each a plain function."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import mlflow

from training import export, onnx_model, tracking
from training.data import Table, load
from training.evaluate import evaluate
from training.export import Exported
from training.onnx_model import Parity
from training.sources import Place
from training.tracking import CHAMPION
from training.use_case import Params, UseCase

WORKDIR = Path(".scorewatch")
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Data:
    """The rows of a run: those it learns from and those it is judged on."""

    train: Table
    validation: Table
    source: str


@dataclass(frozen=True)
class Fitted:
    """A fitted pipeline, its ONNX form and how good it is."""

    params: Params
    pipeline: Any
    onnx: bytes
    parity: Parity
    train_metrics: dict[str, float]
    metrics: dict[str, float]


@dataclass(frozen=True)
class Trained:
    """What a training run leaves: a bundle, the registered version, its metrics, its data's source."""

    bundle: Path
    name: str
    version: str
    run_id: str
    metrics: dict[str, float]
    source: str


def train(
    use_case_name: str,
    workdir: Path = WORKDIR,
    *,
    source: str | None = None,
    params: Params | None = None,
    tell: Tell = print,
) -> Trained:
    """Train a use case and export its bundle.

    Raises UseCaseError, SourceError, DataError and ExportError, each saying what to change.
    """
    use_case = UseCase.named(use_case_name)
    place = Place(workdir=workdir)
    data = load_data(use_case, place, source, tell)
    fitted = fit(use_case, data, params)
    tell(f"validated on {len(data.validation.frame):,} rows: {figures(fitted.metrics)}")
    tell(f"ONNX agrees with scikit-learn on every row: {fitted.parity.largest:.1e} apart at most")
    with tracking.tracking(workdir, use_case.name) as client:
        with mlflow.start_run(tags=tags(use_case, data)) as run:
            log_run(use_case, data, fitted)
            example = data.validation.frame[use_case.feature_names].head()
            uri = tracking.log_model(fitted.pipeline, example)
            version = tracking.register(client, use_case, uri, run.info.run_id)
        client.set_registered_model_alias(use_case.model_name, CHAMPION, version.version)
    exported = Exported(version, fitted.onnx, data.train, data.validation, metrics_json(data, fitted))
    folder = export.write(use_case, exported, workdir / "bundles")
    return Trained(folder, version.name, version.version, version.run_id, fitted.metrics, data.source)


def load_data(use_case: UseCase, place: Place, wanted: str | None, tell: Tell) -> Data:
    """Load and wrangle the rows, telling which source gave them and what each rule took away."""
    source = use_case.source(place, wanted)
    for passed in use_case.sources[: list(use_case.sources).index(source)]:
        reason = passed.missing(use_case.parts, place) or "another was asked for"
        tell(f"source {passed.name} not used: {reason}")
    tables = {}
    for role, parts in {"train": use_case.train, "validation": use_case.validation}.items():
        table = tables[role] = load(use_case, parts, source, place)
        tell(f"{role}: {len(table.frame):,} of {table.raw_rows:,} rows from {table.source}")
        for rule, rows in table.dropped.items():
            tell(f"  {rows:,} rows dropped by the rule: {rule}")
    return Data(tables["train"], tables["validation"], source.name)


def fit(use_case: UseCase, data: Data, params: Params | None = None) -> Fitted:
    """Fit and evaluate the use case's pipeline. Raises ExportError when ONNX can't serve it."""
    chosen = use_case.params if params is None else params
    frame = data.train.frame
    pipeline = use_case.pipeline(chosen).fit(frame[use_case.feature_names], frame[use_case.target.name])
    onnx = onnx_model.convert(use_case, pipeline)
    parity = onnx_model.check_parity(use_case, pipeline, onnx, data.validation.frame)
    return Fitted(
        params=chosen,
        pipeline=pipeline,
        onnx=onnx,
        parity=parity,
        train_metrics=evaluate(use_case, pipeline, frame),
        metrics=evaluate(use_case, pipeline, data.validation.frame),
    )


def tags(use_case: UseCase, data: Data) -> dict[str, str]:
    """Return the MLflow tags of a run."""
    return {"use_case": use_case.name, "source": data.source, "rows_from": data.train.source}


def log_run(use_case: UseCase, data: Data, fitted: Fitted) -> None:
    """Log parameters, metrics and the data's identity to the active run."""
    mlflow.log_params({**fitted.params, "seed": use_case.seed})
    mlflow.log_metrics(fitted.metrics)
    mlflow.log_metrics({f"train_{k}": v for k, v in fitted.train_metrics.items()})
    mlflow.log_metric("onnx_largest_difference", fitted.parity.largest)
    for role, table in {"training": data.train, "validation": data.validation}.items():
        tracking.log_dataset(table, role, use_case.target.name)


def metrics_json(data: Data, fitted: Fitted) -> dict[str, Any]:
    """Return what metrics.json holds."""
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


def figures(metrics: dict[str, float]) -> str:
    """Return metrics as people read them."""
    return ", ".join(f"{name} {value:.3f}" for name, value in metrics.items())
