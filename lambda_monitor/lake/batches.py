"""Lake objects as files on disk: small ones joined, large ones split, in bounded memory."""

import itertools
import uuid
from collections.abc import Iterable, Iterator
from enum import Enum, auto
from pathlib import Path
from typing import BinaryIO

import msgspec

from lambda_monitor.lake.lines import Lines, one_per_line
from lambda_monitor.lake.objects import PARQUET, Object, ObjectError, unpacked

# Decompressed bytes that are parsed at a time: bounds memory, and is enough work for every DuckDB thread.
BATCH_BYTES = 64 << 20
# Field of the lines that mark the start of an object in a joined file.
MARK = "@object"
# Bytes of the largest Parquet or CSV file: it is written to the function's disk of 512 MiB as a whole.
FILE_BYTES = 256 << 20


class Kind(Enum):
    """Format of a file."""

    LINES = auto()
    PARQUET = auto()
    CSV = auto()


class Source(msgspec.Struct, frozen=True):
    """A file on disk to parse, and the keys of the objects whose rows it holds.

    Before the lines of each object lies a line `{"@object": "<token>:<number>"}`, numbered from `first`;
    `starts` are the offsets of these lines. The token is random, so that no object can contain such a line.
    """

    path: Path
    keys: tuple[str, ...]
    starts: tuple[int, ...] = ()
    token: str = ""
    first: int = 0
    kind: Kind = Kind.LINES

    def halves(self) -> "Iterator[Source]":
        """Yield each half of a joined file as a file of its own."""
        middle = len(self.keys) // 2
        ends = (*self.starts, self.path.stat().st_size)
        for low, high in ((0, middle), (middle, len(self.keys))):
            path = self.path.with_name(f"{self.path.name}-{low}")
            with self.path.open("rb") as file:
                file.seek(ends[low])
                path.write_bytes(file.read(ends[high] - ends[low]))
            starts = tuple(start - ends[low] for start in self.starts[low:high])
            yield Source(path, self.keys[low:high], starts, self.token, self.first + low)
            path.unlink()


class Spool:
    """Joins small objects into one file and splits large ones at line ends."""

    def __init__(self, folder: Path, *, loose: bool = False) -> None:
        """With `loose`, files may be CSV and lines may hold several JSON objects, as people drop them."""
        self._folder = folder
        self._loose = loose
        self._token = uuid.uuid4().hex
        self._open()

    def _open(self) -> None:
        self._lines = (self._folder / "lines").open("wb")
        self._keys: list[str] = []
        self._starts: list[int] = []

    def close(self) -> None:
        """Close the file that is being filled."""
        self._lines.close()

    def add(self, item: Object, body: BinaryIO | ObjectError) -> Iterator[Source]:
        """Add an object; yield each file that is full. Raises ObjectError if it can't be read."""
        if isinstance(body, ObjectError):
            raise body
        magic, chunks = unpacked(body)
        if magic == PARQUET:
            yield self._whole(item, chunks, Kind.PARQUET)
            return
        split = Lines(chunks)
        blocks = split.blocks()
        if self._loose:
            first = next(blocks, b"")
            if first.lstrip()[:1] != b"{":
                yield self._whole(item, itertools.chain([first], blocks), Kind.CSV)
                split.check()
                return
            blocks = (line for block in itertools.chain([first], blocks) for line in one_per_line(block))
        self._mark(item.key)
        for block in blocks:
            self._lines.write(block)
            if self._lines.tell() >= BATCH_BYTES and (full := self.take()) is not None:
                yield full
                self._mark(item.key)
        split.check()

    def _whole(self, item: Object, chunks: Iterable[bytes], kind: Kind) -> Source:
        """Write an object to a file of its own. Raises ObjectError if it is too large for the disk."""
        path = self._folder / "whole"
        with path.open("wb") as file:
            for chunk in chunks:
                file.write(chunk)
                if file.tell() > FILE_BYTES:
                    raise ObjectError(
                        f"it has more than {FILE_BYTES >> 20} MiB, the limit of {kind.name} files"
                    )
        return Source(path, (item.key,), kind=kind)

    def _mark(self, key: str) -> None:
        self._starts.append(self._lines.tell())
        self._lines.write(b'{"%s":"%s:%d"}\n' % (MARK.encode(), self._token.encode(), len(self._keys)))
        self._keys.append(key)

    def take(self) -> Source | None:
        """Return the file that was filled and start a new one; None if it is empty."""
        if not self._keys:
            return None
        self._lines.close()
        full = (self._folder / "lines").rename(self._folder / "batch")
        source = Source(full, tuple(self._keys), tuple(self._starts), self._token)
        self._open()
        return source
