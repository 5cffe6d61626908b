"""IAM of the embedded AWS, where it differs from AWS: TLS, keys, roles of services; a record of calls.

MiniStack evaluates a caller's policies for the call. It does not evaluate the use of a key that the call
implies, nor the calls that services make with a role.
"""

import json
import os
import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ministack import app
from ministack.core import iam_actions, iam_evaluator
from ministack.core.iam_evaluator import EvalContext, EvalResult
from ministack.core.responses import get_region
from ministack.services import athena, iam, kinesis, s3, secretsmanager, sns

# Names the file that receives one line of JSON per second and distinct call.
CALLS = "SCOREWATCH_IAM_CALLS"
ALLOW = "Allow"
_ACCOUNT = 4  # position in an ARN
_DECRYPT, _DATA_KEY = "kms:Decrypt", "kms:GenerateDataKey"
# What a call needs on the key of its resource. User guides: "Using SSE-KMS" of S3 (with Bucket Keys, too),
# "Permissions to use user-generated KMS keys" of Kinesis, "Key management" of SNS, "Secret encryption".
_KEY_USE = {
    "s3:GetObject": (_DECRYPT,),
    "s3:PutObject": (_DATA_KEY,),
    "kinesis:PutRecord": (_DATA_KEY,),
    "kinesis:PutRecords": (_DATA_KEY,),
    "kinesis:GetRecords": (_DECRYPT,),
    "sns:Publish": (_DATA_KEY, _DECRYPT),
    "secretsmanager:GetSecretValue": (_DECRYPT,),
}


# Path of one alias, and the actions of its methods. Lambda API reference: GetAlias, UpdateAlias, DeleteAlias.
_ALIAS = re.compile(r"/functions/[^/]+/aliases/[^/]+$")
_ALIAS_ACTIONS = {"GET": "GetAlias", "PUT": "UpdateAlias", "DELETE": "DeleteAlias"}


class _Evaluated(threading.local):
    """Arguments of the first evaluation of a request: the caller's policies, before the resource's."""

    arguments: tuple[EvalContext, Any, tuple[Any, ...]] | None = None


_evaluated = _Evaluated()
_evaluate = iam_evaluator.evaluate
_recorded: dict[str, int] = {}


def complete() -> None:
    """Apply every patch of this module."""
    take_loopback_for_tls()
    name_workgroups_of_queries()
    name_actions_on_aliases()
    authorize_key_use()


def take_loopback_for_tls() -> None:
    """Evaluate aws:SecureTransport as true: clients on this machine use no TLS, which buckets require."""
    app.pin_request_origin = lambda address, _secure: iam_evaluator.pin_request_origin(address, True)  # noqa: FBT003  # MiniStack's parameter


def name_workgroups_of_queries() -> None:
    """Evaluate calls on a query for its workgroup, as AWS does; MiniStack takes "*" for the resource."""
    extract = iam_actions.extract_resource_arn

    def extracted(service: str, method: str, path: str, headers: Any, body: bytes, *rest: Any) -> Any:
        found = extract(service, method, path, headers, body, *rest)
        if service != "athena" or found != "*":
            return found
        query = athena._executions.get(json.loads(body or b"{}").get("QueryExecutionId"))
        region, account = rest[-2:]
        return f"arn:aws:athena:{region}:{account}:workgroup/{query['WorkGroup']}" if query else found

    iam_actions.extract_resource_arn = extracted


def name_actions_on_aliases() -> None:
    """Evaluate calls on one alias of a function for their own actions; MiniStack takes that of the list."""
    name = iam_actions._lambda_action

    def named(method: str, path: str) -> str | None:
        own = _ALIAS_ACTIONS.get(method) if _ALIAS.search(path) else None
        return own or name(method, path)

    iam_actions._lambda_action = named


