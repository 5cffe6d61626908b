"""Deploy a use case to the AWS of the environment, roll it back, take it down."""

import json
import os
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from botocore.config import Config

from contract import bundle, store
from contract.bundle import BundleError, Manifest
from contract.schema import Contract
from ops import deployment, docker_images
from ops.deployment import DeploymentError
from ops.terraform import WORK, Terraform

_FOUNDATIONS = ("artifact_bucket", "predict_repository_url", "monitor_repository_url")
_CLIENT = Config(retries={"mode": "standard", "total_max_attempts": 5})


def deploy(use_case: str, version: str | None = None) -> None:
    """Make or change the stack so that it serves `version`, the champion when None.

    The first time the foundations come first: an image needs its repository, a function its image.
    Raises DeploymentError, BundleError, TerraformError.
    """
    docker = docker_images.Docker(os.environ)
    docker.check()
    root = deployment.stack(use_case)
    directory = bundle_directory(use_case, version)
    model = Manifest.from_json((directory / bundle.MANIFEST).read_bytes())
    id_column = {"id_column": Contract.read(directory / bundle.CONTRACT).id_column}
    known = root.outputs()
    if not all(known.get(name) for name in _FOUNDATIONS):
        _say("Foundations: key, streams, buckets, repositories")
        root.apply(variables(use_case, model.version, known) | id_column)
        known = root.outputs()

    _say(f"Model: {model.name} {model.version} from {directory}")
    store.upload(deployment.session().client("s3", config=_CLIENT), known["artifact_bucket"], directory)

    _say("Images")
    wanted = variables(use_case, model.version, known) | id_column
    architecture = root.evaluate("var.architecture", wanted)
    ecr = deployment.session().client("ecr", config=_CLIENT)
    for part in ("predict", "monitor"):
        wanted[f"{part}_image"] = docker_images.publish(
            docker,
            ecr,
            repository_url=known[f"{part}_repository_url"],
            package=f"lambda_{part}",
            architecture=architecture,
        )

    _say("Functions and all the rest")
    root.apply(wanted)
    _next_steps(root.outputs(), directory)


def rollback(use_case: str, version: str) -> None:
    """Serve a version that was deployed before, with the images that run now.

    Raises DeploymentError, BundleError when that version isn't in the bucket, TerraformError.
    """
    root, known = _deployed(use_case)
    if not known.get("predict_function"):
        raise DeploymentError(f"{use_case} serves nothing yet: run make deploy USE_CASE={use_case}")
    if version == known["model_version"]:
        raise DeploymentError(f"{use_case} serves version {version} already")
    store.manifest(
        deployment.session().client("s3", config=_CLIENT),
        known["artifact_bucket"],
        known["model_name"],
        version,
    )
    _say(f"From version {known['model_version']} to {version}")
    root.apply(variables(use_case, version, known))


def destroy(use_case: str, *, sure: bool = False) -> None:
    """Remove the stack and everything it kept, after asking unless `sure`.

    Raises DeploymentError when there is none or the answer is no, TerraformError.
    """
    root, known = _deployed(use_case)
    if not sure:
        print(f"This removes {known['input_stream']}, every prediction in s3://{known['lake_bucket']}")
        print(f"and every model in s3://{known['artifact_bucket']}, in {known['region']}, for good.")
        if input(f"Type {use_case} to go on: ").strip() != use_case:
            raise DeploymentError("nothing was removed")
    wanted = variables(use_case, known["model_version"], known) | {"force_destroy": True}
    _say("Allow buckets and repositories to go with what they hold")
    root.apply(wanted)
    _say("Remove everything")
    root.destroy(wanted)


def variables(use_case: str, version: str, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables that keep what runs, but for the version."""
    return {
        "use_case": use_case,
        "model_version": version,
        "id_column": known.get("id_column"),
        "predict_image": known.get("predict_image"),
        "monitor_image": known.get("monitor_image"),
    }


def bundle_directory(use_case: str, version: str | None) -> Path:
    """Return the exported bundle of one version; of the champion, trained if there is none, when None.

    Raises BundleError, DeploymentError.
    """
    name = f"scorewatch-{use_case.replace('_', '-')}"
    if version is None:
        version = _champion(name)
    if version is None:
        _say(f"Train {use_case}: it has no champion yet")
        train = [sys.executable, "-m", "training", "train", "--use-case", use_case]
        if subprocess.run(train, check=False).returncode:
            raise DeploymentError(f"training {use_case} failed: its output stands above")
        version = _champion(name)
    directory = WORK / "bundles" / name / str(version)
    if not (directory / bundle.MANIFEST).is_file():
        raise BundleError(f"{directory} holds no bundle: run make train USE_CASE={use_case}")
    return directory


def _champion(name: str) -> str | None:
    """Return the version the registry calls champion, None when there is no such model or alias."""
    from mlflow import MlflowClient  # noqa: PLC0415  three seconds that only deploying should cost

    from training import tracking  # noqa: PLC0415  as above

    found = tracking.by_alias(MlflowClient(tracking.tracking_uri(WORK)), name, tracking.CHAMPION)
    return None if found is None else found.version


def _deployed(use_case: str) -> tuple[Terraform, dict[str, Any]]:
    root = deployment.stack(use_case)
    known = root.outputs()
    if not known:
        raise DeploymentError(f"{use_case} is not deployed here: run make deploy USE_CASE={use_case}")
    return root, known


def _next_steps(known: Mapping[str, Any], directory: Path) -> None:
    record = shlex.quote(json.dumps(sample_record(directory)))
    print(f"""
{known["use_case"]} is live in {known["region"]}, model version {known["model_version"]}. Try:

  aws kinesis put-record --stream-name {known["input_stream"]} --partition-key 1 \\
    --cli-binary-format raw-in-base64-out --data {record}
  aws logs tail /aws/lambda/{known["predict_function"]} --follow
  aws s3 ls --recursive s3://{known["lake_bucket"]}/      # within minutes; reports within the hour
  make rollback VERSION=...   make destroy""")


def sample_record(directory: Path) -> dict[str, Any]:
    """Return a record as producers send it, made of the bundle's first reference row."""
    contract = Contract.from_json((directory / bundle.CONTRACT).read_bytes())
    row = pq.ParquetFile(directory / bundle.REFERENCE).iter_batches(1, columns=contract.feature_names)
    return {contract.id_field: "sample-1", contract.payload_field: next(row).to_pylist()[0]}


def _say(text: str) -> None:
    print(f"\n{text}", flush=True)
