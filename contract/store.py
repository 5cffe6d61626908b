"""Bundles in S3: written once, verified on every read."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from contract import bundle, conditional, layout
from contract.bundle import BundleError, Manifest
from contract.conditional import ConflictError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_ATTEMPTS = 20
_PAUSE_SECONDS = 0.1


def upload(s3: "S3Client", bucket: str, directory: Path, pause: Callable[[float], None] = time.sleep) -> str:
    """Upload the bundle in `directory`, manifest last, and return its prefix.

    Uploading the same content again changes nothing. Raises BundleError if that version exists with
    other content: a version never changes.
    """
    manifest = Manifest.from_json((directory / bundle.MANIFEST).read_bytes())
    prefix = layout.model_prefix(manifest.name, manifest.version)
    for file in (*manifest.files, bundle.MANIFEST):
        data = (directory / file).read_bytes()
        if file in manifest.files:
            manifest.verify(file, data)
        _put_once(s3, bucket, prefix + file, data, pause)
    return prefix


def manifest(s3: "S3Client", bucket: str, name: str, version: str) -> Manifest:
    """Return the manifest of one version. Raises BundleError if missing or another's."""
    prefix = layout.model_prefix(name, version)
    found = Manifest.from_json(_get(s3, bucket, prefix + bundle.MANIFEST))
    if (found.name, found.version) != (name, version):
        raise BundleError(f"s3://{bucket}/{prefix} holds {found.name} {found.version}, not {name} {version}")
    return found


def read(s3: "S3Client", bucket: str, entries: Manifest, file: str) -> bytes:
    """Return one file of a bundle, verified. Raises BundleError."""
    key = layout.model_prefix(entries.name, entries.version) + file
    return entries.verify(file, _get(s3, bucket, key))


def _get(s3: "S3Client", bucket: str, key: str) -> bytes:
    found = conditional.get(s3, bucket, key)
    if found is None:
        raise BundleError(f"s3://{bucket}/{key} does not exist: upload the bundle, then deploy its version")
    return found.body


def _put_once(s3: "S3Client", bucket: str, key: str, data: bytes, pause: Callable[[float], None]) -> None:
    """Create the object, or find it there with the same bytes.

    A refused write to a key that still has no object means that another upload is under way, or has
    failed: it is repeated up to _ATTEMPTS times.
    """
    for attempt in range(_ATTEMPTS):
        if attempt:
            pause(_PAUSE_SECONDS)
        try:
            conditional.put(s3, bucket, key, data, replaces=None, ChecksumAlgorithm="SHA256")
        except ConflictError:
            found = conditional.get(s3, bucket, key)
        else:
            return
        if found is not None and found.body != data:
            raise BundleError(
                f"s3://{bucket}/{key} exists with other content: a version never changes, export a new one"
            )
        if found is not None:
            return
    raise BundleError(
        f"s3://{bucket}/{key} is being written by another upload: repeat this one when that has ended"
    )
