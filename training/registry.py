"""Registered versions: aliases, metrics and artifacts."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import mlflow
import pandas as pd
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient

from contract.bundle import CONTRACT
from contract.schema import Contract
from training import serving
from training.evaluate import MAIN_METRIC
from training.tracking import CHALLENGER, CHAMPION, RegistryError, Version, by_alias, version_of
from training.use_case import UseCase

BUNDLE = "bundle"
REPORT = "report"
VALIDATION = "validation.parquet"


def find(client: MlflowClient, use_case: UseCase, wanted: str) -> Version:
    """Return a version by number or alias. Raises RegistryError."""
    name = use_case.model_name
    found = by_number(client, name, wanted) if wanted.isdigit() else by_alias(client, name, wanted)
    if found is None:
        known = ", ".join(versions(client, use_case)["version"].astype(str)) or "none yet"
        raise RegistryError(
            f"{name} has no {'version' if wanted.isdigit() else 'alias'} {wanted}; versions are {known}: run "
            f"python -m training train --use-case {use_case.name}"
        )
    return found


def versions(client: MlflowClient, use_case: UseCase) -> pd.DataFrame:
    """Return version, alias, metrics, source and time of every version, oldest first."""
    metric = MAIN_METRIC[use_case.task][0]
    columns = ["version", "alias", metric, "source", "trained_at", "run_id"]
    try:
        aliases = client.get_registered_model(use_case.model_name).aliases
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return pd.DataFrame(columns=columns)
        raise
    rows = []
    for found in client.search_model_versions(f"name = '{use_case.model_name}'"):
        run = client.get_run(str(found.run_id))
        started = datetime.fromtimestamp(run.info.start_time / 1000, UTC)
        alias = ", ".join(a for a, v in sorted(aliases.items()) if str(v) == str(found.version))
        figures = {metric: run.data.metrics[metric], "source": run.data.tags.get("source", "")}
        row = {"version": int(found.version), "alias": alias, **figures}
        rows.append(row | {"trained_at": f"{started:%Y-%m-%d %H:%M}", "run_id": found.run_id})
    return pd.DataFrame(rows, columns=columns).sort_values("version", ignore_index=True)


def challenge(client: MlflowClient, version: Version) -> None:
    """Make `version` the challenger."""
    client.set_registered_model_alias(version.name, CHALLENGER, version.version)


def promote(client: MlflowClient, version: Version) -> None:
    """Make `version` champion and remove its challenger alias.

    Raises BundleError where the scorer can't serve the stored bundle.
    """
    with artifact(version, BUNDLE) as folder:
        serving.check(folder)
    client.set_registered_model_alias(version.name, CHAMPION, version.version)
    challenger = by_alias(client, version.name, CHALLENGER)
    if challenger is not None and challenger.version == version.version:
        client.delete_registered_model_alias(version.name, CHALLENGER)


def contract(version: Version) -> Contract:
    """Return the contract in a version's stored bundle. Raises RegistryError and ContractError."""
    with artifact(version, f"{BUNDLE}/{CONTRACT}") as path:
        return Contract.read(path)


@contextmanager
def artifact(version: Version, path: str) -> Iterator[Path]:
    """Yield a temporary local copy of a run's artifact. Raises RegistryError."""
    with TemporaryDirectory() as folder:
        try:
            local = mlflow.artifacts.download_artifacts(
                run_id=version.run_id, artifact_path=path, dst_path=folder
            )
        except (MlflowException, OSError) as error:
            raise RegistryError(
                f"run {version.run_id} of {version.name} {version.version} has no artifact {path} ({error}): "
                "train again, or adopt the model (python -m training adopt)"
            ) from error
        yield Path(local)


def storage_uri(client: MlflowClient, version: Version) -> str:
    """Return run id, artifact URI and version as JSON."""
    source = client.get_model_version_download_uri(version.name, version.version)
    return json.dumps({"run_id": version.run_id, "source": source, "version": version.version})


def by_number(client: MlflowClient, name: str, number: str) -> Version | None:
    """Return the version of that number, or None."""
    try:
        return version_of(client.get_model_version(name, number))
    except MlflowException as error:
        if error.error_code in {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}:
            return None
        raise
