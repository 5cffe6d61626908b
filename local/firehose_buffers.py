"""Buffering of Firehose deliveries: many records per object, compressed."""

import contextvars
import gzip
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

_TICK_SECONDS = 0.25
_MEGABYTE = 1024 * 1024
# The processor that ends each record with a newline.
DELIMITER = "AppendDelimiterToRecord"

Write = Callable[[str, str, str, bytes], None]


@dataclass(frozen=True)
class Target:
    """Role, destination and limits of one buffer: evaluated prefix, interval in seconds, size in bytes."""

    role: str
    bucket: str
    prefix: str
    stem: str
    extension: str
    compress: bool
    interval: float
    size: int


def limits(destination: Mapping[str, Any]) -> tuple[float, int]:
    """Return a delivery's buffering interval in seconds and size in bytes; the defaults are Firehose's."""
    hints = destination.get("BufferingHints") or {}
    return float(hints.get("IntervalInSeconds", 300)), int(hints.get("SizeInMBs", 5)) * _MEGABYTE


def enabled_processors(destination: Mapping[str, Any]) -> set[str]:
    """Return the types of the processors that a delivery applies to each record."""
    processing = destination.get("ProcessingConfiguration") or {}
    return {one["Type"] for one in processing.get("Processors") or []} if processing.get("Enabled") else set()


@dataclass
class _Buffer:
    since: float
    context: contextvars.Context
    parts: list[bytes] = field(default_factory=list)
    size: int = 0


class Buffers:
    """Buffers by target; `write(role, bucket, key, body)` puts one object."""

    def __init__(self, write: Write, clock: Callable[[], float] = time.monotonic) -> None:
        self._write, self._clock = write, clock
        self._lock = threading.Lock()
        self._waiting: dict[Target, _Buffer] = {}

    def add(self, target: Target, data: bytes) -> None:
        """Add one record; write its buffer if it is full."""
        with self._lock:
            # The emulator keeps the account in the context, and a flush runs in another thread.
            buffer = self._waiting.setdefault(target, _Buffer(self._clock(), contextvars.copy_context()))
            buffer.parts.append(data)
            buffer.size += len(data)
            full = buffer.size >= target.size
        if full:
            self.flush()

    def flush(self) -> None:
        """Write every buffer that is full or as old as its interval."""
        now = self._clock()
        with self._lock:
            ready = [
                target
                for target, buffer in self._waiting.items()
                if now - buffer.since >= target.interval or buffer.size >= target.size
            ]
            taken = [(target, self._waiting.pop(target)) for target in ready]
        for target, buffer in taken:
            body = b"".join(buffer.parts)
            stamp = time.strftime("%Y-%m-%d-%H-%M-%S", time.gmtime())
            key = f"{target.prefix}{target.stem}-{stamp}-{uuid.uuid4()}{target.extension}"
            packed = gzip.compress(body, 6) if target.compress else body
            buffer.context.run(self._write, target.role, target.bucket, key, packed)

    def run(self) -> None:
        """Flush periodically, without end."""
        while True:
            time.sleep(_TICK_SECONDS)
            self.flush()
