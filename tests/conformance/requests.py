"""Facts of our conditional writes, schedules, metrics and deliveries."""

import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError

from contract import conditional
from contract.conditional import ConflictError
from lambda_monitor.checks.minimum import LEAST
from lambda_monitor.checks.service import Sources, check_service
from local.firehose_buffers import Buffers, Target
from local.runtime import Runtime
from tests.conformance.distill import Facts
from tests.conformance.recordings import ROOT

_VARIABLES = ROOT / "infra/variables-monitor.tf"


class _Bucket:
    """S3 that answers every PutObject as recorded."""

    def __init__(self, answer: str) -> None:
        self._code = answer.partition(": ")[2]

    def put_object(self, **_: Any) -> dict[str, str]:
        if self._code:
            raise ClientError({"Error": {"Code": self._code, "Message": "recorded"}}, "PutObject")
        return {"ETag": '"etag"'}


def conditional_writes(recorded: Facts) -> Facts:
    """Return how our conditional write understands each recorded answer."""
    found = {}
    for step, answer in recorded.items():
        bucket: Any = _Bucket(answer)
        try:
            conditional.put(bucket, "bucket", "key", b"", replaces=None)
            found[step] = "accepted"
        except ConflictError as error:
            found[step] = f"refused: {str(error).rpartition(' ')[2]}"
        except ClientError as error:
            found[step] = f"error: {error.response['Error']['Code']}"
    return found


def schedules(expressions: list[str]) -> dict[str, str]:
    """Return whether the stack's variable takes each expression, by Terraform itself."""
    condition = re.search(
        r'variable "schedule".*?condition\s*= (can\(.*?\))\n', _VARIABLES.read_text(), re.DOTALL
    )
    if condition is None:
        raise ValueError(f"{_VARIABLES} has no condition for the variable schedule")
    test = condition.group(1).replace("var.schedule", "e")
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(_VARIABLES, folder)
        taken = subprocess.run(
            ["terraform", "console"],
            input=f"jsonencode([for e in {json.dumps(expressions)} : {test}])\n",
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    answers = zip(expressions, json.loads(json.loads(taken)), strict=True)
    return {expression: "accepted" if taken else "refused" for expression, taken in answers}


class _CloudWatch:
    """CloudWatch that has the recorded metrics, under AWS's namespace and dimension."""

    def __init__(self, values: Mapping[str, list[float]]) -> None:
        self._values, self.asked = values, set[str]()

    def get_paginator(self, _name: str) -> "_CloudWatch":
        return self

    def paginate(self, MetricDataQueries: Any, **_: Any) -> Any:  # noqa: N803 - AWS's name
        results = []
        for query in MetricDataQueries:
            stat = query["MetricStat"]
            metric = stat["Metric"]
            name, dimensions = metric["MetricName"], [d["Name"] for d in metric["Dimensions"]]
            if (metric["Namespace"], dimensions, stat["Stat"]) == ("AWS/Lambda", ["FunctionName"], "Sum"):
                self.asked.add(name)
                results.append({"Id": query["Id"], "Values": self._values.get(name, [])})
        return [{"MetricDataResults": results}]


class _Answering(Runtime):
    """Runtime whose function answers with a recorded error."""

    def _answer(self, *_: Any) -> Any:
        return self.reply

    reply: Any = None


def service_metrics(recorded: Facts) -> Facts:
    """Return the metrics our service check counts, and how our runtime tells a failed invocation."""
    # The check needs more invocations than a recording has; a share does not depend on their number.
    metrics = {
        name: [v * LEAST["service.errors"] for v in values] for name, values in recorded["metrics"].items()
    }
    cloudwatch: Any = _CloudWatch(metrics)
    now = datetime.now(UTC)
    checks = check_service(
        cloudwatch,
        Sources(function="f", stream="s"),
        now - timedelta(hours=1),
        now,
        accounted=0,
        settled=False,
    )
    share = next(check.value for check in checks if check.name == "service.errors")
    found: Facts = {"metrics": {n: v for n, v in recorded["metrics"].items() if n in cloudwatch.asked}}
    found["share of errors"] = share
    if "error" in recorded:
        runtime = _Answering(Path(), Path(), Path(), {})
        runtime.reply = dict.fromkeys(recorded["error"], "")
        reply = runtime.invoke({"FunctionName": "f"}, {}, {})
        found["error"] = recorded["error"] if reply.get("error") else "not seen as one"
    return found


def deliveries(recorded: Facts) -> Facts:
    """Return how many targets our buffers write one message to that is added for each."""
    written: dict[str, bytes] = {}
    buffers = Buffers(lambda _role, bucket, _key, body: written.__setitem__(bucket, body))
    for number in range(recorded["received"]):
        bucket = f"bucket-{number}"
        target = Target("role", bucket, "", "name", "", compress=False, interval=0, size=1_000)
        buffers.add(target, b"message")
    buffers.flush()
    return {"received": len(written), "alike": len(set(written.values())) == 1}
