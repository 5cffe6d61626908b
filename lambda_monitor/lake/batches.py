"""Lake objects as files on disk: small ones joined, large ones split, in bounded memory."""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import msgspec

from lambda_monitor.lake.objects import PARQUET, Object, unpacked

# Decompressed bytes that are parsed at a time: bounds memory, and is enough work for every DuckDB thread.
BATCH_BYTES = 64 << 20
# Length of the longest line that is read; an event has at most 1 MiB. DuckDB gives a thread twice this at a
# time, so that with more all threads but one would be idle on one hour's file.
LINE_BYTES = 8 << 20


class Source(msgspec.Struct, frozen=True):
    """A file on disk to parse, and the keys of the objects whose rows it holds."""

    path: Path
    keys: tuple[str, ...]
    parquet: bool = False


class Spool:
    """Joins small objects into one file and splits large ones at line ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lines = (folder / "lines").open("wb")
        self._keys: list[str] = []

    def close(self) -> None:
        """Close the file that is being filled."""
        self._lines.close()

    def add(self, item: Object, body: BinaryIO) -> Iterator[Source]:
        """Add an object; yield each file that is full. Raises ObjectError if it can't be read."""
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
                # Written without a copy: half a gigabyte may pass here.
                self._lines.write(tail)
                self._lines.write(memoryview(chunk)[:cut])
                tail = chunk[cut:]
                if self._lines.tell() >= BATCH_BYTES and (full := self.take()) is not None:
                    yield full
                    self._keys.append(item.key)
        finally:
            # The last line may lack its newline; one that was truncated is counted as a bad line.
            if tail:
                self._lines.write(tail + b"\n")

    def take(self) -> Source | None:
        """Return the file that was filled and start a new one; None if it is empty."""
        if not self._lines.tell():
            return None
        self._lines.close()
        full = (self._folder / "lines").rename(self._folder / "batch")
        keys, self._keys = tuple(dict.fromkeys(self._keys)), []
        self._lines = (self._folder / "lines").open("wb")
        return Source(full, keys)
