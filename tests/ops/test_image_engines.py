"""Docker and Buildah by their commands, and the message where there is neither."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ops import docker_images, image_engines
from ops.deployment import DeploymentError
from tests.ops.conftest import FAKES

Calls = Callable[[], list[dict[str, Any]]]


@pytest.fixture
def buildah(calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> image_engines.Engine:
    """Return Buildah, found because docker's daemon does not respond."""
    command = tmp_path / "bin/buildah"
    # Its archives and push take other arguments than docker's.
    command.write_text(f'#!/bin/sh\nexec {sys.executable} {FAKES / "buildah.py"} "$@"\n')
    command.chmod(0o755)
    monkeypatch.setenv("FAKE_DOCKER_FAILS", "version")
    found = image_engines.find(os.environ)
    monkeypatch.delenv("FAKE_DOCKER_FAILS")
    assert [call["arguments"][0] for call in calls()] == ["version"]
    return found


def test_docker_is_used_if_its_daemon_responds(calls: Calls) -> None:
    assert image_engines.find(os.environ).name == "docker"
    assert calls()


def test_without_an_engine_the_message_names_each_way(
    calls: Calls, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DeploymentError) as error:
        image_engines.find({"PATH": "/nowhere"})
    for words in (
        "docker was not found; buildah was not found",
        "start Docker",
        "install Buildah",
        "image_repositories = false",
    ):
        assert words in str(error.value)
    monkeypatch.setenv("FAKE_DOCKER_FAILS", "version")
    # The fakes' folder alone: this machine's buildah is not found.
    with pytest.raises(DeploymentError, match=r"docker's daemon does not respond \(it broke\)"):
        image_engines.find({**os.environ, "PATH": str(tmp_path / "bin")})
    assert calls()


def test_buildah_builds_with_a_constant_time_and_pushes(
    buildah: image_engines.Engine, calls: Calls, tmp_path: Path
) -> None:
    dockerfile = tmp_path / "x/Dockerfile"
    dockerfile.parent.mkdir()
    dockerfile.write_text("FROM base\n")
    assert buildah.base("base", "arm64") == "sha256:base"
    docker_images.build(buildah, dockerfile, tmp_path, "registry.example/x:1", "arm64", "base")
    buildah.push("registry.example/x:1", "registry.example", "AWS", "hidden")

    pull, _, build, login, push, logout = calls()[1:]
    assert pull["arguments"] == ["pull", "--quiet", "--platform", "linux/arm64", "base"]
    # Without these two, configuration and files would name the build's container and time.
    assert {"--timestamp", "315532800"} <= set(build["arguments"])
    assert build["arguments"][build["arguments"].index("--format") + 1] == "oci"
    assert (login["password"], "hidden" in json.dumps(login["arguments"])) == ("hidden", False)
    assert push["arguments"] == ["push", "registry.example/x:1"]
    assert logout["arguments"] == ["logout", "registry.example"]


def test_the_bill_of_materials_is_saved_from_either_engine(
    buildah: image_engines.Engine, tmp_path: Path
) -> None:
    for engine in (buildah, image_engines.Docker(os.environ)):
        target = tmp_path / f"{engine.name}.cdx.json"
        docker_images.write_sbom(engine, "image:1", target)
        assert json.loads(target.read_bytes())["bomFormat"] == "CycloneDX"


def test_a_failed_build_shows_its_output(
    buildah: image_engines.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_DOCKER_FAILS", "build")
    with pytest.raises(DeploymentError, match="buildah build of x:1 on base failed: it broke"):
        buildah.build(tmp_path, "x:1", "x86_64", "base", quiet=True)
