"""Command line of the embedded AWS: `python -m local COMMAND`."""

import argparse
import json
import signal
import sys
import textwrap
from pathlib import Path
from types import FrameType

from contract.bundle import BundleError
from local import containers, exporter, images, stack, traffic
from ops import bundles, deploy, embedded
from ops.deployment import DeploymentError
from ops.terraform import TerraformError

_INTERRUPTED = 130
_EXPECTED = (
    TerraformError,
    BundleError,
    DeploymentError,
    stack.StackError,
    images.ImageError,
    traffic.NotSeenError,
)
_LEFT = "The embedded AWS still runs: make local-down stops it."


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return the process's exit code."""
    parser = argparse.ArgumentParser(prog="python -m local", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    show = commands.add_parser("demo", help="train, deploy, stream records, monitor, alert")
    show.add_argument(
        "--use-case", default="green_taxi", help="e.g. green_taxi, or the path of a Python file"
    )
    show.add_argument("--rows", type=int, default=2_000, help="records per phase")
    show.add_argument("--keep", action="store_true", help="leave the stack running until Ctrl-C")
    start = commands.add_parser("start", help="start the embedded AWS, apply the champion, leave it running")
    start.add_argument("--use-case", default="green_taxi", help="use case to apply (default: green_taxi)")
    stop = commands.add_parser("stop", help="stop it and delete what it stored")
    stop.add_argument("--all", action="store_true", help="also that of a running demo")
    commands.add_parser("status", help="print the address of the running one")
    commands.add_parser("env", help="print the shell variables for the AWS CLI and Terraform")
    commands.add_parser("images", help="build the images with Docker or Buildah")
    metrics = commands.add_parser("exporter", help="serve /metrics for Prometheus")
    exporter.add_arguments(metrics)
    apply = commands.add_parser("apply", help="apply infra/ to the running one")
    apply.add_argument(
        "--bundle", type=Path, required=True, help="e.g. .scorewatch/bundles/scorewatch-green-taxi/1"
    )
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return _run(parser.parse_args(arguments))
    except KeyboardInterrupt:
        left = embedded.status(stack.STATE)
        print(f"Interrupted. {_LEFT if left else 'Nothing is left running.'}", file=sys.stderr)
        return _INTERRUPTED
    except _EXPECTED as error:
        print(error, file=sys.stderr)
        return 1


def _run(options: argparse.Namespace) -> int:
    if options.command == "demo":
        return _demo(options)
    if options.command == "exporter":
        return exporter.run(options)
    if options.command == "images":
        containers.build_with_sboms()
        print("Both images are built. Next: make integration IMAGES=docker")
        return 0
    if options.command == "start":
        _start(options.use_case)
    elif options.command == "stop":
        stopped = [stack.stop(folder) for folder in (embedded.FOLDERS if options.all else (stack.STATE,))]
        print("Stopped." if any(stopped) else "Nothing was running.")
    elif options.command == "apply":
        outputs = stack.deploy(_running(), options.bundle)
        print(f"Applied. The input stream is {outputs['input_stream']}.")
    else:
        running = _running()
        print(stack.environment_lines(running) if options.command == "env" else running.url)
    return 0


def _start(use_case: str) -> None:
    bundle_dir = bundles.bundle_directory(use_case, None)
    endpoint = stack.start()
    outputs = stack.deploy(endpoint, bundle_dir)
    put = deploy.put_command(outputs["input_stream"], json.dumps(deploy.sample_record(bundle_dir)))
    print(f"""
{use_case} runs on the embedded AWS at {endpoint.url}, model version {outputs["model_version"]}. Try:

  eval "$(.venv/bin/python -m local env)"
{textwrap.indent(put, "  ")}
  make report USE_CASE={use_case}   make audit USE_CASE={use_case}   make local-down""")


def _running() -> stack.Endpoint:
    running = embedded.status(stack.STATE)
    if running is None:
        raise stack.StackError("The embedded AWS is not running: start it with make local-up.")
    return running


def _demo(options: argparse.Namespace) -> int:
    from local import demo  # noqa: PLC0415  # training's packages take seconds to import
    from training.cli import EXPECTED  # noqa: PLC0415  # as above

    try:
        demo.run(options.use_case, rows=options.rows, keep=options.keep)
    except (demo.DemoError, *EXPECTED) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    raise SystemExit(main())
