"""A stack in moto whose parts can be broken, and what a monitoring run makes of it."""

import contextlib
import gzip
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import boto3
from botocore.exceptions import ClientError

from lambda_monitor import monitor
from lambda_monitor.reports import evidently_report
from lambda_monitor.run import Clients, Span
from lambda_monitor.settings import Settings
from tests.lambda_monitor.synthetic import HOUR, LAKE, NOON, Killed, Stack, moment, synthetic_rides

MINUTES = timedelta(minutes=1)
# Half an hour after a window's end everything has landed.
LATER = 30 * MINUTES


@dataclass(frozen=True)
class Seen:
    """Result of one run: status, failing checks, kinds of messages, error."""

    status: str = ""
    records: int = 0
    failing: dict[str, str] = field(default_factory=dict)
    kinds: tuple[str, ...] = ()
    error: str = ""

    @property
    def silent(self) -> bool:
        """Whether nothing was reported: status ok, no failing check, no message, no error."""
        return self.status == "ok" and not self.failing and not self.kinds and not self.error

    def __str__(self) -> str:
        parts = [self.status and f"{self.status}, {self.records:,} records"]
        parts += [f"{name}={status}" for name, status in self.failing.items()]
        parts += [f"message {kind}" for kind in self.kinds]
        parts += [self.error and f"raised {self.error}"]
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True)
class Fault:
    """A fault, the expected behaviour in words, how to drive it, and whether what is seen is expected."""

    name: str
    expected: str
    drive: "Callable[[Bench], Seen]"
    holds: Callable[[Seen], bool]


class Bench:
    """A stack with a bundle, and clients that can be replaced."""

    def __init__(self) -> None:
        self.stack = Stack()
        self.sns: Any = self.stack.sns
        self.s3: Any = self.stack.s3
        self.cloudwatch: Any = None
        evidently_report.render = lambda *_, **__: evidently_report.Rendered(b"<html>", b"{}")  # type: ignore[assignment]  # takes most of the time

    def bundle(self) -> "Bench":
        """Upload the bundle of the watched model."""
        self.stack.bundle()
        return self

    def hour(
        self, number: int = 0, rows: int = 1_000, *, drifted: bool = False, version: str = "1"
    ) -> list[bytes]:
        """Return the events of one hour."""
        rides = synthetic_rides(rows, seed=number + 1, stretch=2.0 if drifted else 1.0)
        return self.stack.events(rides, NOON + number * HOUR, version=version)

    def filled(self, *numbers: int, drifted: bool = False) -> "Bench":
        """Put ordinary or drifted hours, hour 0 by default, beside a bundle."""
        self.bundle()
        for number in numbers or (0,):
            self.put(self.hour(number, drifted=drifted), number)
        return self

    def put(self, lines: Sequence[bytes], number: int = 0) -> str:
        """Put lines into the partition of an hour and return the key."""
        return self.stack.put(lines, NOON + number * HOUR)[0]

    def put_bytes(self, data: bytes, key: str) -> None:
        """Put an object into the lake."""
        self.stack.s3.put_object(Bucket=LAKE, Key=key, Body=data)

    def damage(self, ending: str, data: bytes = b"damaged") -> None:
        """Replace each object of the lake whose key ends so. Raises LookupError if there is none."""
        keys = [key for key in self.stack.keys("") if key.endswith(ending)]
        if not keys:
            raise LookupError(f"no object ends in {ending}")
        for key in keys:
            self.put_bytes(data, key)

    def run(self, number: int = 0, name: str = "", *, hours: int = 1, asked: bool = False) -> Seen:
        """Monitor from the hour `number` on, and return what is seen."""
        start = NOON + number * HOUR
        span = Span(start=start, end=start + hours * HOUR, asked=asked)
        return self.monitor(span, name or f"run {number}", span.end + LATER)

    def monitor(self, span: Span, name: str, now: datetime) -> Seen:
        """Run the monitor, and return what is seen."""
        more = {"PREDICT_FUNCTION": "predict", "INPUT_STREAM": "input"} if self.cloudwatch else {}
        settings = Settings.from_environment(self.stack.environment(**more))
        clients = Clients(s3=self.s3, sns=self.sns, cloudwatch=self.cloudwatch, athena=None)  # type: ignore[arg-type]  # not called
        monitor._cached.cache_clear()
        try:
            # Metrics are printed, which would break up the table.
            with contextlib.redirect_stdout(io.StringIO()):
                summary = monitor.run(clients, settings, span, moment(name, now))
        except (Exception, Killed) as error:  # noqa: BLE001  # the row shows it
            return Seen(error=f"{type(error).__name__}: {error}"[:100], kinds=self.kinds())
        failing = {c["name"]: c["status"] for c in summary["checks"] if c["status"] in {"alert", "error"}}
        return Seen(str(summary["status"]), summary["records"], failing, self.kinds())

    def kinds(self) -> tuple[str, ...]:
        """Return the kinds of the messages received since the last call."""
        return tuple(m["MessageAttributes"]["kind"]["Value"] for m in self.stack.notifications())

    def count_incoming(self, records: int) -> None:
        """Report that many records as put on the input stream in hour 0."""
        self.cloudwatch = boto3.client("cloudwatch")
        function, stream = (
            [{"Name": "FunctionName", "Value": "predict"}],
            [{"Name": "StreamName", "Value": "input"}],
        )
        for namespace, name, dimensions, value in (
            ("AWS/Kinesis", "IncomingRecords", stream, records),
            ("AWS/Lambda", "Invocations", function, 10),
            ("AWS/Lambda", "Errors", function, 0),
            ("AWS/Lambda", "IteratorAge", function, 100),
        ):
            datum = {
                "MetricName": name,
                "Dimensions": dimensions,
                "Timestamp": NOON + 10 * MINUTES,
                "Value": value,
            }
            self.cloudwatch.put_metric_data(Namespace=namespace, MetricData=[datum])


class Broken:
    """A client one of whose methods fails: `code` is AWS's error, `times` how often."""

    def __init__(self, client: Any, method: str, code: str, *, times: int = 10**6, key: str = "") -> None:
        self._client, self._method, self._code, self._times, self._key = client, method, code, times, key

    def __getattr__(self, name: str) -> Any:
        if name != self._method:
            return getattr(self._client, name)

        def call(*given: Any, **named: Any) -> Any:
            if self._times and self._key in named.get("Key", ""):
                self._times -= 1
                raise ClientError({"Error": {"Code": self._code, "Message": "injected"}}, name)
            return getattr(self._client, name)(*given, **named)

        return call


def zeros(megabytes: int) -> bytes:
    """Return that many MB of zeros as gzip."""
    buffer = io.BytesIO()
    with gzip.GzipFile(fileobj=buffer, mode="wb", compresslevel=9) as file:
        for _ in range(megabytes):
            file.write(bytes(1 << 20))
    return buffer.getvalue()
