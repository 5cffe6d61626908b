"""The whole loop on this machine: train, apply, score, land, monitor, alert."""

import json
import signal
import textwrap
import webbrowser
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from contract import layout
from local import drive, stack
from training import pipeline, records
from training.use_case import UseCase

console = Console(highlight=False, soft_wrap=True)


class DemoError(RuntimeError):
    """The loop did not do what it must; the message says where."""


@dataclass(frozen=True)
class Phase:
    """What became of the records of one phase."""

    name: str
    start: datetime
    end: datetime
    sent: int
    landed: dict[str, dict[str, Any]]
    summary: dict[str, Any]
    messages: list[dict[str, str]]


def run(use_case_name: str, state_dir: Path, *, rows: int = 2_000, keep: bool = False) -> None:
    """Run the demo and print what happened. Raises DemoError when the loop doesn't hold."""
    signal.signal(signal.SIGTERM, lambda *_: _interrupt())
    _heading("1/5", f"Train {use_case_name}")
    trained = pipeline.train(use_case_name)
    use_case = UseCase.named(use_case_name)
    with stack.embedded_aws(state_dir) as endpoint:
        _heading("2/5", "Apply the Terraform of infra/ to the embedded AWS")
        outputs = stack.deploy(endpoint, trained.bundle)
        loop = Loop(endpoint.session(), outputs, use_case, trained)
        _heading("3/5", f"Stream {rows:,} ordinary records of {use_case.demo_title('normal')}")
        normal = loop.phase("normal", rows)
        _heading("4/5", f"Stream {rows:,} drifted records of {use_case.demo_title('drifted')}")
        drifted = loop.phase("drifted", rows)
        _heading("5/5", "What happened")
        loop.show(normal, drifted)
        loop.check(normal, drifted)
        if keep:
            loop.hold()
