"""Demo: train, apply, score, store, monitor and alert on this machine."""

import json
import os
import textwrap
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from contract import layout
from contract.bundle import CONTRACT
from contract.lake import LakeReader
from contract.schema import Contract
from local import images, stack, traffic
from ops import deploy, embedded
from training import pipeline, records
from training.use_case import UseCase

ROWS = 2_000
# The demo's own registry and bundles: `make deploy` reads those of images.WORK.
WORKDIR = images.WORK / "demo"
REPORTS = WORKDIR / "reports"
_ALERT_SECONDS = 20
_HOLD_SECONDS = 3600
_WIDTH = 100

console = Console(highlight=False, soft_wrap=True)


class DemoError(RuntimeError):
    """A step of the demo had an unexpected result."""


@dataclass(frozen=True)
class Phase:
    """Results of one phase."""

    sent: int
    landed: dict[str, dict[str, Any]]
    summary: dict[str, Any]
    messages: list[dict[str, Any]]
    report: Path


@dataclass
class Loop:
    """A deployed stack and a subscriber to its alerts."""

    endpoint: stack.Endpoint
    outputs: dict[str, Any]
    use_case: UseCase
    contract: Contract
    subscriber: traffic.Subscriber = field(init=False)
    reader: LakeReader = field(init=False)

    def __post_init__(self) -> None:
        """Subscribe a queue to the alert topic."""
        client, outputs = self.endpoint.client, self.outputs
        self.subscriber = traffic.Subscriber(
            client("sqs"), client("sns"), outputs["alert_topic_arn"], f"{outputs['model_name']}-demo"
        )
        self.reader = LakeReader(client("s3"), outputs["lake_bucket"], layout.PREDICTIONS)

    def phase(self, name: Literal["normal", "drifted"], rows: int) -> Phase:
        """Stream `rows` records and their labels, wait until all are stored, monitor their window."""
        frame = self.use_case.demo(name, rows)
        lines = records.encode(self.contract, frame)
        ids = {str(value) for value in frame[self.contract.id_field]}
        start = traffic.now()
        with _bar("put on the input stream", len(lines)) as advance:
            traffic.put_records(
                self.endpoint.client("kinesis"), self.outputs["input_stream"], lines, advance=advance
            )
        with _bar("predictions in S3", len(ids)) as advance:
            landed = traffic.wait_landed(self.reader, self.contract.id_field, ids, start, advance=advance)
        labels = records.ground_truth(self.contract, frame)
        stream = self.outputs["ground_truth_delivery_stream"]
        truth = LakeReader(self.endpoint.client("s3"), self.outputs["lake_bucket"], layout.GROUND_TRUTH)
        traffic.put_labels(self.endpoint.client("firehose"), stream, truth, labels)
        console.print(f"  {len(labels):,} labels put on the ground truth delivery stream")
        with console.status("running the monitor on the window"):
            summary = self.monitor(start, traffic.now())
        console.print(f"  monitored {summary['records']:,} records: {summary['status']}")
        messages = self.messages(expected=summary["notified"])
        return Phase(len(lines), landed, summary, messages, self.download(summary["report"], name))

    def monitor(self, start: datetime, end: datetime) -> dict[str, Any]:
        """Run the monitoring function on [start, end) and return its summary."""
        return traffic.monitor(self.endpoint.client("lambda"), self.outputs["monitor_function"], start, end)

    def messages(self, *, expected: bool) -> list[dict[str, Any]]:
        """Return the notifications received; wait for one if it is expected."""
        if not expected:
            return self.subscriber.messages()
        return traffic.wait_for(
            "the alert", lambda: self.subscriber.messages() or None, seconds=_ALERT_SECONDS
        )

    def download(self, report: str, name: str) -> Path:
        """Copy the report to a local file, which remains after the embedded AWS stops."""
        place = urlsplit(report)
        path = REPORTS / f"{name}{Path(place.path).suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        body = self.endpoint.client("s3").get_object(Bucket=place.netloc, Key=place.path.lstrip("/"))["Body"]
        path.write_bytes(body.read())
        return path


