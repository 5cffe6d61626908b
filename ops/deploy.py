"""Deploy, release, roll back and destroy a use case."""

import json
import os
import shlex
import textwrap
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pyarrow.parquet as pq
from botocore.config import Config

from contract import bundle, store
from contract.bundle import Manifest
from contract.schema import Contract
from contract.session import session
from ops import deployment, docker_images, embedded, image_engines, migration, versions
from ops.bundles import bundle_directory
from ops.canary import Plan
from ops.deployment import DeploymentError
from ops.terraform import Terraform

_PARTS = ("predict", "monitor")
_FOUNDATIONS = ("artifact_bucket", *(f"{part}_repository_url" for part in _PARTS))
_DEFAULT = Plan()
_CLIENT = Config(retries={"mode": "standard", "total_max_attempts": 5})


def deploy(use_case: str, version: str | None = None, plan: Plan = _DEFAULT) -> None:
    """Create or update the stack so that it serves `version` (None: the champion).

    Raises DeploymentError, BundleError, TerraformError; ReturnedError if the canary returned it.
    """
    if local := _embedded():
        fix = f"run make local-up USE_CASE={use_case}, or make release for another model"
        raise DeploymentError(f"{local.url} is the embedded AWS, which takes no images: {fix}")
    root = deployment.stack(use_case)
    current_outputs(root, use_case)
    engine = None
    # Before training, which takes minutes; any version will do.
    if root.evaluate("var.image_repositories", variables(use_case, "0", {})):
        engine = image_engines.find(os.environ)
    directory = bundle_directory(use_case, version)
    roll_out(root, directory, engine, plan=plan)
    _next_steps(root.outputs(), directory)


def roll_out(
    root: Terraform,
    directory: Path,
    engine: image_engines.Engine | None,
    settings: Mapping[str, Any] = MappingProxyType({}),
    plan: Plan = _DEFAULT,
) -> dict[str, Any]:
    """Upload a bundle, publish the images, apply; return the variables of the last apply.

    The first time it applies twice: images need their repositories, functions their images. A stack that
    scores already receives the change by the canary of `plan`. Without `engine` the images are in the
    user's own repositories. `settings` are Terraform variables. Raises
    DeploymentError, BundleError, TerraformError.
    """
    model = Manifest.from_json((directory / bundle.MANIFEST).read_bytes())
    contract = Contract.read(directory / bundle.CONTRACT)
    own = {**settings, "id_column": contract.id_column}
    known = root.outputs()
    if not all(known.get(name) for name in _FOUNDATIONS[: None if engine else 1]):
        _report("Foundations: key, streams, buckets, repositories" if engine else "Everything but the model")
        root.apply(variables(contract.use_case, model.version, known) | own)
        known = root.outputs()

    _report(f"Model: {model.name} {model.version} from {directory}")
    store.upload(session().client("s3", config=_CLIENT), known["artifact_bucket"], directory)

    wanted = (
        variables(contract.use_case, model.version, known if engine else {"shadow": known.get("shadow")})
        | own
    )
    if engine:
        _report("Images")
        wanted |= _publish(engine, known, root.evaluate("var.architecture", wanted))

    _report("Functions and the remaining resources")
    if known.get("release"):
        versions.roll(root, wanted, known, plan)
    else:
        root.apply(wanted)
    return wanted


def _publish(engine: image_engines.Engine, known: Mapping[str, Any], architecture: str) -> dict[str, str]:
    """Build and push both images; return their URIs by variable."""
    ecr = session().client("ecr", config=_CLIENT)
    return {
        f"{part}_image": docker_images.publish(
            engine,
            ecr,
            repository_url=known[f"{part}_repository_url"],
            package=f"lambda_{part}",
            architecture=architecture,
        )
        for part in _PARTS
    }


def release(use_case: str, version: str | None, image: str | None, plan: Plan) -> None:
    """Bring a model version (None: the champion, or the live one with an image) and an image live.

    Raises DeploymentError, BundleError, TerraformError; ReturnedError if the canary returned it.
    """
    root, known = deployed(use_case)
    wanted = current(root, use_case, known)
    if image and not known.get("predict_repository_url"):
        raise DeploymentError("your settings name the images: change predict_image there, run make deploy")
    if image:
        wanted["predict_image"] = image
    if version or not image:
        directory = bundle_directory(use_case, version)
        model = Manifest.from_json((directory / bundle.MANIFEST).read_bytes())
        store.upload(session().client("s3", config=_CLIENT), known["artifact_bucket"], directory)
        contract = Contract.read(directory / bundle.CONTRACT)
        wanted |= {"model_version": model.version, "id_column": contract.id_column}
    versions.roll(root, wanted, known, plan)


