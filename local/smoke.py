"""The whole loop on a stack of its own in an AWS account, removed afterwards: `python -m local.smoke`."""

import argparse
import io
import json
import os
import re
import shutil
import signal
import sys
import time
import uuid
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from contract.bundle import CONTRACT, BundleError
from contract.schema import Contract
from contract.session import session
from local import images, stack, traffic
from local.deadlines import Deadlines
from local.loop import Loop, problems, queue_name, share_downloads
from ops import cost, deploy, deployment, image_engines, leftovers
from ops.audit import audit
from ops.deployment import DeploymentError
from ops.terraform import Terraform, TerraformError
from training import pipeline
from training.errors import UserError
from training.use_case import PROJECT, UseCase

ROWS = 2_000
WORK = images.WORK / "smoke"
_MINUTES, _BILLED_HOURS = 30, 2
# The first records wait until the new event source mapping polls.
_SLACK_SECONDS = 300.0
# AWS lists some resources for a minute after their deletion.
_GONE_SECONDS = 180.0
_INTERRUPTED = 130
_NAME = re.compile(r"smoke_[0-9a-f]{8}")
_SETTINGS = {
    "alert_emails": [],
    "delivery_interval_seconds": 1,
    "force_destroy": True,
    "key_deletion_window_days": 7,
    "log_retention_days": 1,
}
_USE_CASE = """from dataclasses import replace

from training.use_case import UseCase

USE_CASE = replace(UseCase.named({use_case!r}), name={name!r})
"""
_EXPECTED = (
    BotoCoreError,
    BundleError,
    ClientError,
    DeploymentError,
    TerraformError,
    UserError,
    cost.CostError,
    traffic.NotSeenError,
)


class SmokeError(RuntimeError):
    """The loop had an unexpected result, or resources remain."""


@dataclass(frozen=True)
class Smoke:
    """A stack of its own; `name` is its use case."""

    name: str

    @property
    def work(self) -> Path:
        """Folder of its model and its copy of infra/."""
        return WORK / self.name

    def removal(self) -> str:
        """Return the command that removes the stack."""
        return f"make smoke REMOVE={self.name}"

    def run(self, use_case: str, rows: int = ROWS) -> None:
        """Train, deploy, run the loop, audit, remove.

        Raises SmokeError for an unexpected result, the errors of the steps, KeyboardInterrupt.
        """
        print(f"If this process is killed, remove the stack with: {self.removal()}")
        bundle = self._train(use_case)
        try:
            found = self._loop(bundle, rows)
        except _EXPECTED as error:
            found = [str(error)]
        except BaseException:
            self.remove()
            raise
        # Also printed here: the removal may fail, too.
        print("".join(f"\nThe smoke test failed: {problem}" for problem in found), file=sys.stderr)
        self.remove()
        if found:
            raise SmokeError(f"The smoke test failed: {'; '.join(found)}")

    def remove(self) -> None:
        """Destroy the stack and check that nothing remains. Raises SmokeError, TerraformError."""
        _start_removal()
        try:
            root = self._root()
            saved = root.state_dir / "scorewatch.tfvars.json"
            if saved.is_file():
                root.destroy(json.loads(saved.read_text()))
            _delete_queue(queue_name(_model(self.name)))
            self._check_gone()
            shutil.rmtree(root.state_dir, ignore_errors=True)
            shutil.rmtree(self.work, ignore_errors=True)
        except BaseException:
            print(f"\nThe stack may still exist, and cost money. Remove it with: {self.removal()}")
            raise

    def _train(self, use_case: str) -> Path:
        _heading("Train")
        share_downloads(self.work)
        file = self.work / f"{self.name}.py"
        file.write_text(_USE_CASE.format(use_case=use_case, name=self.name))
        return pipeline.train(str(file), self.work, own_registry=True).bundle

    def _loop(self, bundle: Path, rows: int) -> list[str]:
        """Deploy and run both phases; return what differs from the expected results."""
        root = self._root()
        wanted = deploy.roll_out(root, bundle, image_engines.find(os.environ), _SETTINGS)
        _heading("A second plan")
        found = [] if root.plan_is_empty(wanted) else ["a second plan is not empty"]
        outputs = root.outputs()
        use_case = UseCase.named(str(self.work / f"{self.name}.py"))
        deadlines = Deadlines.of(outputs, _SLACK_SECONDS)
        contract = Contract.read(bundle / CONTRACT)
        loop = Loop(client, outputs, use_case, contract, WORK / "reports", deadlines)
        start = traffic.now()
        _heading(f"{rows:,} ordinary records: {use_case.demo_title('normal')}")
        normal = loop.phase("normal", rows)
        _heading(f"{rows:,} drifted records: {use_case.demo_title('drifted')}")
        drifted = loop.phase("drifted", rows)
        loop.subscriber.close()
        return found + problems(normal, drifted) + _audit(outputs, start, 2 * rows)

    def _root(self) -> Terraform:
        stack.copy_root(self.work / "root", override="AWS_ENDPOINT_URL" in os.environ)
        state = deployment.STATES / "-".join(deployment.place(self.name))
        root = Terraform(self.work / "root/infra", state_dir=state, env=deployment.environment())
        root.state_dir.mkdir(parents=True, exist_ok=True)
        root.init()
        return root

    def _check_gone(self) -> None:
        def gone() -> bool | None:
            return None if leftovers.by_name(client, self.name) else True

        # What remains after the wait is listed below.
        with suppress(traffic.NotSeenError):
            traffic.wait_for("the end of every resource", gone, seconds=_GONE_SECONDS)
        keys, waiting = leftovers.keys(client, self.name)
        for key in waiting:
            print(f"  KMS deletes key {key}; that is the earliest it allows, and is free of charge")
        if remaining := leftovers.by_name(client, self.name) + keys:
            raise SmokeError("Not removed:\n  " + "\n  ".join(remaining))
        print(f"  nothing named or tagged {self.name} is left")


