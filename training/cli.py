"""The commands of `python -m training`."""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from rich.console import Console

from training import pipeline
from training.data import DataError
from training.download import DownloadError
from training.onnx_model import ExportError
from training.sources import SourceError
from training.tracking import RegistryError
from training.use_case import UseCaseError

# What a person can put right; anything else is a defect and keeps its traceback.
EXPECTED = (DataError, DownloadError, ExportError, RegistryError, SourceError, UseCaseError)


def main(arguments: list[str] | None = None) -> int:
    """Run one command and return its exit code."""
    options = _parser().parse_args(arguments)
    console = Console(stderr=options.json, highlight=False, soft_wrap=True)
    try:
        result: int = options.run(options, console)
    except EXPECTED as error:
        console.print(f"[red]{type(error).__name__}[/red] {error}", markup=True)
        return 1
    return result


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m training", description="Train models.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    train = commands.add_parser(
        "train",
        help="train a use case, register the model and export its bundle",
        epilog="examples:\n"
        "  python -m training train --use-case green_taxi\n"
        "  SCOREWATCH_DATA=~/trips python -m training train --use-case green_taxi --source folder\n"
        "  python -m training train --use-case my/use_case.py --json | jq -r .bundle",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    train.add_argument("--use-case", required=True, help="a name in training/use_cases, or a file")
    train.add_argument("--source", help="folder, download or synthetic; default: the first that can serve")
    train.add_argument("--workdir", type=Path, default=pipeline.WORKDIR, help="default: %(default)s")
    train.add_argument("--json", action="store_true", help="print one JSON line, and progress to stderr")
    train.set_defaults(run=_train)
    return parser


def _train(options: argparse.Namespace, console: Console) -> int:
    trained = pipeline.train(
        options.use_case,
        options.workdir,
        source=options.source,
        tell=lambda line: console.print(line, markup=False),
    )
    if options.json:
        sys.stdout.write(json.dumps(asdict(trained), default=str) + "\n")
        return 0
    console.print(f"bundle: {trained.bundle}")
    console.print("Next: make demo, or make mlflow to look at the run")
    return 0
