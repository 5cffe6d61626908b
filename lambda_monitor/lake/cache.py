"""Where hour profiles are kept: S3 under a lease, or for one run only when another holds it."""

import contextlib
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
    """Named bytes."""

    def get(self, name: str) -> bytes | None:
        """Return what is kept under `name`, None when nothing is."""
        ...

    def put(self, name: str, file: BinaryIO) -> None:
        """Keep what `file` holds under `name`."""
        ...


class S3Cache:
    """A shelf under a prefix of a bucket."""

    def __init__(self, s3: "S3Client", bucket: str, prefix: str) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._prefix = prefix

    def get(self, name: str) -> bytes | None:
        """Return the object's bytes, None when it isn't there."""
        found = conditional.get(self._s3, self._bucket, self._prefix + name)
        return None if found is None else found.body

    def put(self, name: str, file: BinaryIO) -> None:
        """Write the object."""
        self._s3.put_object(Bucket=self._bucket, Key=self._prefix + name, Body=file)


class Overlay:
    """A shelf whose changes end with the run."""

    def __init__(self, under: Cache) -> None:
        self._under = under
        self._own: dict[str, bytes] = {}

    def get(self, name: str) -> bytes | None:
        """Return this run's bytes, or those of the shelf beneath."""
        return self._own[name] if name in self._own else self._under.get(name)

    def put(self, name: str, file: BinaryIO) -> None:
        """Keep what `file` holds until the run ends."""
        self._own[name] = file.read()


class Held(StoredStruct, frozen=True, kw_only=True):
    """Which run may write, and until when; Lambda has ended it by then."""

    holder: str
    until: datetime


class Lease:
    """The right to write under a prefix, one run at a time.

    One writer at a time keeps a record that landed in two partitions from being counted in both. A
    run without the lease works on a `Overlay` and loses nothing but the saving of its work; a killed
    run's lease ends with the time Lambda gave it.
    """

    def __init__(self, s3: "S3Client", bucket: str, prefix: str, run: Run) -> None:
        self._s3 = s3
        self._bucket = bucket
        self._key = prefix + LEASE
        self._run = run
        self._tag: str | None = None

    def take(self) -> bool:
        """Tell whether this run may write until its deadline."""
        tag, held = self._read()
        if held is not None and held.holder != self._run.id and held.until > self._run.now:
            return False
        self._tag = self._write(self._run.deadline, tag)
        return self._tag is not None

    def end(self) -> None:
        """Let others write, if this run could."""
        if self._tag is not None:
            self._write(self._run.now, self._tag)
            self._tag = None

    def _read(self) -> tuple[str | None, Held | None]:
        found = conditional.get(self._s3, self._bucket, self._key)
        if found is None:
            return None, None
        return found.etag, msgspec.json.decode(found.body, type=Held)

    def _write(self, until: datetime, replaces: str | None) -> str | None:
        """Write the lease over the version `replaces`; None when another run was faster."""
        body = msgspec.json.encode(Held(holder=self._run.id, until=until))
        try:
            return conditional.put(self._s3, self._bucket, self._key, body, replaces=replaces)
        except ConflictError:
            return None


@contextlib.contextmanager
def lease(s3: "S3Client", bucket: str, prefix: str, run: Run) -> Iterator[Lease]:
    """Offer the lease of `prefix`, and end it when the work is done, also when it fails."""
    one = Lease(s3, bucket, prefix, run)
    try:
        yield one
    finally:
        one.end()
