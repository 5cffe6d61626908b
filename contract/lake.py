"""Read the lines of the lake's objects, gzipped or plain."""

import gzip
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

from contract import layout

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_GZIP = b"\x1f\x8b"


class LakeReader:
    """Reads the lines of each object under a root once."""

    def __init__(self, s3: "S3Client", bucket: str, root: str) -> None:
        self._s3, self._bucket, self._root = s3, bucket, root
        self._known: set[str] = set()

    def new_lines(self, start: datetime, end: datetime) -> Iterator[bytes]:
        """Yield lines of unread objects in the hours of [start, end)."""
        for hour in layout.hours_between(start, end):
            pages = self._s3.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=layout.hour_prefix(self._root, hour)
            )
            for key in [entry["Key"] for page in pages for entry in page.get("Contents", [])]:
                if key not in self._known:
                    self._known.add(key)
                    yield from self._lines(key)

    def _lines(self, key: str) -> Iterator[bytes]:
        data = self._s3.get_object(Bucket=self._bucket, Key=key)["Body"].read()
        # Objects named .gz are plain in the emulator: check the first bytes instead.
        yield from (gzip.decompress(data) if data.startswith(_GZIP) else data).splitlines()
