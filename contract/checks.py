"""Uploaded configuration of checks: numbered versions of a model, one of them in force."""

import hashlib
from typing import TYPE_CHECKING

import msgspec

from contract import conditional, layout
from contract.conditional import ConflictError
from contract.schema import StoredStruct

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client


_NULL = b"null"


class UploadedChecks(StoredStruct, frozen=True, kw_only=True):
    """One uploaded `checks.json`; if `checks` is null, that of the bundle is in force again."""

    version: int
    uploaded_at: str
    checks: msgspec.Raw = msgspec.Raw(_NULL)

    @property
    def configuration(self) -> bytes | None:
        """The uploaded configuration, None if that of the bundle is in force."""
        data = bytes(self.checks)
        return None if data == _NULL else data


class UploadError(RuntimeError):
    """The stored configuration of checks is unreadable, or another upload was first."""


def digest(checks: bytes) -> str:
    """Return the SHA-256 of a configuration in hex, whatever its spaces and line breaks."""
    return hashlib.sha256(msgspec.json.format(checks, indent=-1)).hexdigest()


def current(s3: "S3Client", bucket: str, model: str, version: int | None = None) -> UploadedChecks | None:
    """Return the upload in force for `model`, or that version; None if there is none. Raises UploadError."""
    key = layout.checks_key(model, version)
    found = conditional.get(s3, bucket, key)
    return None if found is None else _parsed(found.body, f"s3://{bucket}/{key}")


def upload(s3: "S3Client", bucket: str, model: str, checks: bytes | None, now: str) -> UploadedChecks:
    """Store `checks` as the next version of `model` and put it in force.

    Earlier versions are kept. Raises UploadError if another upload ran at the same time; then nothing
    is in force that was not before.
    """
    key = layout.checks_key(model)
    before = conditional.get(s3, bucket, key)
    version = 1 + max([*_kept(s3, bucket, model), 0])
    data = msgspec.Raw(_NULL if checks is None else checks)
    made = UploadedChecks(version=version, uploaded_at=now, checks=data)
    body = msgspec.json.format(msgspec.json.encode(made), indent=2) + b"\n"
    try:
        conditional.put(s3, bucket, layout.checks_key(model, version), body, replaces=None)
        conditional.put(s3, bucket, key, body, replaces=None if before is None else before.etag)
    except ConflictError as error:
        raise UploadError(
            f"another upload of checks of {model} ran at the same time: repeat the command"
        ) from error
    return made


def _kept(s3: "S3Client", bucket: str, model: str) -> list[int]:
    """Return the numbers of the stored versions."""
    prefix = layout.checks_key(model).removesuffix(".json") + "/"
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    names = [item["Key"].removeprefix(prefix) for page in pages for item in page.get("Contents", [])]
    return [int(stem) for name in names if (stem := name.removesuffix(".json")).isdecimal()]


def _parsed(body: bytes, uri: str) -> UploadedChecks:
    try:
        return msgspec.json.decode(body, type=UploadedChecks)
    except msgspec.DecodeError as error:
        raise UploadError(f"{uri} can't be read: {error}; repeat make checks") from error
