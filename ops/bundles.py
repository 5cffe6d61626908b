"""Bundles on this machine: those of the registry's versions, exported where they are missing."""

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from contract import bundle
from contract.bundle import BundleError
from contract.schema import Contract
from ops.deployment import DeploymentError
from ops.terraform import WORK

if TYPE_CHECKING:
    from training.tracking import Version


def bundle_directory(use_case: str, version: str | None) -> Path:
    """Return the bundle of `version` (None: the champion, trained if there is none).

    A bundle that is missing here, or is of another registry's version of that number, is exported from
    the registry. Raises BundleError, DeploymentError.
    """
    name = model_name(use_case)
    found = None
    if version is None:
        found = registered(name) or _trained(use_case, name)
        version = found.version
    directory = WORK / "bundles" / name / version
    present = (directory / bundle.MANIFEST).is_file()
    if found is None and (not present or os.environ.get("MLFLOW_TRACKING_URI")):
        found = registered(name, version)
    if found is not None and not (present and _run_id(directory) == found.run_id):
        _export(use_case, found)
    elif not present:
        raise BundleError(f"{directory} holds no bundle: run make train USE_CASE={use_case}")
    return directory


def model_name(use_case: str) -> str:
    """Return the name of a use case's model in the registry."""
    return f"scorewatch-{use_case.replace('_', '-')}"


def champion(name: str) -> str | None:
    """Return the version with the champion alias, None without model or alias.

    Raises DeploymentError if the registry can't be read.
    """
    found = registered(name)
    return None if found is None else found.version


def challenger(name: str) -> str | None:
    """Return the version with the challenger alias, None without model or alias.

    Raises DeploymentError if the registry can't be read.
    """
    from training.tracking import CHALLENGER  # noqa: PLC0415  imports for three seconds

    found = registered(name, alias=CHALLENGER)
    return None if found is None else found.version


def registered(name: str, version: str | None = None, alias: str = "champion") -> "Version | None":
    """Return a version in the registry (None: that of the alias), None if it is not there.

    Raises DeploymentError if the registry can't be read.
    """
    from mlflow import MlflowClient  # noqa: PLC0415  imports for three seconds
    from mlflow.exceptions import MlflowException  # noqa: PLC0415  as above

    from training import registry, tracking  # noqa: PLC0415  as above

    uri = tracking.tracking_uri(WORK)
    try:
        client = MlflowClient(uri)
        if version is not None:
            return registry.by_number(client, name, version)
        return tracking.by_alias(client, name, alias)
    except MlflowException as error:
        raise DeploymentError(f"the registry at {uri} can't be read: {error}") from error


def _trained(use_case: str, name: str) -> "Version":
    """Train a use case and return its champion. Raises DeploymentError."""
    print(f"\nTrain {use_case}: the registry has no champion", flush=True)
    train = [sys.executable, "-m", "training", "train", "--use-case", use_case]
    found = None
    if not subprocess.run(train, check=False).returncode:
        found = registered(name)
    if found is None:
        raise DeploymentError(f"training {use_case} failed: its output is above")
    return found


def _export(use_case: str, found: "Version") -> None:
    """Write the bundle stored in the registry. Raises DeploymentError and BundleError."""
    from training import pipeline, tracking  # noqa: PLC0415  imports for seconds
    from training.errors import UserError  # noqa: PLC0415  as above

    uri = tracking.tracking_uri(WORK)
    print(f"\nExport {found.name} {found.version} from the registry {uri}", flush=True)
    try:
        pipeline.export_bundle(use_case, found.version, WORK)
    except UserError as error:
        raise DeploymentError(f"{found.name} {found.version} can't be exported: {error}") from error


def _run_id(directory: Path) -> str:
    return Contract.read(directory / bundle.CONTRACT).model.run_id
