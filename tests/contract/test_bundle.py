import hashlib
from pathlib import Path

import pytest

from contract import bundle
from contract.bundle import BundleError, Manifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for file in bundle.FILES:
        (tmp_path / file).write_bytes(file.encode())
    return tmp_path


def test_the_manifest_pins_every_file(folder: Path) -> None:
    manifest = bundle.write_manifest(folder, "scorewatch-green-taxi", "7")
    assert Manifest.from_json((folder / bundle.MANIFEST).read_bytes()) == manifest
    assert (manifest.name, manifest.version) == ("scorewatch-green-taxi", "7")
    assert {file: entry.sha256 for file, entry in manifest.files.items()} == {
        file: hashlib.sha256(file.encode()).hexdigest() for file in bundle.FILES
    }
    assert manifest.files[bundle.MODEL].bytes == len(bundle.MODEL)


@pytest.mark.parametrize("file", bundle.FILES)
def test_a_changed_byte_is_detected_and_its_file_named(folder: Path, file: str) -> None:
    manifest = bundle.write_manifest(folder, "scorewatch-green-taxi", "7")
    assert manifest.verify(file, file.encode()) == file.encode()
    with pytest.raises(BundleError, match=f"{file} of bundle scorewatch-green-taxi 7 has SHA-256"):
        manifest.verify(file, file.encode()[:-1])


@pytest.mark.parametrize("file", bundle.FILES)
def test_a_missing_file_is_named(folder: Path, file: str) -> None:
    (folder / file).unlink()
    with pytest.raises(BundleError, match=f"lacks {file}"):
        bundle.write_manifest(folder, "scorewatch-green-taxi", "7")
    assert not (folder / bundle.MANIFEST).exists()


def test_optional_files_are_not_required(folder: Path) -> None:
    assert set(bundle.write_manifest(folder, "m", "1").files) == set(bundle.FILES)


@pytest.mark.parametrize("data", [b"", b"{}", b'{"name":"m","version":1,"files":{}}'])
def test_an_invalid_manifest_is_rejected(data: bytes) -> None:
    with pytest.raises(BundleError, match=r"manifest\.json can't be read"):
        Manifest.from_json(data)
