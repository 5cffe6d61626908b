"""Read the lines of the lake's objects, gzipped or plain."""

import gzip
import zlib
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from contract import layout

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_GZIP = b"\x1f\x8b"


class DamagedError(ValueError):
    """An object's bytes can't be unpacked."""


class LakeReader:
    """Reads each object under a root once."""

    def __init__(self, s3: "S3Client", bucket: str, root: str) -> None:
        self._s3, self._bucket, self._root = s3, bucket, root
        self._known: set[str] = set()

    def new_lines(self, start: datetime, end: datetime) -> Iterator[bytes]:
        """Yield lines of unread objects in the hours of [start, end). Raises DamagedError."""
        for _, body in self.new_objects(start, end):
            yield from lines(body)

    def new_objects(self, start: datetime, end: datetime) -> Iterator[tuple[str, bytes]]:
        """Yield key and bytes of unread objects in the hours of [start, end)."""
        for hour in layout.hours_between(start, end):
            pages = self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=layout.hour_prefix(self._root, hour)
            )
            for key in [entry["Key"] for page in pages for entry in page.get("Contents", [])]:
                if key not in self._known:
                    self._known.add(key)
                    yield key, self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()


def lines(body: bytes) -> list[bytes]:
    """Return the lines of an object, gzipped or plain, without empty ones. Raises DamagedError."""
    # Objects named .gz are plain in the emulator: check the first bytes instead.
    if body.startswith(_GZIP):
        try:
            body = gzip.decompress(body)
        except (EOFError, OSError, zlib.error) as error:
            raise DamagedError(f"damaged gzip: {error}") from error
    # The ground truth's delivery adds a newline also to labels that end with one.
    return [line for line in body.splitlines() if line]
