"""Cache of hour profiles: in S3 under a lease, or in memory while another run holds it."""

import contextlib
import os
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, BinaryIO, Protocol

import msgspec

from contract import conditional
from contract.conditional import ConflictError
from contract.schema import StoredStruct
from lambda_monitor.run import Run

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

LEASE = "lease.json"


class Cache(Protocol):
    """Files by name."""

    def get(self, name: str) -> bytes | None:
        """Return the file of that name, None if there is none."""
        ...

    def put(self, name: str, file: BinaryIO) -> None:
        """Write the contents of `file` under `name`."""
        ...

    def names(self, first: str, last: str) -> list[str]:
        """Return the names from `first` to `last`."""
        ...


class S3Cache:
    """A cache under a prefix of a bucket."""

    def __init__(self, s3: "S3Client", bucket: str, prefix: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._prefix = prefix

    def get(self, name: str) -> bytes | None:
        """Return the object's bytes, None if there is none."""
        stored = conditional.get(self._s3, self._bucket, self._prefix + name)
        return None if stored is None else stored.body

    def put(self, name: str, file: BinaryIO) -> None:
        """Write the object."""
        self._s3.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=file)

    def names(self, first: str, last: str) -> list[str]:
        """Return the names from `first` to `last`, which share a prefix, in order."""
        shared = self._prefix + os.path.commonpath([first, last])
        pages = self._s3.get_paginator("list_objects_v2").paginate(
            Bucket=self._bucket, Prefix=shared, StartAfter=self._prefix + first
        )
        found = []
        for page in pages:
            keys = [item["Key"].removeprefix(self._prefix) for item in page.get("Contents", [])]
            found += [key for key in keys if key <= last]
            if keys and keys[-1] > last:
                break
        return found


class Overlay:
    """A cache whose changes are kept in memory and end with the run."""

    def __init__(self, under: Cache) -> None:
        self._under = under
        self._own: dict[str, bytes] = {}

    def get(self, name: str) -> bytes | None:
        """Return this run's bytes, else those of the cache beneath."""
        return self._own[name] if name in self._own else self._under.get(name)

    def put(self, name: str, file: BinaryIO) -> None:
        """Keep the contents of `file` until the run ends."""
        self._own[name] = file.read()

    def names(self, first: str, last: str) -> list[str]:
        """Return the names from `first` to `last`, this run's own and those of the cache beneath."""
        own = [name for name in self._own if first <= name <= last]
        return sorted({*own, *self._under.names(first, last)})


class Held(StoredStruct, frozen=True, kw_only=True):
    """The run that may write, and until when; Lambda has ended it by then."""

    holder: str
    until: datetime


class Lease:
    """Permission to write under a prefix, for one run at a time.

    With two writers a record that landed in two partitions could be counted in both. A run without the
    lease works on an `Overlay`: its results are the same, but they are not stored. The lease of a run
    that was killed ends at that run's deadline.
    """

    def __init__(self, s3: "S3Client", bucket: str, prefix: str, run: Run) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._key = prefix + LEASE
        self._run = run
        self._tag: str | None = None

    def take(self) -> bool:
        """Return whether this run may write until its deadline."""
        tag, held = self._read()
        if held is not None and held.holder != self._run.id and held.until > self._run.now:
            return False
        self._tag = self._write(self._run.deadline, tag)
        return self._tag is not None

    def end(self) -> None:
        """Release the lease if this run holds it."""
        if self._tag is not None:
            self._write(self._run.now, self._tag)
            self._tag = None

    def _read(self) -> tuple[str | None, Held | None]:
        stored = conditional.get(self._s3, self._bucket, self._key)
        if stored is None:
            return None, None
        try:
            return stored.etag, msgspec.json.decode(stored.body, type=Held)
        except msgspec.DecodeError:  # A damaged lease is overwritten.
            return stored.etag, None

    def _write(self, until: datetime, replaces: str | None) -> str | None:
        """Write the lease over the version `replaces`; None if another run wrote it first."""
        body = msgspec.json.encode(Held(holder=self._run.id, until=until))
        try:
            return conditional.put(self._s3, self._bucket, self._key, body, replaces=replaces)
        except ConflictError:
            return None


@contextlib.contextmanager
def lease(s3: "S3Client", bucket: str, prefix: str, run: Run) -> Iterator[Lease]:
    """Yield the lease of `prefix` and release it at the end, also after an exception."""
    held = Lease(s3, bucket, prefix, run)
    try:
        yield held
    finally:
        held.end()
