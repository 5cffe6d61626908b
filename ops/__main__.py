"""Command line of Terraform checks and deployments: `python -m ops COMMAND`."""

import argparse
import json
import math
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from botocore.exceptions import BotoCoreError, ClientError

from contract.bundle import BundleError
from contract.session import session
from ops import (
    audit,
    base_lock,
    checks,
    deploy,
    deployment,
    drill,
    embedded,
    plan,
    shadow,
    shadow_page,
    terraform_checks,
    versions,
)
from ops.canary import Plan
from ops.deployment import DeploymentError
from ops.terraform import TerraformError

_CHECKS: dict[str, tuple[Callable[[], None], str]] = {
    "fmt": (terraform_checks.fmt, "check the format of the Terraform files"),
    "validate": (terraform_checks.validate, "check that the configuration is valid"),
    "test": (terraform_checks.test, "run terraform test with a mocked provider"),
    "checkov": (terraform_checks.checkov, "run checkov"),
    "provider-lock": (terraform_checks.lock, "write the provider's hashes for every platform"),
    "base-lock": (base_lock.renew, "pin the base images by their current digest"),
    "lint": (terraform_checks.lint, "fmt, validate and checkov"),
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m ops", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, (run, text) in _CHECKS.items():
        commands.add_parser(name, help=text).set_defaults(run=lambda _, run=run: run())
    _add_deployment(commands)
    options = parser.parse_args(arguments)
    try:
        code: int | None = options.run(options)
    except (TerraformError, DeploymentError, BundleError) as error:
        print(error, file=sys.stderr)
        return 1
    except (BotoCoreError, ClientError) as error:
        print(f"AWS returned an error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped. The state is saved: run the same command to continue.", file=sys.stderr)
        return 130
    return code or 0


def _add_deployment(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    live = commands.add_parser("deploy", help="train if needed, build and push the images, apply")
    live.add_argument("--version", help="model version to serve (default: the champion)")
    live.set_defaults(run=lambda options: deploy.deploy(options.use_case, options.version, _plan(options)))
    new, state = _add_release(commands, live)
    beside, against = _add_shadow(commands)
    preview = commands.add_parser("plan", help="show what an apply would change, as a table")
    preview.add_argument("--version", help="model version to serve (default: the live one)")
    preview.add_argument("--markdown", action="store_true", help="print Markdown, for a comment")
    preview.set_defaults(
        run=lambda options: print(
            plan.report(options.use_case, options.version, as_markdown=options.markdown)
        )
    )
    back = commands.add_parser("rollback", help="return to what was live before, or to a model version")
    back.add_argument("--version", help="model version to serve (default: the version live before)")
    back.set_defaults(run=lambda options: _rollback(options.use_case, options.version))
    down = commands.add_parser("destroy", help="remove everything that deploy created")
    down.add_argument("--yes", action="store_true", help="do not ask for confirmation")
    down.set_defaults(run=lambda options: deploy.destroy(options.use_case, sure=options.yes))
    show = commands.add_parser("outputs", help="print the outputs of the deployed stack as JSON")
    show.set_defaults(
        run=lambda options: print(json.dumps(deployment.running_outputs(options.use_case), indent=2))
    )
    check = commands.add_parser("audit", help="reconcile records in with records scored, rejected, given up")
    check.add_argument("--hours", type=float, default=1.0, help="length of the audited range")
    check.set_defaults(run=lambda options: _audit(options.use_case, options.hours))
    restore = commands.add_parser("drill", help="compute a verdict again from the lake alone and compare it")
    restore.add_argument("--window", help="folder of the report, such as 20260302T000000Z-20260303T000000Z")
    restore.set_defaults(run=lambda options: _drill(options.use_case, options.window))
    again = commands.add_parser("retrain", help="train a challenger on the stack's labelled predictions")
    again.add_argument("--days", type=int, default=30, help="how far back to read; default: %(default)s")
    again.set_defaults(run=lambda options: _retrain(options.use_case, options.days))
    own = commands.add_parser("checks", help="upload the configuration of checks of the deployed model")
    own.add_argument("--file", help="checks.json, or bundle for the bundle's (default: the use case's)")
    own.set_defaults(run=lambda options: checks.upload(options.use_case, options.file))
    for command in (live, new, state, beside, against, preview, back, down, show, check, restore, again, own):
        command.add_argument("--use-case", required=True, help="e.g. green_taxi")


def _add_release(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", live: argparse.ArgumentParser
) -> tuple[argparse.ArgumentParser, argparse.ArgumentParser]:
    """Add release and status, and the options of a canary to `live`, too; return the two parsers."""
    new = commands.add_parser("release", help="bring a model version or an image live by a canary")
    new.add_argument("--version", help="model version (default: the champion; with --image the live one)")
    new.add_argument("--image", help="image URI of the prediction function, already pushed")
    new.set_defaults(run=_release)
    state = commands.add_parser("status", help="show what is live, and an interrupted release")
    state.set_defaults(
        run=lambda options: print(
            versions.status(deployment.running_outputs(options.use_case), options.use_case)
        )
    )
    for command in (live, new):
        command.add_argument("--percent", type=_percent, default=Plan.percent, help="batches of the canary")
        command.add_argument("--minutes", type=_duration, default=Plan.minutes, help="its length; 0: none")
    return new, state


def _add_shadow(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]",
) -> tuple[argparse.ArgumentParser, argparse.ArgumentParser]:
    """Add shadow and shadow-compare; return the two parsers."""
    beside = commands.add_parser("shadow", help="score every record with another model, too, apart")
    beside.add_argument("--version", help="model version (default: the challenger, else the champion)")
    beside.add_argument("--image", help="image URI of the function in shadow (default: the live one)")
    beside.add_argument("--hours", type=_duration, default=0.0, help="how far back in the stream to start")
    beside.add_argument("--off", action="store_true", help="remove what scores in shadow")
    beside.set_defaults(run=_shadow)
    against = commands.add_parser("shadow-compare", help="compare the model in shadow with the live one")
    against.add_argument("--hours", type=_duration, help="how far back to read (default: the shadow's start)")
    against.set_defaults(
        run=lambda options: print(
            shadow_page.page(shadow.compare(options.use_case, options.hours), options.use_case)
        )
    )
    return beside, against


def _shadow(options: argparse.Namespace) -> None:
    embedded.select_running(options.use_case)
    if options.off:
        shadow.end(options.use_case)
    else:
        shadow.start(options.use_case, options.version, options.image, options.hours)


def _plan(options: argparse.Namespace) -> Plan:
    return Plan(options.percent, options.minutes)


def _percent(text: str) -> float:
    """Parse a percentage of batches. Raises argparse.ArgumentTypeError."""
    if not 0 < (value := float(text)) <= 50:  # noqa: PLR2004  the new version has the smaller part
        raise argparse.ArgumentTypeError("must be above 0 and at most 50")
    return value


def _duration(text: str) -> float:
    """Parse a number of minutes or hours. Raises argparse.ArgumentTypeError."""
    if not 0 <= (value := float(text)) < math.inf:
        raise argparse.ArgumentTypeError("must be 0 or more")
    return value


def _release(options: argparse.Namespace) -> None:
    embedded.select_running(options.use_case)
    deploy.release(options.use_case, options.version, options.image, _plan(options))


def _rollback(use_case: str, version: str | None) -> int:
    """Roll back; without `version` also make the model champion that is live then."""
    embedded.select_running(use_case)
    before, after = deploy.rollback(use_case, version)
    if version is not None or before == after:
        return 0
    from training import cli  # noqa: PLC0415  its packages take seconds to import

    return cli.main(["rollback", "--use-case", use_case, "--version", after])


def _retrain(use_case: str, days: int) -> int:
    """Look up the stack's lake and retrain on it; return the exit code of training."""
    from training import cli  # noqa: PLC0415  its packages take seconds to import

    bucket = deployment.running_outputs(use_case)["lake_bucket"]
    return cli.main(["retrain", "--use-case", use_case, "--bucket", bucket, "--days", str(days)])


def _audit(use_case: str, hours: float) -> None:
    names = deployment.running_outputs(use_case)
    end = datetime.now(UTC)
    current = session()
    kinesis, s3 = current.client("kinesis"), current.client("s3")
    stream, bucket = names["input_stream"], names["lake_bucket"]
    found = audit.audit(kinesis, s3, stream, bucket, end - timedelta(hours=hours), end)
    print(found)
    problems = [f"{len(found.missing)} records are missing"] if found.missing else []
    if found.damaged:
        problems.append(f"the result is incomplete: {len(found.damaged)} objects are damaged")
    if problems:
        raise DeploymentError("; ".join(problems))


def _drill(use_case: str, window: str | None) -> None:
    names = deployment.running_outputs(use_case)
    if "label_delay_days" not in names:
        raise DeploymentError(
            f"the stack has no output label_delay_days: run make deploy USE_CASE={use_case}"
        )
    stack = drill.Lake(
        session().client("s3"),
        artifacts=names["artifact_bucket"],
        lake=names["lake_bucket"],
        model=names["model_name"],
        label_delay=timedelta(days=names["label_delay_days"]),
    )
    try:
        found = drill.drill(stack, window)
    except drill.DrillError as error:
        raise DeploymentError(str(error)) from error
    print(found)
    if found.differences:
        raise DeploymentError(drill.next_step(stack, found))


if __name__ == "__main__":
    # A cancelled CI job takes a release back as Ctrl-C does.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    raise SystemExit(main())
