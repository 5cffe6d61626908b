"""State and outputs of a use case's stack in the environment's AWS account."""

import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from contract.session import RegionError, session
from ops.terraform import ROOT, Terraform

STATES = ROOT / "state"
ENVIRONMENTS = ROOT / "environments"

_BACKEND = re.compile(r'^\s*backend\s+"(\w+)"', re.MULTILINE)


class DeploymentError(RuntimeError):
    """A missing precondition of a deployment; the message names it and the fix."""


def stack(use_case: str) -> Terraform:
    """Return initialized Terraform for one use case. Raises DeploymentError, TerraformError.

    The state is in the backend of an `infra/*_override.tf`, or else in `infra/state/`: one
    key or folder per account, region and use case.
    """
    account, region = identity()
    where = [account, region, use_case]
    if endpoint := os.environ.get("AWS_ENDPOINT_URL"):
        where.insert(0, re.sub(r"\W+", "-", urlsplit(endpoint).netloc))
    settings = ENVIRONMENTS / f"{use_case}.tfvars"
    root = Terraform(
        ROOT,
        state_dir=STATES / "-".join(where),
        env={**os.environ, "AWS_REGION": region},
        backend_config={"key": f"scorewatch/{'/'.join(where)}.tfstate"} if _backend() else {},
        var_files=(settings,) if settings.is_file() else (),
    )
    root.state_dir.mkdir(parents=True, exist_ok=True)
    root.init()
    return root


def outputs(use_case: str) -> dict[str, Any]:
    """Return a stack's outputs. Raises DeploymentError if there is none, TerraformError."""
    found = stack(use_case).outputs()
    if not found:
        raise DeploymentError(f"{use_case} is not deployed here: run make deploy USE_CASE={use_case}")
    return found


def identity() -> tuple[str, str]:
    """Return the account id and region of the environment's credentials. Raises DeploymentError."""
    try:
        current = session()
    except RegionError as error:
        raise DeploymentError(str(error)) from error
    try:
        account = current.client("sts").get_caller_identity()["Account"]
    except (BotoCoreError, ClientError) as error:
        raise DeploymentError(
            f"AWS refused the credentials ({error}): set AWS_PROFILE, or AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY; check them with `aws sts get-caller-identity`"
        ) from error
    return account, current.region_name


def _backend() -> str | None:
    for file in sorted(ROOT.glob("*.tf")):
        if found := _BACKEND.search(Path(file).read_text()):
            return found.group(1)
    return None
