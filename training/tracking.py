"""MLflow runs, models and aliases."""

import logging
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# No telemetry: training works offline.
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")

import mlflow
import mlflow.data.pandas_dataset
import mlflow.sklearn
from mlflow.data.code_dataset_source import CodeDatasetSource
from mlflow.entities.model_registry import ModelVersion
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from sklearn.pipeline import Pipeline

from training import model_files
from training.data import Table
from training.errors import UserError, describe
from training.use_case import UseCase

CHAMPION = "champion"
CHALLENGER = "challenger"
TRACKING_VARIABLE = "MLFLOW_TRACKING_URI"
ARTIFACTS_VARIABLE = "SCOREWATCH_MLFLOW_ARTIFACTS"
_own_registry: ContextVar[bool] = ContextVar("own_registry", default=False)

for _noisy in (
    "mlflow.store.db.utils",
    "mlflow.utils.environment",
    "mlflow.tracking",
    "mlflow.models",
    "alembic",
):
    logging.getLogger(_noisy).setLevel(logging.ERROR)


class RegistryError(UserError, LookupError):
    """A model, a version or an alias isn't in the registry."""


@dataclass(frozen=True)
class Version:
    """A registered version: its run, and where MLflow keeps its artifacts."""

    name: str
    version: str
    run_id: str
    source: str


@contextmanager
def own_registry(*, enabled: bool = True) -> Iterator[None]:
    """Use the work folder's registry and artifacts within the block.

    MLFLOW_TRACKING_URI and SCOREWATCH_MLFLOW_ARTIFACTS are ignored if `enabled`.
    """
    token = _own_registry.set(enabled)
    try:
        yield
    finally:
        _own_registry.reset(token)


def tracking_uri(workdir: Path) -> str:
    """Return MLFLOW_TRACKING_URI, or a SQLite file in the work folder."""
    return _variable(TRACKING_VARIABLE) or f"sqlite:///{(workdir / 'mlflow.db').resolve()}"


def artifact_root(workdir: Path) -> str:
    """Return SCOREWATCH_MLFLOW_ARTIFACTS (such as s3://bucket/mlflow), or a folder in the work folder."""
    return _variable(ARTIFACTS_VARIABLE) or (workdir / "mlartifacts").resolve().as_uri()


@contextmanager
def tracking(workdir: Path, experiment: str) -> Iterator[MlflowClient]:
    """Use the work folder's MLflow store and `experiment` within the block."""
    workdir.mkdir(parents=True, exist_ok=True)
    given = os.environ.get(TRACKING_VARIABLE)
    mlflow.set_tracking_uri(tracking_uri(workdir))
    try:
        client = MlflowClient()
        if client.get_experiment_by_name(experiment) is None:
            client.create_experiment(experiment, artifact_location=f"{artifact_root(workdir)}/{experiment}")
        mlflow.set_experiment(experiment)
        yield client
    finally:
        # MLflow sets the variable for child processes; the next block must not read it.
        mlflow.set_tracking_uri(None)  # type: ignore[arg-type]  # None resets it
        if given:
            os.environ[TRACKING_VARIABLE] = given


@contextmanager
def looked_up_in(uri: str) -> Iterator[None]:
    """Look models up in the store at `uri` within the block."""
    given, variable = mlflow.get_tracking_uri(), os.environ.get(TRACKING_VARIABLE)
    mlflow.set_tracking_uri(uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(given if variable else None)  # type: ignore[arg-type]  # None resets it
        if variable:
            os.environ[TRACKING_VARIABLE] = variable


def log_model(pipeline: Pipeline, example: Any) -> str:
    """Store the pipeline in the active run as skops; return its URI.

    Loading skops runs no code. Raises ModelFileError for classes that skops can't store.
    """
    types = model_files.stored_types(pipeline)
    with _integers_never_missing():
        signature = mlflow.models.infer_signature(example, pipeline.predict(example))
    model = mlflow.sklearn.log_model(
        pipeline,
        name="model",
        serialization_format="skops",
        skops_trusted_types=types,
        pip_requirements=_requirements(),
        signature=signature,
    )
    uri: str = model.model_uri
    return uri


def log_dataset(table: Table, role: str, target: str) -> None:
    """Log a table's identity as an input of the active run."""
    with _integers_never_missing():
        dataset = mlflow.data.pandas_dataset.from_pandas(
            table.frame,
            source=CodeDatasetSource(tags={"rows_from": table.source}),
            name=role,
            targets=target,
            digest=table.sha256[:36],
        )
        mlflow.log_input(dataset, context=role)


def register(client: MlflowClient, use_case: UseCase, model_uri: str, run_id: str) -> Version:
    """Register a stored model as the next version."""
    try:
        client.create_registered_model(use_case.model_name, description=use_case.title)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    created = client.create_model_version(use_case.model_name, model_uri, run_id=run_id)
    return version_of(created)


def by_alias(client: MlflowClient, name: str, alias: str) -> Version | None:
    """Return the version under `alias`, or None."""
    try:
        found = client.get_model_version_by_alias(name, alias)
    except MlflowException as error:
        if error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
            return None
        raise
    return version_of(found)


@contextmanager
def _integers_never_missing() -> Iterator[None]:
    """Silence MLflow's warning about missing integers.

    The contract refuses a record with a missing integer.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*schema contains integer column")
        yield


def version_of(found: ModelVersion) -> Version:
    """Return the version MLflow describes."""
    return Version(found.name, str(found.version), str(found.run_id), str(found.source))


def load_pipeline(version: Version) -> Pipeline:
    """Return the version's scikit-learn pipeline. Raises RegistryError."""
    try:
        return mlflow.sklearn.load_model(version.source)
    except (MlflowException, OSError) as error:
        raise RegistryError(
            f"the model of {version.name} {version.version} can't be loaded ({describe(error)}): restore its "
            f"artifacts at {version.source}, or promote another version with --anyway"
        ) from error


def log_text(files: dict[str, str | bytes]) -> None:
    """Log small files to the active run; a name may hold folders."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in files.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content.encode() if isinstance(content, str) else content)
        mlflow.log_artifacts(folder)


def _variable(name: str) -> str | None:
    return None if _own_registry.get() else os.environ.get(name)


def _requirements() -> list[str]:
    """Return the pinned packages that load the stored pipeline."""
    from importlib.metadata import version  # noqa: PLC0415

    return [f"{name}=={version(name)}" for name in ("mlflow", "numpy", "pandas", "scikit-learn", "skops")]
