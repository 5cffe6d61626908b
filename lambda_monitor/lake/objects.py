"""Objects of the lake: list a partition, stream lines whatever their packing.

An object is gzip, Parquet or plain JSON lines by its first bytes: names are not to be trusted,
since Firehose may compress without saying so and people drop files by hand.
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
# Small objects are fetched side by side, at most this many bytes of them at a time.
_WORKERS = 16
_GROUP_BYTES = 32 << 20
_GROUP_OBJECTS = 512


class Object(msgspec.Struct, frozen=True, order=True):
    """One object of a listing; key and entity tag together name its content, `modified` when it came."""

    key: str
    etag: str
    size: int
    modified: datetime


class Unreadable(msgspec.Struct, frozen=True, order=True):
    """An object that could not be read, or only in part, and why.

    `lasting`: its content is at fault, so reading it again is of no use.
    """

    key: str
    reason: str
    lasting: bool = True


class ObjectError(Exception):
    """An object can't be read to its end; `lasting` where its content is at fault."""

    def __init__(self, reason: str, *, lasting: bool = True) -> None:
        super().__init__(reason)
        self.lasting = lasting


def list_objects(
    s3: "S3Client", bucket: str, prefix: str, *, deep: bool = True, after: str = ""
) -> list[Object]:
    """Return the objects under `prefix` by key; empty ones and folder markers are left out.

    Without `deep`, those of folders under it are left out too; keys up to `after` always are.
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
    """Yield every object, in order, with a stream of its stored bytes or the reason there is none.

    Small objects are fetched in parallel into memory, large ones are streamed, so memory holds at
    most 32 MiB of stored bytes whatever the partition's size.
    """
    with ThreadPoolExecutor(_WORKERS) as pool:
        for group in _groups(objects):
            if len(group) == 1:
                yield group[0], _open(s3, bucket, group[0], whole=group[0].size <= _GROUP_BYTES)
            else:
                yield from zip(
                    group, pool.map(lambda o: _open(s3, bucket, o, whole=True), group), strict=True
                )


def unpacked(body: BinaryIO) -> tuple[bytes, Iterator[bytes]]:
    """Return an object's first four bytes and its chunks, decompressed where it is gzip.

    The chunks raise ObjectError where the stream breaks off or isn't gzip after all.
    """
    reader = io.BufferedReader(_Readable(body), CHUNK)
    magic = reader.peek(4)[:4]
    source: BinaryIO = gzip.GzipFile(fileobj=reader) if magic.startswith(GZIP) else reader  # type: ignore[assignment]  # a GzipFile is one to read from
    return magic, _chunks(source)


def read_lines(body: BinaryIO | ObjectError) -> Iterator[bytes]:
    """Yield an object's lines without their ends, empty ones left out. Raises ObjectError at its fault."""
    if isinstance(body, ObjectError):
        raise body
    tail = b""
    for chunk in unpacked(body)[1]:
        *whole, tail = (tail + chunk).split(b"\n")
        yield from filter(None, whole)
    if tail:
        yield tail


def _chunks(source: BinaryIO) -> Iterator[bytes]:
    try:
        while chunk := source.read(CHUNK):
            yield chunk
    except EOFError as error:
        raise ObjectError("the gzip data ends too early") from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise ObjectError(f"the gzip data is corrupt: {error}") from error
    except (BotoCoreError, OSError) as error:
        raise ObjectError(f"reading broke off: {error}", lasting=False) from error


def _groups(objects: Sequence[Object]) -> Iterator[list[Object]]:
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
    try:
        body = s3.get_object(Bucket=bucket, Key=item.key, IfMatch=f'"{item.etag}"')["Body"]
        return io.BytesIO(body.read()) if whole else body  # type: ignore[return-value]  # StreamingBody reads alike
    except ClientError as error:
        code = error.response["Error"]["Code"]
        said = error.response["Error"].get("Message", "")
        return ObjectError(f"S3 answered {code}: {said}".strip(": "), lasting=False)
    except BotoCoreError as error:
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
