"""Unpack gzipped records and aggregates of the Kinesis Producer Library.

Format of an aggregate: https://github.com/awslabs/amazon-kinesis-producer/blob/master/aggregation-format.md
Four magic bytes, a protobuf message AggregatedRecord, its MD5.
"""

import hashlib
import zlib
from collections.abc import Iterator, Sequence

import msgspec

from contract.events import Rejection
from lambda_predict.explain import TOO_LARGE

_AGGREGATE = b"\xf3\x89\x9a\xc2"
_GZIP = b"\x1f\x8b"
# First bytes of packed records; no JSON starts with one.
_FIRST = frozenset({_AGGREGATE[:1], _GZIP[:1]})
_MD5_BYTES = 16
# Fields of AggregatedRecord and of its Record.
_RECORDS, _DATA = 3, 3
_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5
_LONGEST_VARINT = 10
_MOST_RECORDS = 10_000
# Inflated bytes of a record: a base, plus a multiple of its size, which bounds a batch's memory.
_INFLATED_BASE, _INFLATED_RATIO = 32 * 1024, 32
_ZLIB_GZIP = 31


class Part(msgspec.Struct, frozen=True, gc=False):
    """Record of the contract inside a stream record.

    `suffix` extends the sequence number of an aggregate's records: "/0" is the first.
    """

    data: bytes
    suffix: str = ""
    rejection: Rejection | None = None


class _AggregateError(ValueError):
    pass


def any_packed(batch: Sequence[bytes]) -> bool:
    """Return whether any of `batch` may be gzipped or an aggregate."""
    return not _FIRST.isdisjoint({data[:1] for data in batch})


def unpack(data: bytes) -> list[Part]:
    """Return the records in `data`, or one with the rejection of all."""
    if not data.startswith(_AGGREGATE):
        return [_inflated(data, "")]
    try:
        records = list(_user_records(data))
    except _AggregateError as error:
        message = (
            f"a KPL aggregate that cannot be unpacked: {error}: "
            "set AggregationEnabled = false in the producer, or repair it"
        )
        return [Part(data, "", Rejection(reason="aggregated", field="", message=message))]
    return [_inflated(record, f"/{number}") for number, record in enumerate(records)]


def _inflated(data: bytes, suffix: str) -> Part:
    if not data.startswith(_GZIP):
        return Part(data, suffix)
    limit = _INFLATED_BASE + _INFLATED_RATIO * len(data)
    stream, fault = zlib.decompressobj(_ZLIB_GZIP), ""
    try:
        inflated = stream.decompress(data, limit + 1)
    except zlib.error as error:
        inflated, fault = b"", str(error)
    if len(inflated) > limit:
        message = f"it inflates from {len(data)} to over {limit} bytes: send it without gzip"
        return Part(data, suffix, Rejection(reason=TOO_LARGE, field="", message=message))
    if not fault and (not stream.eof or stream.unused_data):
        fault = "data after its end" if stream.eof else "its end is missing"
    if fault:
        message = f"gzip data that cannot be inflated ({fault}): send it again, or without gzip"
        return Part(data, suffix, Rejection(reason="gzip", field="", message=message))
    return Part(inflated, suffix)


def _user_records(data: bytes) -> Iterator[bytes]:
    body, digest = data[len(_AGGREGATE) : -_MD5_BYTES], data[-_MD5_BYTES:]
    if hashlib.md5(body, usedforsecurity=False).digest() != digest:
        raise _AggregateError("its MD5 does not match")
    count = 0
    for number, record in _fields(body):
        if number == _RECORDS:
            count += 1
            found = [value for inner, value in _fields(record) if inner == _DATA]
            if not found:
                raise _AggregateError(f"record {count - 1} has no data")
            if count > _MOST_RECORDS:
                raise _AggregateError(f"more than {_MOST_RECORDS} records: lower AggregationMaxCount")
            yield found[-1]
    if not count:
        raise _AggregateError("no records")


def _fields(message: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield number and bytes of a protobuf message's length-delimited fields."""
    position = 0
    while position < len(message):
        key, position = _varint(message, position)
        kind = key & 7
        if kind == _VARINT:
            _, position = _varint(message, position)
        elif kind == _BYTES:
            length, start = _varint(message, position)
            position = start + length
            if position <= len(message):
                yield key >> 3, message[start:position]
        elif kind in {_FIXED_32, _FIXED_64}:
            position += 4 if kind == _FIXED_32 else 8
        else:
            raise _AggregateError(f"wire type {kind} is not protobuf 3")
    if position > len(message):
        raise _AggregateError("a field is cut off")


def _varint(message: bytes, position: int) -> tuple[int, int]:
    """Return the varint at `position` and the position after it."""
    value = 0
    for shift, byte in enumerate(message[position : position + _LONGEST_VARINT]):
        value |= (byte & 0x7F) << (7 * shift)
        if byte < 0x80:  # noqa: PLR2004 - the bit that continues a varint
            return value, position + shift + 1
    raise _AggregateError("a varint is cut off")
