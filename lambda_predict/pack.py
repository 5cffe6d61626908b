"""Join several events into one record of the output stream."""

from collections.abc import Sequence

from contract.events import NEWLINE
from lambda_predict.score import Line

KILOBYTE = 1024


def pack(lines: Sequence[Line], limit: int) -> list[Line]:
    """Return the lines joined in order, each record at most `limit` bytes; a longer line is alone.

    A record has the partition key and the sequence number of its first line, the lowest of its lines:
    if it is not published, Lambda resumes there. With a `limit` of 0 each line remains a record.
    """
    if not limit:
        return list(lines)
    packed: list[Line] = []
    first = 0
    size = 0
    for number, line in enumerate(lines):
        length = len(line.data)
        if size + length > limit and number > first:
            packed.append(_joined(lines[first:number]))
            first, size = number, 0
        size += length
    if first < len(lines):
        packed.append(_joined(lines[first:]))
    return packed


def count(lines: Sequence[Line]) -> int:
    """Return the number of events or rejections in the lines, packed or not."""
    return sum(line.data.count(NEWLINE) for line in lines)


def _joined(lines: Sequence[Line]) -> Line:
    if len(lines) == 1:
        return lines[0]
    return Line(lines[0].sequence_number, lines[0].key, b"".join([line.data for line in lines]))
