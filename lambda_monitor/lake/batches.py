"""Objects of a lake as files on disk: many small ones joined, large ones cut, so that memory is bounded."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from lambda_monitor.lake.objects import PARQUET, Object, unpacked

# Unpacked bytes turned into columns at a time: bounds memory, large enough to keep duckdb busy.
BATCH_BYTES = 64 << 20
# The longest line that is read: an event has at most 1 MiB. DuckDB hands out twice this at a time to its
# threads, so that more would leave all but one without work on an hour's file.
LINE_BYTES = 8 << 20


class Source(msgspec.Struct, frozen=True):
    """A file on disk to parse, and the keys of the objects whose rows it holds."""

    path: Path
    keys: tuple[str, ...]
    parquet: bool = False


class Spool:
    """Joins many small objects into one file and cuts large ones, at line ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lines = (folder / "lines").open("wb")
        self._keys: list[str] = []

    def close(self) -> None:
        """Close the file that is being gathered."""
        self._lines.close()

    def add(self, item: Object, body: BinaryIO) -> Iterator[Source]:
        """Take in one object; yield what became full. Raises ObjectError at the object's fault."""
        magic, chunks = unpacked(body)
        if magic == PARQUET:
            path = self._folder / "parquet"
            with path.open("wb") as file:
                file.writelines(chunks)
            yield Source(path, (item.key,), parquet=True)
            return
        self._keys.append(item.key)
        tail = b""
        try:
            for chunk in chunks:
                cut = chunk.rfind(b"\n") + 1
                if not cut:
                    tail += chunk
                    continue
                # Half a gigabyte may pass here: written from where it lies, not copied first.
                self._lines.write(tail)
                self._lines.write(memoryview(chunk)[:cut])
                tail = chunk[cut:]
                if self._lines.tell() >= BATCH_BYTES and (full := self.take()) is not None:
                    yield full
                    self._keys.append(item.key)
        finally:
            # The last line may have no end; one cut by a fault is met as a bad line.
            if tail:
                self._lines.write(tail + b"\n")

    def take(self) -> Source | None:
        """Return what was gathered and start afresh; None when there is nothing."""
        if not self._lines.tell():
            return None
        self._lines.close()
        full = (self._folder / "lines").rename(self._folder / "batch")
        keys, self._keys = tuple(dict.fromkeys(self._keys)), []
        self._lines = (self._folder / "lines").open("wb")
        return Source(full, keys)