def run(use_case_name: str, *, rows: int = ROWS, keep: bool = False) -> None:
    """Run the demo and print its results. Raises DemoError on an unexpected result."""
    began = time.monotonic()
    stack.check_free(embedded.DEMO)
    use_case = UseCase.named(use_case_name)
    _heading(1, f"Train {use_case.title}")
    _share_downloads()
    trained = pipeline.train(use_case_name, WORKDIR, own_registry=True, progress=_progress)
    _heading(2, "Start the embedded AWS and apply the Terraform of infra/ to it")
    with stack.embedded_aws(embedded.DEMO, progress=_progress) as endpoint:
        outputs = stack.deploy(endpoint, trained.bundle, progress=_progress)
        loop = Loop(endpoint, outputs, use_case, Contract.read(trained.bundle / CONTRACT))
        _heading(3, f"Stream {rows:,} ordinary records: {use_case.demo_title('normal')}")
        normal = loop.phase("normal", rows)
        _heading(4, f"Stream {rows:,} drifted records: {use_case.demo_title('drifted')}")
        drifted = loop.phase("drifted", rows)
        _heading(5, "Results")
        _show(normal, drifted)
        _check(normal, drifted)
        console.print(f"\nThe demo passed in {time.monotonic() - began:.0f} s.", style="bold green")
        _next_steps(loop, drifted, keep=keep)
        if keep:
            _hold()


def _share_downloads() -> None:
    """Let the demo's work folder use the cache of downloads of the other commands."""
    WORKDIR.mkdir(parents=True, exist_ok=True)
    cache = WORKDIR / "cache"
    if not cache.is_symlink():
        (images.WORK / "cache").mkdir(exist_ok=True)
        cache.symlink_to(images.WORK / "cache")


def _show(normal: Phase, drifted: Phase) -> None:
    one = next(iter(normal.landed.values()))
    console.print("\nA scored record in S3:", style="bold")
    console.print(textwrap.indent(textwrap.fill(json.dumps(one), _WIDTH), "  "))
    console.print("\nRecords sent, distinct predictions in S3, status of the monitoring run:", style="bold")
    for name, phase in (("ordinary", normal), ("drifted", drifted)):
        console.print(f"  {name:<9} {phase.sent:>6,} {len(phase.landed):>6,}   {phase.summary['status']}")
    for message in drifted.messages:
        console.print("\nThe alert, as a subscriber received it:", style="bold")
        console.print(textwrap.indent(f"{message['Subject']}\n\n{message['Message']}", "  │ "))
    console.print("\nReports:", style="bold")
    for name, phase in (("ordinary", normal), ("drifted", drifted)):
        console.print(f"  {name:<9} {phase.report}")
    console.print(f"  in AWS    {drifted.summary['report']}")


def _check(normal: Phase, drifted: Phase) -> None:
    problems = []
    for name, phase in (("ordinary", normal), ("drifted", drifted)):
        if phase.sent != len(phase.landed) or phase.summary["records"] != phase.sent:
            problems.append(
                f"{phase.sent} {name} records were sent, {len(phase.landed)} are in S3, "
                f"{phase.summary['records']} were monitored"
            )
    if normal.messages or normal.summary["status"] != "ok":
        problems.append(f"the ordinary window was not ok: {normal.summary['reason']}")
    if not drifted.messages or drifted.summary["status"] != "alert":
        problems.append(f"the drifted window raised no alert: {drifted.summary['status']}")
    if problems:
        raise DemoError("The demo failed: " + "; ".join(problems))


def _next_steps(loop: Loop, drifted: Phase, *, keep: bool) -> None:
    console.print("\nTry next:", style="bold")
    console.print(f"  open {drifted.report}")
    if keep:
        record = records.encode(loop.contract, loop.use_case.demo("normal", 1, seed=1))[0].decode()
        console.print(textwrap.indent(stack.environment_lines(loop.endpoint), "  "))
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


@contextmanager
def _bar(text: str, total: int) -> Iterator[traffic.Advance]:
    columns = (TextColumn("  {task.description:<24}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(text, total=total)
        yield lambda count: progress.advance(task, count)