def _model(use_case: str) -> str:
    return f"{PROJECT}-{use_case.replace('_', '-')}"


def client(service: str) -> Any:
    """Return a client of the environment's account and region."""
    create: Any = session().client  # the stubs overload each service's name
    return create(service, **({"config": traffic.INVOKING} if service == "lambda" else {}))


def confirmed(name: str) -> bool:
    """Describe the run and its cost; return whether the answer is yes.

    Raises DeploymentError if Docker, the region or the credentials are missing.
    """
    image_engines.find(os.environ)
    account, region = deployment.identity()
    dollars, hours = cost.for_hours(_BILLED_HOURS), _BILLED_HOURS
    print(f"""This tests a deployment to account {account}, region {region}.
It creates a stack of its own, {_model(name)}, scores {2 * ROWS:,} records, runs the monitor,
waits for the alert, audits the records and removes everything. It takes about {_MINUTES} minutes.
Cost: at most ${dollars:.2f}, {hours} hours of the stack in docs/cost.md (${cost.monthly()} a month).""")
    try:
        return input("Type yes to continue: ").strip() == "yes"
    except EOFError:
        return False


def main(arguments: list[str] | None = None) -> int:
    """Run or remove a smoke test and return the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m local.smoke", description=__doc__)
    parser.add_argument("--use-case", default="green_taxi", help="model to test with (default: %(default)s)")
    parser.add_argument("--remove", metavar="NAME", help="only remove the stack of an interrupted run")
    options = parser.parse_args(arguments)
    if options.remove and not _NAME.fullmatch(options.remove):
        parser.error(f"{options.remove} is not the name of a smoke test, such as smoke_1a2b3c4d")
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    smoke = Smoke(options.remove or f"smoke_{uuid.uuid4().hex[:8]}")
    try:
        if options.remove:
            smoke.remove()
            return 0
        if not confirmed(smoke.name):
            print("Nothing was created.")
            return 1
        began = time.monotonic()
        smoke.run(options.use_case)
        print(f"\nThe smoke test passed in {(time.monotonic() - began) / 60:.0f} minutes.")
    except KeyboardInterrupt:
        print("Interrupted.", file=sys.stderr)
        return _INTERRUPTED
    except (SmokeError, *_EXPECTED) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _audit(outputs: dict[str, Any], start: datetime, sent: int) -> list[str]:
    _heading("Audit")
    names = outputs["input_stream"], outputs["lake_bucket"]
    found = audit(client("kinesis"), client("s3"), *names, start, traffic.now())
    print(found)
    if (found.received, found.scored, found.missing, found.damaged) == (sent, sent, [], {}):
        return []
    return [f"the audit found {found.scored} of {sent} records scored, {len(found.missing)} missing"]


def _delete_queue(name: str) -> None:
    sqs = client("sqs")
    try:
        sqs.delete_queue(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"])
    except sqs.exceptions.QueueDoesNotExist:
        return


def _start_removal() -> None:
    """Print the heading; if the output was closed, print nowhere, so that the removal goes on."""
    try:
        _heading("Remove everything")
    except OSError:
        sys.stdout = io.StringIO()


def _heading(text: str) -> None:
    print(f"\n{text}", flush=True)


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    raise SystemExit(main())
