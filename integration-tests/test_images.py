"""Images of real engines: two builds are one image, whatever the umask, and it runs unprivileged."""

import json
import os
import re
import subprocess
from collections import defaultdict
from pathlib import Path

import pytest
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from local import containers, images
from local.container import USER
from local.images import ImageError
from ops import docker_images, image_archive
from ops.image_engines import Docker
from tests import checkout

# A build takes a minute where nothing is cached.
pytestmark = pytest.mark.timeout(900)
DOCKERFILE = Path("lambda_predict/Dockerfile")


class Uncached(Docker):
    """Docker whose builds run every step again."""

    def _run(self, *arguments: str, **given: object) -> "subprocess.CompletedProcess[str]":
        command, *rest = arguments
        return super()._run(command, *(["--no-cache"] if command == "build" else []), *rest, **given)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def base() -> str:
    try:
        containers.check_engine()
        return containers.base_image(print)
    except ImageError as error:
        pytest.skip(f"images are not built: {error}")


@pytest.fixture(scope="module")
def built(base: str, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Return the tags of two builds, from checkouts made under umasks 022 and 077."""
    tags = []
    for umask in (0o022, 0o077):
        root = checkout.copy(tmp_path_factory.mktemp("checkout"))
        for path in root.rglob("*"):
            path.chmod((0o777 if path.is_dir() else 0o666) & ~umask)
        tags.append(f"scorewatch-test-predict:{umask:03o}")
        architecture = containers.ARCHITECTURE
        docker_images.build(
            Uncached(os.environ), root / DOCKERFILE, root, tags[-1], architecture, base, quiet=True
        )
    return tags


def test_two_builds_are_one_image(built: list[str]) -> None:
    first, second = (Docker(os.environ).identity(tag) for tag in built)
    assert first == second


def test_the_image_of_a_strict_umask_runs_read_only_and_unprivileged(built: list[str]) -> None:
    options = ("--rm", "--network=none", "--read-only", "--tmpfs", "/tmp", "--user", USER, "--cap-drop=ALL")
    script = "import lambda_predict.score"
    command = ("docker", "run", *options, "--entrypoint", "python", built[1], "-v", "-c", script)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    # Bytecode of the build is used: nothing is compiled at the start.
    code = [line for line in done.stderr.splitlines() if "code object from" in line]
    assert [line for line in code if "/var/task/" in line and ".pyc" not in line] == []


def test_the_exporters_image_runs_read_only_and_unprivileged(base: str) -> None:
    [tag] = containers.build_tags(Docker(os.environ), base, print, {"exporter": images.EXPORTER}).values()
    options = ("--rm", "--network=none", "--read-only", "--cap-drop=ALL")
    command = ("docker", "run", *options, tag, "--help")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert "--input-stream" in done.stdout


def test_the_bill_of_materials_lists_the_lock_and_the_base(built: list[str], tmp_path: Path) -> None:
    docker_images.write_sbom(Docker(os.environ), built[0], tmp_path / "sbom.json")
    text = (tmp_path / "sbom.json").read_text()
    assert JsonStrictValidator(SchemaVersion.V1_6).validate_str(text) is None
    bill = json.loads(text)
    purls = {component["purl"] for component in bill["components"]}
    versions: dict[str, set[str]] = defaultdict(set)
    for line in (images.ROOT / "requirements/predict.txt").read_text().splitlines():
        if found := re.match(r"([\w.-]+)==([^ ;]+)", line):
            versions[found[1]].add(found[2])
    assert {"numpy", "onnxruntime"} <= set(versions)
    # Markers of the lock choose one of a package's versions by the image's Python.
    for name, locked in versions.items():
        assert {f"pkg:pypi/{name}@{version}" for version in locked} & purls, name
    assert bill["metadata"]["properties"][0]["value"] in {"rpm", "dpkg-query"}
    assert any(purl.startswith(("pkg:rpm/", "pkg:deb/")) for purl in purls)
    label = f"/{image_archive.SBOM}"
    assert label in (images.ROOT / DOCKERFILE).read_text()
