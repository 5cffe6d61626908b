"""Rights on network interfaces of a function in a VPC, which the recorded stack does not have.

Interfaces have no name of a use case, so that names can't isolate them. Lambda itself uses the rights; what
must hold is that the function's code is denied every one of them.
"""

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ops.terraform import ROOT, Terraform
from tests.iam import grants, proof
from tests.iam.calls import Call
from tests.iam.proof import Surplus

MODULE = ROOT / "modules/function/network.tf"
FUNCTION = "scorewatch-green-taxi-predict"
_PREFIX = "arn:aws:lambda:eu-west-1:123456789012:function:"
_CODE = "lambda:SourceFunctionArn"
_MAIN = f"""
provider "aws" {{
  region                      = "eu-west-1"
  access_key                  = "none"
  secret_key                  = "none"
  skip_credentials_validation = true
  skip_requesting_account_id  = true
  skip_metadata_api_check     = true
}}

variable "name" {{
  default = "{FUNCTION}"
}}

variable "vpc" {{
  default = {{
    interface_arns      = "arn:aws:ec2:eu-west-1:*:*/*"
    function_arn_prefix = "{_PREFIX}"
  }}
}}

resource "aws_iam_role" "this" {{
  name               = "role"
  assume_role_policy = "{{}}"
}}
"""


def policy(work: Path) -> dict[str, Any]:
    """Return the policy that Terraform plans for a function in a VPC. Raises TerraformError."""
    shutil.copy(MODULE, work)
    (work / "main.tf").write_text(_MAIN)
    terraform = Terraform(work, state_dir=work / "state", env=os.environ)
    terraform.init(backend=False)
    changes = terraform.plan({})["resource_changes"]
    [text] = [c["change"]["after"]["policy"] for c in changes if c["type"] == "aws_iam_role_policy"]
    document: dict[str, Any] = json.loads(text)
    return document


def left_to_the_code(document: Mapping[str, Any]) -> list[Surplus]:
    """Return a witness per right that the policy grants the function's code; empty proves none.

    A request of the code names its function; what the policy denies covers it.
    """
    own = ((_CODE.lower(), _PREFIX + FUNCTION),)
    allowed, denied = (_grants(document, effect) for effect in ("Allow", "Deny"))
    covers = [Call(one.role, one.action, one.resource, one.keys) for one in denied]
    return proof.surplus([grants.Grant(g.role, g.sid, g.action, g.resource, own) for g in allowed], covers)


def _grants(document: Mapping[str, Any], effect: str) -> list[grants.Grant]:
    """Return the statements of one effect as grants: patterns of ARNs are read as patterns of text."""
    text = json.dumps([one for one in document["Statement"] if one["Effect"] == effect])
    plain = json.loads(text.replace('"ArnEquals"', '"StringLike"').replace('"Deny"', '"Allow"'))
    return grants.of_role("function", [{"Statement": plain}])
