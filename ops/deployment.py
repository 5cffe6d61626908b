"""State and outputs of a use case's stack in the environment's AWS account."""

import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError

from contract.session import RegionError, session
from ops import embedded
from ops.terraform import ROOT, Terraform

STATES = ROOT / "state"
ENVIRONMENTS = ROOT / "environments"

# Variable of the environment that selects the stack's environment; make sets it from ENVIRONMENT.
SELECTOR = "SCOREWATCH_ENVIRONMENT"
_ENVIRONMENT = re.compile(r"([a-z][a-z0-9]{0,9})?")
_SETS_ENVIRONMENT = re.compile(r"^\s*environment\s*=", re.MULTILINE)
_BACKEND = re.compile(r'^\s*backend\s+"(\w+)"', re.MULTILINE)


class DeploymentError(RuntimeError):
    """A missing precondition of a deployment; the message names it and the fix."""


def stack(use_case: str) -> Terraform:
    """Return initialized Terraform for one use case. Raises DeploymentError, TerraformError.

    The state is in the backend of an `infra/*_override.tf`, or else in `infra/state/`: one key or
    folder per account, region, environment and use case. The embedded AWS keeps its state in its folder.
    """
    if local := embedded.find(os.environ.get("AWS_ENDPOINT_URL")):
        if name := environment_name():
            raise DeploymentError(f"{local.url} is the embedded AWS: it has no environment {name}")
        if not local.serves(use_case):
            raise DeploymentError(f"{use_case} is not on {local.url}: run make local-up USE_CASE={use_case}")
        return local.terraform(use_case)
    where = place(use_case)
    root = Terraform(
        ROOT,
        state_dir=STATES / "-".join(where),
        env=environment(),
        backend_config={"key": f"scorewatch/{'/'.join(where)}.tfstate"} if _backend() else {},
        var_files=settings(use_case, where),
    )
    root.state_dir.mkdir(parents=True, exist_ok=True)
    root.init()
    return root


def place(use_case: str) -> list[str]:
    """Return what a state is separate by: endpoint, account, region, environment, use case.

    Endpoint and environment only if there is one.

    Raises DeploymentError.
    """
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    emulator = [re.sub(r"\W+", "-", urlsplit(endpoint).netloc)] if endpoint else []
    name = environment_name()
    return [*emulator, *identity(), *([name] if name else []), use_case]


def settings(use_case: str, where: Sequence[str]) -> tuple[Path, ...]:
    """Return the user's variable files for a stack, later ones override earlier ones.

    They are `<use case>.tfvars` for all its stacks, and `<use case>.<part>.tfvars` for those whose account,
    region or environment is that part. Raises DeploymentError if one sets the environment.
    """
    names = [use_case, *(f"{use_case}.{part}" for part in where[:-1])]
    files = [file for name in names if (file := ENVIRONMENTS / f"{name}.tfvars").is_file()]
    for file in files:
        if _SETS_ENVIRONMENT.search(file.read_text()):
            fix = "remove the line and run make ... ENVIRONMENT=<name>: the state's key contains it"
            raise DeploymentError(f"{file} sets environment: {fix}")
    return tuple(files)


def environment_name() -> str:
    """Return the selected environment of the stack, empty for none. Raises DeploymentError."""
    name = os.environ.get(SELECTOR, "")
    if not _ENVIRONMENT.fullmatch(name):
        raise DeploymentError(
            f"ENVIRONMENT is {name!r}: use 1 to 10 lower-case letters and digits, starting with a letter"
        )
    return name


def environment() -> dict[str, str]:
    """Return the process environment of Terraform: this process's, with the region of its sessions."""
    return {**os.environ, "AWS_REGION": session().region_name}


def outputs(use_case: str) -> dict[str, Any]:
    """Return a stack's outputs. Raises DeploymentError if there is none, TerraformError."""
    found = stack(use_case).outputs()
    if not found:
        raise not_deployed(use_case)
    return found


def not_deployed(use_case: str) -> DeploymentError:
    """Return the error of a stack that does not exist, with the command that deploys it."""
    name = environment_name()
    place, command = (f" in environment {name}", f" ENVIRONMENT={name}") if name else (" here", "")
    return DeploymentError(f"{use_case} is not deployed{place}: run make deploy USE_CASE={use_case}{command}")


def running_outputs(use_case: str) -> dict[str, Any]:
    """Return a stack's outputs; select a running embedded AWS if the environment selects no AWS.

    Raises DeploymentError if there is no stack, TerraformError.
    """
    if local := embedded.select_running(use_case):
        print(f"Embedded AWS at {local.url}:", file=sys.stderr)
    return outputs(use_case)


def identity() -> tuple[str, str]:
    """Return the account id and region of the environment's credentials. Raises DeploymentError."""
    try:
        current = session()
    except RegionError as error:
        raise DeploymentError(str(error)) from error
    try:
        account = current.client("sts").get_caller_identity()["Account"]
    except EndpointConnectionError as error:
        raise DeploymentError(f"{error}: {_unreachable()}") from error
    except (BotoCoreError, ClientError) as error:
        raise DeploymentError(
            f"AWS refused the credentials ({error}): set AWS_PROFILE, or AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY; check them with `aws sts get-caller-identity`"
        ) from error
    return account, current.region_name


def _unreachable() -> str:
    if endpoint := os.environ.get("AWS_ENDPOINT_URL"):
        return f"start what AWS_ENDPOINT_URL={endpoint} names (make local-up), or unset AWS_ENDPOINT_URL"
    return "check the network and AWS_REGION"


def _backend() -> str | None:
    for file in sorted(ROOT.glob("*.tf")):
        if found := _BACKEND.search(Path(file).read_text()):
            return found.group(1)
    return None
