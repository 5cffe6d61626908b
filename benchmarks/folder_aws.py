"""AWS clients backed by a folder, with the calls the monitor makes."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import ClientError


class FolderS3:
    """Buckets as folders, with conditional writes."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def get_object(self, *, Bucket: str, Key: str, **_: Any) -> dict[str, Any]:  # noqa: N803  # boto3's names
        """Return an object. Raises ClientError if there is none."""
        path = self._root / Bucket / Key
        if not path.is_file():
            raise _error("NoSuchKey", "GetObject")
        return {"Body": path.open("rb"), "ETag": _tag(path)}

    def put_object(
        self,
        *,
        Bucket: str,  # noqa: N803  # boto3's names
        Key: str,  # noqa: N803  # as above
        Body: Any,  # noqa: N803  # as above
        IfMatch: str | None = None,  # noqa: N803  # as above
        IfNoneMatch: str | None = None,  # noqa: N803  # as above
        **_: Any,
    ) -> dict[str, Any]:
        """Write an object. Raises ClientError if the condition does not hold."""
        path = self._root / Bucket / Key
        taken = IfNoneMatch is not None and path.is_file()
        changed = IfMatch is not None and (not path.is_file() or _tag(path) != IfMatch)
        if taken or changed:
            raise _error("PreconditionFailed", "PutObject")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(Body if isinstance(Body, bytes) else Body.read())
        return {"ETag": _tag(path)}

    def generate_presigned_url(self, _: str, *, Params: dict[str, str], **__: Any) -> str:  # noqa: N803  # as above
        """Return the address of the object's file."""
        return (self._root / Params["Bucket"] / Params["Key"]).as_uri()

    def get_paginator(self, _: str) -> "FolderS3":
        """Return this client, which lists."""
        return self

    def paginate(
        self,
        *,
        Bucket: str,  # noqa: N803  # boto3's names
        Prefix: str,  # noqa: N803  # as above
        Delimiter: str = "",  # noqa: N803  # as above
        **_: Any,
    ) -> Iterator[dict[str, Any]]:
        """Yield one page of objects, and of common prefixes if there is a delimiter."""
        bucket = self._root / Bucket
        found = sorted(path for path in (bucket / Prefix).rglob("*") if path.is_file())
        keys = {path.relative_to(bucket).as_posix(): path for path in found}
        deeper = {key: key[len(Prefix) :].partition("/") for key in keys}
        shown = [key for key in keys if not Delimiter or not deeper[key][1]]
        yield {
            "Contents": [
                {
                    "Key": key,
                    "ETag": _tag(keys[key]),
                    "Size": keys[key].stat().st_size,
                    "LastModified": datetime.fromtimestamp(keys[key].stat().st_mtime, UTC),
                }
                for key in shown
            ],
            "CommonPrefixes": [
                {"Prefix": f"{Prefix}{head}/"}
                for head in sorted({d[0] for k, d in deeper.items() if k not in shown})
            ],
        }


class SilentSNS:
    """A topic without subscribers."""

    def publish(self, **_: Any) -> None:
        """Do nothing."""


def _tag(path: Path) -> str:
    stat = path.stat()
    return hashlib.md5(f"{path}{stat.st_size}{stat.st_mtime_ns}".encode(), usedforsecurity=False).hexdigest()


def _error(code: str, operation: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": code}}, operation)
