"""List and stream objects of the lake, compressed or not.

The first bytes of an object tell gzip, Parquet and JSON lines apart. Its name does not: Firehose may
compress under any name, and files are dropped by hand.
"""

import gzip
import io
import zlib
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import TYPE_CHECKING, Any, BinaryIO

import msgspec
from botocore.exceptions import BotoCoreError, ClientError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

GZIP = b"\x1f\x8b"
PARQUET = b"PAR1"
CHUNK = 1 << 20
# Stored and decompressed bytes of the largest object that is read; Firehose writes at most 128 MiB.
OBJECT_BYTES = 1 << 30
# Small objects are fetched in parallel, at most this many bytes of them at a time.
_WORKERS = 16
_GROUP_BYTES = 32 << 20
_GROUP_OBJECTS = 512


class Object(msgspec.Struct, frozen=True, order=True):
    """An object in a listing; key and entity tag identify its content."""

    key: str
    etag: str
    size: int
    modified: datetime


class Unreadable(msgspec.Struct, frozen=True, order=True):
    """An object that could not be read to its end, and why.

    `lasting`: the content is at fault, so that reading it again gives the same error.
    """

    key: str
    reason: str
    lasting: bool = True


class ObjectError(Exception):
    """An object can't be read to its end; `lasting` if its content is at fault."""

    def __init__(self, reason: str, *, lasting: bool = True) -> None:
        super().__init__(reason)
        self.lasting = lasting


def list_objects(
    s3: "S3Client", bucket: str, prefix: str, *, deep: bool = True, after: str = ""
) -> list[Object]:
    """Return the objects under `prefix` in order of key, without empty ones and folder markers.

    Only keys after `after` are listed and, without `deep`, none of folders under `prefix`.
    """
    limits: dict[str, Any] = {
        **({} if deep else {"Delimiter": "/"}),
        **({"StartAfter": after} if after else {}),
    }
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix, **limits)
    return sorted(
        Object(
            key=item["Key"],
            etag=item["ETag"].strip('"'),
            size=item["Size"],
            modified=item["LastModified"],
        )
        for page in pages
        for item in page.get("Contents", [])
        if item["Size"]
    )


def open_objects(
    s3: "S3Client", bucket: str, objects: Sequence[Object]
) -> Iterator[tuple[Object, BinaryIO | ObjectError]]:
    """Yield each object, in order, with a stream of its stored bytes or the error.

    Small objects are fetched in parallel into memory, large ones are streamed, so memory holds at
    most 32 MiB of stored bytes whatever the partition's size.
    """
    with ThreadPoolExecutor(_WORKERS) as pool:
        for group in groups(objects):
            if len(group) == 1:
                yield group[0], _open(s3, bucket, group[0], whole=group[0].size <= _GROUP_BYTES)
            else:
                yield from zip(
                    group, pool.map(lambda o: _open(s3, bucket, o, whole=True), group), strict=True
                )


def unpacked(body: BinaryIO) -> tuple[bytes, Iterator[bytes]]:
    """Return the first four bytes of an object and its chunks, decompressed if it is gzip.

    Raises ObjectError, as the chunks do: if the stream ends too early, is corrupt, or is too large.
    """
    reader = io.BufferedReader(_Readable(body), CHUNK)
    try:
        magic = reader.peek(4)[:4]
    except (BotoCoreError, OSError) as error:
        raise _broken_off(error) from error
    source: BinaryIO = gzip.GzipFile(fileobj=reader) if magic.startswith(GZIP) else reader  # type: ignore[assignment]  # a GzipFile can be read like one
    return magic, _chunks(source)


def _chunks(source: BinaryIO) -> Iterator[bytes]:
    length = 0
    try:
        while chunk := source.read(CHUNK):
            length += len(chunk)
            if length > OBJECT_BYTES:
                raise ObjectError(f"it has more than {OBJECT_BYTES >> 20:,} MiB; the rest was not read")
            yield chunk
    except EOFError as error:
        raise ObjectError("the gzip data ends too early") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ObjectError(f"the gzip data is corrupt: {error}") from error
    except (BotoCoreError, OSError) as error:
        raise _broken_off(error) from error


def groups(objects: Sequence[Object]) -> Iterator[list[Object]]:
    """Yield objects in order, in groups that are fetched together."""
    group: list[Object] = []
    size = 0
    for item in objects:
        if group and (size + item.size > _GROUP_BYTES or len(group) == _GROUP_OBJECTS):
            yield group
            group, size = [], 0
        group.append(item)
        size += item.size
    if group:
        yield group


def _open(s3: "S3Client", bucket: str, item: Object, *, whole: bool) -> BinaryIO | ObjectError:
    if item.size > OBJECT_BYTES:
        return ObjectError(
            f"it has {item.size >> 20:,} MiB, more than the limit of {OBJECT_BYTES >> 20:,} MiB"
        )
    try:
        body = s3.get_object(Bucket=bucket, Key=item.key, IfMatch=f'"{item.etag}"')["Body"]
        return io.BytesIO(body.read()) if whole else body  # type: ignore[return-value]  # StreamingBody reads alike
    except ClientError as error:
        code = error.response["Error"]["Code"]
        message = error.response["Error"].get("Message", "")
        return ObjectError(f"S3 answered {code}: {message}".strip(": "), lasting=False)
    except BotoCoreError as error:
        return _broken_off(error)


def _broken_off(error: Exception) -> ObjectError:
    return ObjectError(f"reading broke off: {error}", lasting=False)


class _Readable(io.RawIOBase):
    """A raw stream over anything with read(size)."""

    def __init__(self, body: BinaryIO) -> None:
        self._body = body

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "memoryview") -> int:  # type: ignore[override]  # narrower than the stub's buffer
        data = self._body.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)
