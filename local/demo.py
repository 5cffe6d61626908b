"""Demo: train, apply, score, store, monitor and alert on this machine."""

import json
import os
import textwrap
import time

from contract.bundle import CONTRACT
from contract.schema import Contract
from local import images, stack
from local.deadlines import Deadlines
from local.loop import Loop, Phase, console, problems, share_downloads
from ops import deploy, embedded
from training import pipeline, records
from training.use_case import UseCase

ROWS = 2_000
# The demo's own registry and bundles: `make deploy` reads those of images.WORK.
WORKDIR = images.WORK / "demo"
REPORTS = WORKDIR / "reports"
_HOLD_SECONDS = 3600
_WIDTH = 100


class DemoError(RuntimeError):
    """A step of the demo had an unexpected result."""


def run(use_case_name: str, *, rows: int = ROWS, keep: bool = False) -> None:
    """Run the demo and print its results. Raises DemoError on an unexpected result."""
    began = time.monotonic()
    stack.check_free(embedded.DEMO)
    use_case = UseCase.named(use_case_name)
    _heading(1, f"Train {use_case.title}")
    share_downloads(WORKDIR)
    trained = pipeline.train(use_case_name, WORKDIR, own_registry=True, progress=_progress)
    _heading(2, "Start the embedded AWS and apply the Terraform of infra/ to it")
    with stack.embedded_aws(embedded.DEMO, progress=_progress) as endpoint:
        outputs = stack.deploy(endpoint, trained.bundle, progress=_progress)
        contract = Contract.read(trained.bundle / CONTRACT)
        loop = Loop(endpoint.client, outputs, use_case, contract, REPORTS, Deadlines.of(outputs))
        _heading(3, f"Stream {rows:,} ordinary records: {use_case.demo_title('normal')}")
        normal = loop.phase("normal", rows)
        _heading(4, f"Stream {rows:,} drifted records: {use_case.demo_title('drifted')}")
        drifted = loop.phase("drifted", rows)
        _heading(5, "Results")
        _show(normal, drifted)
        if found := problems(normal, drifted):
            raise DemoError("The demo failed: " + "; ".join(found))
        console.print(f"\nThe demo passed in {time.monotonic() - began:.0f} s.", style="bold green")
        _next_steps(loop, endpoint, drifted, keep=keep)
        if keep:
            _hold()


def _show(normal: Phase, drifted: Phase) -> None:
    one = next(iter(normal.landed.values()))
    console.print("\nA scored record in S3:", style="bold")
    console.print(textwrap.indent(textwrap.fill(json.dumps(one), _WIDTH), "  "), markup=False)
    console.print("\nRecords sent, distinct predictions in S3, status of the monitoring run:", style="bold")
    for name, phase in (("ordinary", normal), ("drifted", drifted)):
        console.print(f"  {name:<9} {phase.sent:>6,} {len(phase.landed):>6,}   {phase.summary['status']}")
    for message in drifted.messages:
        console.print("\nThe alert, as a subscriber received it:", style="bold")
        text = f"{message['Subject']}\n\n{message['Message']}"
        console.print(textwrap.indent(text, "  │ "), markup=False)
    console.print("\nReports:", style="bold")
    for name, phase in (("ordinary", normal), ("drifted", drifted)):
        console.print(f"  {name:<9} {phase.report}")
    console.print(f"  in AWS    {drifted.summary['report']}")


def _next_steps(loop: Loop, endpoint: stack.Endpoint, drifted: Phase, *, keep: bool) -> None:
    console.print("\nTry next:", style="bold")
    console.print(f"  open {drifted.report}")
    if keep:
        record = records.encode(loop.contract, loop.use_case.demo("normal", 1, seed=1))[0].decode()
        console.print(textwrap.indent(stack.environment_lines(endpoint), "  "))
        command = deploy.put_command(loop.outputs["input_stream"], record)
        console.print(textwrap.indent(command, "  "), markup=False)
        console.print(f"  make report USE_CASE={loop.contract.use_case}   (in another terminal)")
    else:
        console.print("  make demo KEEP=1       leave the stack running and send your own records")
    console.print(f"  .venv/bin/python -m training mlflow --workdir {os.path.relpath(WORKDIR)}")
    console.print("                         open the run and the registered model in the MLflow UI")
    console.print("  make test              lint, unit, Terraform and integration tests")
    console.print("  make deploy            the same Terraform on your AWS account (docs/deploy.md)")


def _hold() -> None:
    console.print("\nThe stack runs for one hour, or until Ctrl-C.", style="bold")
    try:
        time.sleep(_HOLD_SECONDS)
    except KeyboardInterrupt:
        console.print("Stopping.")


def _heading(step: int, text: str) -> None:
    console.print(f"\n[bold cyan]{step}/5[/] [bold]{text}[/]")


def _progress(line: str) -> None:
    console.print(f"  {line.strip()}", markup=False)
