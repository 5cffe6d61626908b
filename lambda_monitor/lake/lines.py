"""Split the chunks of an object into whole lines of bounded length, in linear time."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import BinaryIO

from lambda_monitor.lake.objects import ObjectError, unpacked

# Length of the longest line that is read; an event has at most 1 MiB. DuckDB gives a thread twice this at a
# time, so that with more all threads but one would be idle on one hour's file.
LINE_BYTES = 8 << 20
# Length at which a line without an end stops the reading of its object.
SKIPPED_BYTES = 64 << 20
_JOINED = re.compile(rb"\}[ \t]*\{")
_SPACE = re.compile(r"\s*")


class Lines:
    """The lines of one object; `dropped` counts those longer than LINE_BYTES, which are left out."""

    def __init__(self, chunks: Iterable[bytes]) -> None:
        self._chunks = chunks
        self._start: list[bytes] = []
        self._length = 0
        self.dropped = 0

    def blocks(self) -> Iterator[bytes]:
        """Yield blocks of whole lines, each ending in a newline. Raises ObjectError.

        The start of a line that an error cuts off is yielded as a line before the error is raised.
        """
        try:
            for chunk in self._chunks:
                yield from self._split(chunk)
        except ObjectError:
            yield from self._rest()
            raise
        yield from self._rest()

    def _split(self, chunk: bytes) -> Iterator[bytes]:
        end = chunk.find(b"\n") + 1
        self._add(chunk[:end] if end else chunk)
        if not end:
            return
        yield from self._line()
        last = chunk.rfind(b"\n") + 1
        if last > end:
            yield chunk[end:last]
        self._add(chunk[last:])

    def _add(self, data: bytes) -> None:
        """Add to the unfinished line; one that is too long is measured but not held."""
        self._length += len(data)
        if self._length > SKIPPED_BYTES:
            self._start.clear()
            raise ObjectError(
                f"a line is longer than {SKIPPED_BYTES >> 20} MiB; what follows it was not read"
            )
        if self._length <= LINE_BYTES:
            self._start.append(data)
        else:
            self._start.clear()

    def _line(self) -> Iterator[bytes]:
        if self._length > LINE_BYTES:
            self.dropped += 1
        else:
            yield b"".join(self._start)
        self._start.clear()
        self._length = 0

    def _rest(self) -> Iterator[bytes]:
        """Yield the last line, which may lack its newline."""
        if self._length:
            self._length += 1
            self._start.append(b"\n")
            yield from self._line()

    def check(self) -> None:
        """Raise ObjectError if lines were left out."""
        if self.dropped:
            raise ObjectError(
                f"{self.dropped:,} lines are longer than {LINE_BYTES >> 20} MiB and were left out"
            )


def read_lines(body: BinaryIO | ObjectError) -> Iterator[bytes]:
    """Yield the non-empty lines of an object without newlines. Raises ObjectError."""
    if isinstance(body, ObjectError):
        raise body
    lines = Lines(unpacked(body)[1])
    for block in lines.blocks():
        yield from filter(None, block.split(b"\n"))
    lines.check()


def one_per_line(block: bytes) -> Iterator[bytes]:
    """Yield JSON lines of one object each; `block` may have objects joined without a newline."""
    if not _JOINED.search(block):
        yield block
        return
    for line in block.splitlines():
        for part in _objects(line) if _JOINED.search(line) else (line,):
            yield part + b"\n"


def _objects(line: bytes) -> Iterator[bytes]:
    """Yield the JSON objects of `line`, and the rest from the first damaged one on."""
    text = line.decode(errors="surrogateescape")
    decoder, end = json.JSONDecoder(), 0
    while (start := _SPACE.match(text, end).end()) < len(text):  # type: ignore[union-attr]  # matches nothing, too
        try:
            _, end = decoder.raw_decode(text, start)
        except (ValueError, RecursionError):
            end = len(text)
        yield text[start:end].encode(errors="surrogateescape")
