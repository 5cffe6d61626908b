"""The whole loop on a deployed stack: put records, score, store, label, monitor, notify."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from contract import layout
from contract.lake import LakeReader
from contract.schema import Contract
from local import images, traffic
from local.deadlines import Deadlines
from training import records
from training.use_case import UseCase

console = Console(highlight=False, soft_wrap=True)


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
    """A deployed stack and a subscriber to its alerts; `client` returns a client of one service."""

    client: Callable[[str], Any]
    outputs: dict[str, Any]
    use_case: UseCase
    contract: Contract
    reports: Path
    deadlines: Deadlines
    subscriber: traffic.Subscriber = field(init=False)
    reader: LakeReader = field(init=False)

    def __post_init__(self) -> None:
        """Subscribe a queue to the alert topic."""
        client, outputs = self.client, self.outputs
        self.subscriber = traffic.Subscriber(
            client("sqs"), client("sns"), outputs["alert_topic_arn"], queue_name(outputs["model_name"])
        )
        self.reader = LakeReader(client("s3"), outputs["lake_bucket"], layout.PREDICTIONS)

    def phase(self, name: Literal["normal", "drifted"], rows: int) -> Phase:
        """Stream `rows` records and their labels, wait until all are stored, monitor their window."""
        frame = self.use_case.demo(name, rows)
        lines = records.encode(self.contract, frame)
        ids = {str(value) for value in frame[self.contract.id_field]}
        start = traffic.now()
        with _bar("put on the input stream", len(lines)) as advance:
            traffic.put_records(self.client("kinesis"), self.outputs["input_stream"], lines, advance=advance)
        with _bar("predictions in S3", len(ids)) as advance:
            landed = traffic.wait_landed(
                self.reader,
                self.contract.id_field,
                ids,
                start,
                advance=advance,
                seconds=self.deadlines.landed,
            )
        self._label(records.ground_truth(self.contract, frame))
        with console.status("running the monitor on the window"):
            summary = self.monitor(start, traffic.now())
        console.print(f"  monitored {summary['records']:,} records: {summary['status']}")
        messages = self.messages(expected=summary["notified"])
        return Phase(len(lines), landed, summary, messages, self.download(summary["report"], name))

    def _label(self, labels: list[bytes]) -> None:
        stream = self.outputs["ground_truth_delivery_stream"]
        truth = LakeReader(self.client("s3"), self.outputs["lake_bucket"], layout.GROUND_TRUTH)
        traffic.put_labels(self.client("firehose"), stream, truth, labels, seconds=self.deadlines.label)
        console.print(f"  {len(labels):,} labels put on the ground truth delivery stream")

    def monitor(self, start: datetime, end: datetime) -> dict[str, Any]:
        """Run the monitoring function on [start, end) and return its summary."""
        return traffic.monitor(self.client("lambda"), self.outputs["monitor_function"], start, end)

    def messages(self, *, expected: bool) -> list[dict[str, Any]]:
        """Return the notifications received; wait for one if it is expected."""
        if not expected:
            return self.subscriber.messages()
        return traffic.wait_for(
            "the alert", lambda: self.subscriber.messages() or None, seconds=self.deadlines.notified
        )

    def download(self, report: str, name: str) -> Path:
        """Copy the report to a local file, which remains after the stack is destroyed."""
        place = urlsplit(report)
        path = self.reports / f"{name}{Path(place.path).suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        body = self.client("s3").get_object(Bucket=place.netloc, Key=place.path.lstrip("/"))["Body"]
        path.write_bytes(body.read())
        return path


def queue_name(model_name: str) -> str:
    """Return the name of the queue that receives the alerts of a model's stack."""
    return f"{model_name}-loop"


def problems(normal: Phase, drifted: Phase) -> list[str]:
    """Return what differs from the expected results, empty if nothing does."""
    found = []
    for name, phase in (("ordinary", normal), ("drifted", drifted)):
        if phase.sent != len(phase.landed) or phase.summary["records"] != phase.sent:
            found.append(
                f"{phase.sent} {name} records were sent, {len(phase.landed)} are in S3, "
                f"{phase.summary['records']} were monitored"
            )
    if normal.messages or normal.summary["status"] != "ok":
        found.append(f"the ordinary window was not ok: {normal.summary['reason']}")
    if not drifted.messages or drifted.summary["status"] != "alert":
        found.append(f"the drifted window raised no alert: {drifted.summary['status']}")
    return found


def share_downloads(workdir: Path) -> None:
    """Let a work folder use the cache of downloads of the other commands."""
    workdir.mkdir(parents=True, exist_ok=True)
    cache = workdir / "cache"
    if not cache.is_symlink():
        (images.WORK / "cache").mkdir(parents=True, exist_ok=True)
        cache.symlink_to(images.WORK / "cache")


@contextmanager
def _bar(text: str, total: int) -> Iterator[traffic.Advance]:
    columns = (TextColumn("  {task.description:<24}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        task = progress.add_task(text, total=total)
        yield lambda count: progress.advance(task, count)
