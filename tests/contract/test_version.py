"""The version is one, and images, bundles and reports carry it."""

import re
import tomllib
from pathlib import Path

import pytest

from contract import bundle
from contract.bundle import Manifest
from contract.version import VERSION

ROOT = Path(__file__).resolve().parents[2]


def test_the_package_has_the_version() -> None:
    assert tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"] == VERSION


def test_the_changelog_begins_with_the_version() -> None:
    assert re.findall(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)[0] == VERSION


@pytest.mark.parametrize("image", ["lambda_predict", "lambda_monitor", "local/prometheus"])
def test_an_image_is_labelled_with_the_version(image: str) -> None:
    text = (ROOT / image / "Dockerfile").read_text()
    assert f'org.opencontainers.image.version="{VERSION}"' in text
    assert "COPY contract/" in text


def test_a_manifest_carries_the_version(tmp_path: Path) -> None:
    for file in bundle.FILES:
        (tmp_path / file).write_bytes(b"content")

    bundle.write_manifest(tmp_path, "model", "1")

    assert Manifest.from_json((tmp_path / bundle.MANIFEST).read_bytes()).scorewatch == VERSION


@pytest.mark.parametrize("more", ["", ', "added_later": {"x": 1}'])
def test_manifests_of_other_releases_are_read(more: str) -> None:
    found = Manifest.from_json(f'{{"name": "m", "version": "1", "files": {{}}{more}}}'.encode())

    assert (found.name, found.scorewatch) == ("m", "")
