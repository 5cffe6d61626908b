"""`make images` with Docker, with Buildah, and where there is neither."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from local import __main__ as command_line
from local import containers
from local.images import DOCKERFILES, EXPORTER, ImageError
from ops import docker_images
from tests.ops.conftest import FAKES
from tests.ops.fakes import archives

Calls = Callable[[], list[dict[str, Any]]]


def add_buildah(folder: Path) -> None:
    command = folder / "buildah"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} {FAKES / "buildah.py"} "$@"\n')
    command.chmod(0o755)


@pytest.mark.parametrize("name", ["docker", "buildah"])
def test_images_and_their_bills_are_written(
    calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    if name == "buildah":
        (tmp_path / "bin/docker").unlink()
        add_buildah(tmp_path / "bin")
        monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    lines: list[str] = []
    tags = containers.build_with_sboms(lines.append, tmp_path / "images")
    assert set(tags) == {*DOCKERFILES, "exporter"}
    for image, tag in tags.items():
        assert tag.startswith(f"scorewatch-{image}:")
        assert (tmp_path / f"images/{image}.cdx.json").read_bytes() == archives.SBOM
        assert any(f"{tag}: sha256:base" in line for line in lines)
    assert {call["command"] for call in calls()} == {name}


def test_the_images_have_one_base() -> None:
    assert len({docker_images.base_image(path) for path in (*DOCKERFILES.values(), EXPORTER)}) == 1


def test_an_image_whose_content_is_built_is_not_built_again(calls: Calls, tmp_path: Path) -> None:
    lines: list[str] = []
    tags = containers.build_with_sboms(lines.append, tmp_path)
    # The fake has every image that it is asked for.
    assert [call for call in calls() if call["arguments"][0] == "build"] == []
    assert sum("is built already" in line for line in lines) == len(tags)


def test_an_image_that_is_missing_is_built(
    calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = docker_images.base_image(DOCKERFILES["predict"])
    monkeypatch.setenv("FAKE_DOCKER_HAS", base)
    with pytest.raises(ImageError, match="inspect of scorewatch-predict:"):
        containers.build_with_sboms(print, tmp_path)
    builds = [call for call in calls() if call["arguments"][0] == "build"]
    assert [build["from"] for build in builds] == [f"FROM {base}"] * 3
    assert "ops/sbom.py" in builds[0]["context"]


def test_without_an_engine_the_command_lists_what_to_do(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert command_line.main(["images"]) == 1
    error = capsys.readouterr().err
    assert "no engine builds images here" in error
    assert "install Buildah" in error
