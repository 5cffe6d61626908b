"""Stacks of 0.1: the commands that move the state to its key and keep the names of the roles."""

import json
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError

from contract.session import session
from ops import deployment
from ops.deployment import DeploymentError
from ops.terraform import Terraform

_MISSING = {"403", "404", "NoSuchKey", "AccessDenied"}
# Output of every version by which a state tells its account and region.
_KEY = "kms_key_arn"


def check_state(root: Terraform, use_case: str) -> None:
    """Raise DeploymentError with the command that moves the stack's state, if it is under the key of 0.1.

    Up to 0.1 the key had no account and region. To be called for a root without outputs.
    """
    backend = _backend(root)
    old, new = f"scorewatch/{use_case}.tfstate", backend.get("key")
    if not new or deployment.environment_name():
        return
    s3 = session().client("s3", region_name=backend.get("region"))
    try:
        body = s3.get_object(Bucket=backend["bucket"], Key=old)["Body"].read()
    except ClientError as error:
        # Without the right to list, S3 denies what does not exist.
        if error.response["Error"]["Code"] in _MISSING:
            return
        raise
    arn = json.loads(body).get("outputs", {}).get(_KEY, {}).get("value")
    account, region = deployment.identity()
    if not arn or arn.split(":")[3:5] != [region, account]:
        return
    bucket = f"s3://{backend['bucket']}"
    raise DeploymentError(
        f"the state of {use_case} is under the key of 0.1, without account and region. Move it, then run the "
        f"same command again:\n  aws s3 mv {bucket}/{old} {bucket}/{new}"
    )


def check_roles(root: Terraform, known: Mapping[str, Any], variables: Mapping[str, Any]) -> None:
    """Raise DeploymentError with the setting that keeps the stack's roles, if they have names of 0.1.

    A renamed role would create the delivery of predictions again, which starts at the stream's newest
    record: what was not delivered before would be missing from the lake. Resources may be missing.
    """
    name = known.get("prediction_delivery_stream")
    if not name:
        return
    firehose = session().client("firehose")
    try:
        [found] = firehose.describe_delivery_stream(DeliveryStreamName=name)["DeliveryStreamDescription"][
            "Destinations"
        ]
    except firehose.exceptions.ResourceNotFoundException:
        return
    role = found["ExtendedS3DestinationDescription"]["RoleARN"]
    if role.endswith(f"-{known['region']}") or not root.evaluate("var.role_names_with_region", variables):
        return
    file = deployment.ENVIRONMENTS / f"{known['use_case']}.{known['region']}.tfvars"
    raise DeploymentError(
        f"the roles of {known['use_case']} in {known['region']} have the names of 0.1, without the region. "
        "To keep them, and with them the delivery of predictions, run this, then the same command again:\n"
        f"  echo 'role_names_with_region = false' >> {file}"
    )


def _backend(root: Terraform) -> dict[str, Any]:
    """Return the settings of an S3 backend as `terraform init` stored them, empty for another one."""
    file = root.state_dir / "terraform-data/terraform.tfstate"
    if not root.backend_config or not file.is_file():
        return {}
    backend = json.loads(file.read_text()).get("backend", {})
    return dict(backend["config"]) if backend.get("type") == "s3" else {}
