"""The bundle in S3: written once, checked on every read."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

from contract import bundle, conditional, layout
from contract.bundle import BundleError, Manifest
from contract.conditional import ConflictError

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_ATTEMPTS = 20
_PAUSE_SECONDS = 0.1


def upload(s3: "S3Client", bucket: str, directory: Path) -> str:
    """Upload the bundle in `directory`, manifest last, and return its prefix.

    Repeating an upload is harmless. Raises BundleError when that version is there with other
    content: a version never changes.
    """
    manifest = Manifest.from_json((directory / bundle.MANIFEST).read_bytes())
    prefix = layout.model_prefix(manifest.name, manifest.version)
    for file in (*manifest.files, bundle.MANIFEST):
        data = (directory / file).read_bytes()
        if file in manifest.files:
            manifest.verify(file, data)
        _put_once(s3, bucket, prefix + file, data)
    return prefix


def manifest(s3: "S3Client", bucket: str, name: str, version: str) -> Manifest:
    """Return the manifest of one version. Raises BundleError when there is none or it is another's."""
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
        raise BundleError(f"s3://{bucket}/{key} is not there: upload the bundle, then deploy its version")
    return found.body


def _put_once(s3: "S3Client", bucket: str, key: str, data: bytes) -> None:
    for _ in range(_ATTEMPTS):
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
        # Another upload of the same key was under way and is not there yet, or failed.
        time.sleep(_PAUSE_SECONDS)
    raise BundleError(
        f"s3://{bucket}/{key} is being written by another upload: repeat this one when it ended"
    )