def rollback(use_case: str, version: str | None = None) -> tuple[str, str]:
    """Serve what was live before, or model `version` with the current images; return old and new model.

    Raises DeploymentError, BundleError if the version is not in the bucket, TerraformError.
    """
    root, known = deployed(use_case)
    if not known.get("predict_function"):
        raise DeploymentError(f"{use_case} has no functions yet: run make deploy USE_CASE={use_case}")
    base = current(root, use_case, known)
    if version is None:
        return versions.back(root, base, known)
    if version == known["model_version"] and not versions.is_unfinished(known, use_case):
        raise DeploymentError(f"{use_case} already serves version {version}")
    store.manifest(
        session().client("s3", config=_CLIENT),
        known["artifact_bucket"],
        known["model_name"],
        version,
    )
    _report(f"From version {known['model_version']} to {version}")
    if known.get("release"):
        # Without a canary: it was live before, and this may be an emergency.
        versions.roll(root, base | {"model_version": version}, known, Plan(minutes=0), remember=False)
    else:
        root.apply(base | {"model_version": version})
    return known["model_version"], version


def destroy(use_case: str, *, sure: bool = False) -> None:
    """Remove the stack and all stored data, after confirmation unless `sure`.

    Raises DeploymentError if there is no stack or no confirmation, TerraformError.
    """
    root, known = deployed(use_case)
    if not sure:
        print(f"This removes {known['input_stream']}, every prediction in s3://{known['lake_bucket']}")
        print(f"and every model in s3://{known['artifact_bucket']} ({known['region']}) permanently.")
        if input(f"Type {use_case} to continue: ").strip() != use_case:
            raise DeploymentError("nothing was removed")
    wanted = current(root, use_case, known) | {"force_destroy": True}
    _report("Allow the removal of non-empty buckets and repositories")
    root.apply(wanted)
    _report("Remove everything")
    root.destroy(wanted)


def variables(use_case: str, version: str, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return Terraform's variables: environment, version, the outputs' images, id column and shadow.

    Images in repositories of the user's own are not among them: only the user's settings name those.
    """
    images = [f"{part}_image" for part in _PARTS if known.get(f"{part}_repository_url")]
    return {
        "use_case": use_case,
        "environment": deployment.environment_name(),
        "model_version": version,
        "id_column": known.get("id_column"),
        **{name: known[name] for name in images if known.get(name)},
        # Only `make shadow` changes it.
        **({"shadow": found} if (found := known.get("shadow")) else {}),
    }


def current_outputs(root: Terraform, use_case: str) -> dict[str, Any]:
    """Return the outputs. Raises DeploymentError if a stack of 0.1 has to be moved first."""
    known = root.outputs()
    if known:
        version = known.get("model_version", "0")
        migration.check_roles(root, known, variables(use_case, version, known))
    else:
        migration.check_state(root, use_case)
    return known


def current(root: Terraform, use_case: str, known: Mapping[str, Any]) -> dict[str, Any]:
    """Return the variables of what is live; those of the embedded AWS are in its folder only."""
    last = root.last_variables() if _embedded() else {}
    kept = {name: value for name, value in last.items() if not name.startswith("candidate_")}
    return kept | variables(use_case, known["model_version"], known)


def _embedded() -> embedded.Endpoint | None:
    return embedded.find(os.environ.get("AWS_ENDPOINT_URL"))


def deployed(use_case: str) -> tuple[Terraform, dict[str, Any]]:
    """Return Terraform and the outputs of a stack. Raises DeploymentError if there is none."""
    root = deployment.stack(use_case)
    known = current_outputs(root, use_case)
    if not known:
        raise deployment.not_deployed(use_case)
    return root, known


def _next_steps(known: Mapping[str, Any], directory: Path) -> None:
    put = put_command(known["input_stream"], json.dumps(sample_record(directory)))
    selected = f" ENVIRONMENT={name}" if (name := deployment.environment_name()) else ""
    print(f"""
{known["use_case"]} is live in {known["region"]}, model version {known["model_version"]}. Try:

{textwrap.indent(put, "  ")}
  aws logs tail /aws/lambda/{known["predict_function"]} --follow
  aws s3 ls --recursive s3://{known["lake_bucket"]}/      # predictions in minutes, reports hourly
  make rollback{selected} VERSION=...   make destroy{selected}""")


def put_command(stream: str, record: str) -> str:
    """Return a shell command that puts `record` on a stream, for versions 1 and 2 of the AWS CLI."""
    # Version 2 decodes --data as base64 and version 1 does not; both read fileb:// as raw bytes.
    put = f"aws kinesis put-record --stream-name {stream} --partition-key 1 --data fileb:///dev/stdin"
    return f"printf '%s' {shlex.quote(record)} |\n  {put}"


def sample_record(directory: Path) -> dict[str, Any]:
    """Return an input record made from the bundle's first reference row."""
    contract = Contract.from_json((directory / bundle.CONTRACT).read_bytes())
    inputs = {bundle.input_column(i.name): i.name for i in contract.inputs}
    columns = [f.name for f in contract.features if f.derived is None] + list(inputs)
    row = next(pq.ParquetFile(directory / bundle.REFERENCE).iter_batches(1, columns=columns)).to_pylist()[0]
    payload = {
        inputs.get(name, name): f"{value.isoformat()}Z" if isinstance(value, datetime) else value
        for name, value in row.items()
    }
    return {contract.id_field: "sample-1", contract.payload_field: payload}


def _report(text: str) -> None:
    print(f"\n{text}", flush=True)
