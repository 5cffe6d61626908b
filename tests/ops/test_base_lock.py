"""Digests of base images, from a registry that follows the OCI distribution specification."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops import base_lock, docker_images
from ops.base_lock import Reference
from ops.deployment import DeploymentError
from tests import checkout
from tests.ops.fakes import registry as fake
from tests.ops.fakes.registry import Registry


@pytest.fixture
def registry() -> Iterator[Registry]:
    with fake.serve() as found:
        yield found


def pinned(registry: Registry, tag: str = "3.12") -> str:
    return base_lock.digest(Reference(registry.address, "lambda/python", tag))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("python:3.12-slim", ("registry-1.docker.io", "library/python", "3.12-slim")),
        ("someone/image", ("registry-1.docker.io", "someone/image", "latest")),
        ("public.ecr.aws/lambda/python:3.12", ("public.ecr.aws", "lambda/python", "3.12")),
        ("localhost:5000/a/b:1@sha256:00", ("localhost:5000", "a/b", "1")),
    ],
)
def test_names_are_read_as_docker_reads_them(name: str, expected: tuple[str, str, str]) -> None:
    assert Reference.parse(name) == Reference(*expected)


def test_only_a_local_registry_is_read_without_tls() -> None:
    assert Reference.parse("public.ecr.aws/a:1").url == "https://public.ecr.aws/v2/a/manifests/1"
    assert Reference.parse("localhost:5000/a:1").url == "http://localhost:5000/v2/a/manifests/1"


@pytest.mark.parametrize("token", [True, False])
def test_the_digest_is_that_of_the_index(registry: Registry, token: bool) -> None:
    registry.token = token
    wanted = registry.add("lambda/python", "3.12", ["amd64", "arm64"])
    assert pinned(registry) == wanted
    assert ("/token?service=fake&scope=repository%3Alambda%2Fpython%3Apull" in registry.calls) == token


def test_an_unknown_tag_is_named_in_the_words_of_the_registry(registry: Registry) -> None:
    with pytest.raises(DeploymentError, match="manifests/9: 404 MANIFEST_UNKNOWN manifest unknown"):
        pinned(registry, "9")


def test_a_manifest_that_is_not_the_one_of_its_digest_is_refused(registry: Registry) -> None:
    registry.add("lambda/python", "3.12", ["amd64"])
    registry.digest = f"sha256:{'0' * 64}"
    with pytest.raises(DeploymentError, match="is not the one of its digest sha256:000"):
        pinned(registry)


def test_an_answer_of_another_type_is_refused(registry: Registry) -> None:
    registry.manifests["lambda/python", "3.12"] = b"<html>"
    registry.kind = "text/html"
    with pytest.raises(DeploymentError, match="404 MANIFEST_UNKNOWN"):
        pinned(registry)


@pytest.mark.parametrize(
    ("challenge", "reason"),
    [
        ('Basic realm="x"', "asks for Basic authentication"),
        ('Bearer realm="http://elsewhere.example/token"', "is not https"),
    ],
)
def test_other_ways_to_log_in_are_refused(registry: Registry, challenge: str, reason: str) -> None:
    registry.challenge = challenge
    with pytest.raises(DeploymentError, match=reason):
        pinned(registry)


def test_a_registry_that_does_not_answer_is_named() -> None:
    with fake.serve() as stopped:
        address = stopped.address
    with pytest.raises(DeploymentError, match=f"{address} can't be read"):
        base_lock.digest(Reference(address, "lambda/python", "3.12"))


def test_dockerfiles_are_pinned_and_renewed(
    registry: Registry, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"{registry.address}/lambda/python:3.12"
    files = tuple(tmp_path / str(number) for number in range(2))
    for path in files:
        path.write_text(f"# Comment\nFROM {name}\nCMD x\n")
    for architectures in (["amd64"], ["amd64", "arm64"]):
        wanted = registry.add("lambda/python", "3.12", architectures)
        base_lock.renew(files)
        assert capsys.readouterr().out.count(f"{name}@{wanted}\n") == 1
        assert {path.read_text() for path in files} == {f"# Comment\nFROM {name}@{wanted}\nCMD x\n"}
    base_lock.renew(files)
    assert f"{name}@{wanted}, as before\n" in capsys.readouterr().out


def test_no_dockerfile_changes_unless_every_base_is_found(registry: Registry, tmp_path: Path) -> None:
    registry.add("lambda/python", "3.12", ["amd64"])
    files = (tmp_path / "a", tmp_path / "b")
    for path, tag in zip(files, ("3.12", "unknown"), strict=True):
        path.write_text(f"FROM {registry.address}/lambda/python:{tag}\n")
    before = [path.read_text() for path in files]
    with pytest.raises(DeploymentError, match="unknown"):
        base_lock.renew(files)
    assert [path.read_text() for path in files] == before


def test_make_base_lock_pins_every_dockerfile(registry: Registry, tmp_path: Path) -> None:
    folder = checkout.copy(tmp_path / "copy")
    checkout.link_environment(folder)
    names = [path.relative_to(checkout.ROOT) for path in base_lock.DOCKERFILES]
    assert sorted(names) == sorted(path.relative_to(folder) for path in folder.rglob("Dockerfile"))
    for name in names:
        base = docker_images.base_image(folder / name)
        text = (folder / name).read_text().replace(f"FROM {base}", f"FROM {registry.address}/base:1")
        (folder / name).write_text(text)
    wanted = registry.add("base", "1", ["amd64"])
    assert shutil.which("make")
    done = subprocess.run(["make", "base-lock"], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert {docker_images.base_image(folder / name) for name in names} == {
        f"{registry.address}/base:1@{wanted}"
    }