def authorize_key_use() -> None:
    """Deny calls whose role may not use the key of the resource; record every call of a role."""
    enforce = iam_evaluator.enforce

    def first_evaluated(context: EvalContext, policies: Any, *limits: Any) -> EvalResult:
        if _evaluated.arguments is None:
            _evaluated.arguments = (context, policies, limits)
        return _evaluate(context, policies, *limits)

    def enforced(*arguments: Any, **named: Any) -> Any:
        _evaluated.arguments = None
        denied = enforce(*arguments, **named)
        if _evaluated.arguments is None:
            return denied
        context, policies, limits = _evaluated.arguments
        record(context, ALLOW if denied is None else denied.decision)
        return denied or _denied_key_use(context, policies, limits)

    iam_evaluator.evaluate = first_evaluated
    iam_evaluator.enforce = enforced


def may(role_arn: str, action: str, resource: str, keys: Mapping[str, str] | None = None) -> bool:
    """Return whether a service that uses the role may make a call, and record it; `keys` is its context."""
    account, name = role_arn.split(":")[_ACCOUNT], role_arn.rpartition("/")[2]
    context = EvalContext(
        principal_arn=f"arn:aws:sts::{account}:assumed-role/{name}/service",
        principal_type="AssumedRole",
        principal_account=account,
        action=action,
        resource_arn=resource,
        region=get_region(),
        secure_transport=True,
        service_context={key.lower(): value for key, value in (keys or {}).items()},
    )
    policies = iam_evaluator._gather_role_policies(name, account)
    limits = iam_evaluator._permissions_boundary(iam._roles, name, account)
    decision = _evaluate(context, policies, *limits).decision
    record(context, decision)
    return decision == ALLOW and _denied_key_use(context, policies, limits) is None


def record(context: EvalContext, decision: str) -> None:
    """Write the call to the file that CALLS names, once per second."""
    file, now = os.environ.get(CALLS), time.time()
    if not file:
        return
    call = {
        "principal": context.principal_arn,
        "action": context.action,
        "resource": context.resource_arn,
        "decision": decision,
        "context": context.service_context,
    }
    line = json.dumps(call)
    if _recorded.get(line) != int(now):
        _recorded[line] = int(now)
        # One write per line, since calls are authorized in several threads.
        with Path(file).open("a") as lines:
            lines.write(json.dumps({"at": now} | call) + "\n")


def _denied_key_use(context: EvalContext, policies: Any, limits: Sequence[Any]) -> EvalResult | None:
    """Return the denial of a use of the key, None if the role may use it or there is none."""
    for needed in _key_use(context):
        result: EvalResult = _evaluate(needed, policies, *limits)
        record(needed, result.decision)
        if result.decision != ALLOW:
            result.principal_arn = context.principal_arn
            return result
    return None


def _key_use(context: EvalContext) -> Iterator[EvalContext]:
    actions = _KEY_USE.get(context.action, ())
    key = _key(context.resource_arn) if actions and context.resource_arn.startswith("arn:") else None
    if key is None:
        return
    via = f"{context.action.partition(':')[0]}.{context.region}.amazonaws.com"
    for action in actions:
        yield replace(context, action=action, resource_arn=key, service_context={"kms:viaservice": via})


def _key(resource: str) -> str | None:
    """Return the ARN of the customer's key that encrypts a resource."""
    service, name = resource.split(":")[2], resource.split(":", 5)[-1]
    if service == "s3":
        headers = s3._bucket_default_sse_headers(name.partition("/")[0])
        found = headers.get("x-amz-server-side-encryption-aws-kms-key-id")
    elif service == "kinesis":
        streams = kinesis._streams.values()
        found = next((s.get("KeyId") for s in streams if s.get("StreamARN") == resource), None)
    elif service == "sns":
        topic = sns._topics.get(resource) or {}
        found = (topic.get("attributes") or {}).get("KmsMasterKeyId")
    else:
        secrets = secretsmanager._secrets.values()
        found = next((s.get("KmsKeyId") for s in secrets if s.get("ARN") == resource), None)
    return found if found and found.startswith("arn:") else None
