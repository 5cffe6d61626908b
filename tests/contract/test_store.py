from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto import mock_aws

from contract import bundle, store
from contract.bundle import BundleError, Manifest

BUCKET, NAME = "artifacts", "scorewatch-green-taxi"


@pytest.fixture
def s3() -> Iterator[Any]:
    with mock_aws():
        client = boto3.client("s3", region_name="us-east-1")
        client.create_bucket(Bucket=BUCKET)
        yield client


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for file in bundle.FILES:
        (tmp_path / file).write_bytes(file.encode())
    bundle.write_manifest(tmp_path, NAME, "3")
    return tmp_path


def test_an_uploaded_bundle_is_read_back_verified(s3: Any, folder: Path) -> None:
    assert store.upload(s3, BUCKET, folder) == f"models/{NAME}/3/"
    manifest = store.manifest(s3, BUCKET, NAME, "3")
    assert {file: store.read(s3, BUCKET, manifest, file) for file in bundle.FILES} == {
        file: file.encode() for file in bundle.FILES
    }


def test_a_version_never_changes(s3: Any, folder: Path) -> None:
    store.upload(s3, BUCKET, folder)
    store.upload(s3, BUCKET, folder)
    (folder / bundle.METRICS).write_bytes(b"better")
    bundle.write_manifest(folder, NAME, "3")
    with pytest.raises(BundleError, match="a version never changes"):
        store.upload(s3, BUCKET, folder)
    manifest = store.manifest(s3, BUCKET, NAME, "3")
    assert store.read(s3, BUCKET, manifest, bundle.METRICS) == bundle.METRICS.encode()


def test_a_file_changed_on_disk_is_not_uploaded(s3: Any, folder: Path) -> None:
    (folder / bundle.MODEL).write_bytes(b"another")
    with pytest.raises(BundleError, match="changed after export"):
        store.upload(s3, BUCKET, folder)


def test_a_file_changed_in_the_bucket_is_not_served(s3: Any, folder: Path) -> None:
    prefix = store.upload(s3, BUCKET, folder)
    s3.put_object(Bucket=BUCKET, Key=prefix + bundle.MODEL, Body=b"another")
    manifest = store.manifest(s3, BUCKET, NAME, "3")
    with pytest.raises(BundleError, match="SHA-256"):
        store.read(s3, BUCKET, manifest, bundle.MODEL)


def test_a_missing_version_is_reported_with_the_fix(s3: Any) -> None:
    with pytest.raises(BundleError, match="upload the bundle, then deploy its version"):
        store.manifest(s3, BUCKET, NAME, "4")


def test_an_incomplete_bundle_gets_no_manifest(folder: Path) -> None:
    (folder / bundle.REFERENCE).unlink()
    with pytest.raises(BundleError, match=r"lacks reference\.parquet"):
        bundle.write_manifest(folder, NAME, "3")


def test_the_users_checks_are_pinned_too(folder: Path) -> None:
    (folder / bundle.CHECKS).write_bytes(b"{}")
    manifest = bundle.write_manifest(folder, NAME, "3")
    assert bundle.CHECKS in manifest.files
    assert Manifest.from_json(manifest.to_json()) == manifest
    with pytest.raises(BundleError, match="has no other"):
        manifest.verify("other", b"")
